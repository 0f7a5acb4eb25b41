"""Train two to six configurations side by side, each with several seeds, and say which ends where.

setup    what is compared: arms with one budget and one rule for the rate (no torch)
presets  comparisons worth seeing, good and bad (no torch)
course   what is recorded on the way: arrays of points by seeds (no torch)
result   who ends lower, and by which way of counting it would be another (no torch)
paths    where the weights went, in a plane (no torch); weight_paths follows them
runner   the trainings themselves, in turn and in one process
"""
