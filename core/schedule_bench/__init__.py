"""Train one problem under every schedule, each at a peak rate tuned for it, and compare where the runs end.

The problem is softmax regression on the mixture of Gaussians. It is convex, so the distance from the optimum is a
number. `arms` lists what is compared. The package itself loads no torch; `experiment`, `training` and `quadratic` do.
"""
