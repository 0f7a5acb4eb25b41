"""Each choice of a run as a registry of records, one record for every option. No torch.

To add a data set or a schedule, add its record; tables, forms and flags derive from the records.
"""
