"""Define the choices of a run as registries, with one record for every option. No torch.

To add a data set or a schedule, add its record. Tables, forms and flags derive from the records.
"""
