"""Describe a run, its events and its outcome as plain data. No torch.

Start with `config`, with `fields` and `choices` for the values it may have. `plan` and `batching` derive the counts,
`events` defines what a training reports, and `verdict` judges the result. The other modules support these.
"""
