"""The setup: the form that makes a RunConfig, and what it says about it before anything trains.

form draws the fields, sentence states the arithmetic, notices, peak_hint and remedies tell what is wrong and how to
fix it.
"""
