"""The compare page: train two to six configurations with equal budgets and see which ends lower.

A configuration of a comparison is an arm: arms draws their choice, page draws what came out.
"""
