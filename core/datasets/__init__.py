"""Build the data sets of `core.run.choices.datasets`, and load them for training and for display."""
