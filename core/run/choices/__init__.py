"""Define the choices of a run as registries, with one record for every option. No torch.

To add a choice, add its record; a data set also needs a builder in `core/datasets/build.py`. Tables, forms and flags
derive from the records.
"""
