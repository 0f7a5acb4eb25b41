"""The live page: start, follow and change one run.

Start with page, which lays the panel out; cards, story and the charts draw one reading of the run, and only controls
starts or stops anything.
"""
