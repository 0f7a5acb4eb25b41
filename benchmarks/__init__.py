"""Timed comparisons with peers: `make bench`. Ratios within one run; never part of the tests."""
