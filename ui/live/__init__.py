"""The live page: start, follow and change one run.

Start with page, which lays the panel out. reading, cards, charts and story draw one reading of the run; only controls
starts or stops anything.
"""
