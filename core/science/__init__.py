"""Provide the statistics and the theory that the claims and the schedule bench share.

`trials` holds measurements, `statistics` compares them, and `judge` turns them into verdicts. `expectation` and
`optimum` compute what theory predicts for a convex problem, and `convex` trains it. Only `optimum` and `convex` load
torch.
"""
