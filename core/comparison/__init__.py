"""Train two to six configurations side by side, each with several seeds, and find which one is ahead.

setup      the comparison: arms with one budget, one rule for the learning rate and the same seeds (no torch)
presets    named comparisons, good and bad (no torch)
address    arms as a short text in a URL (no torch)
course     what is recorded of an arm: arrays of points by seeds (no torch)
result     which arm is ahead by each budget (no torch)
shipped    the recorded comparisons that ship with Batch Lab (no torch)
fall       what a falling rate gains in one of them (no torch)
paths      the paths of the weights in a plane (no torch); weight_paths follows them
trainings  the seeds of one arm, trained together or one by one
runner     the whole comparison in one process, arm by arm in turn
"""
