"""The statistics and the theory that the claims and the bench of schedules share.

trials holds measurements, statistics compares them, judge turns them into verdicts. expectation and optimum are what
theory predicts for a convex problem, and convex trains it. Only optimum and convex load torch.
"""
