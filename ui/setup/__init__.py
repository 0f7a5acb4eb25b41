"""The setup: the form that makes a RunConfig, and what the page says about it before anything trains.

form draws the form from widgets and fields, and address reads the URL into it. sentence states the arithmetic; notices,
peak_hint and remedies say what is wrong and how to fix it. pace slows the next or the shown run down.
"""
