"""Build the data sets of `core.run.choices.datasets`, and open them for training and for the screen."""
