"""The live page: start, follow and change one run.

Start with `page`, which draws the panel. `cards`, `charts` and `story` draw the run that `reading` has read; only
`controls` starts or stops anything.
"""
