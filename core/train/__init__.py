"""Train one configured run with PyTorch under a memory ledger and report typed events.

Start with `loop`, which fits on one screen. `trainer` holds the state between two updates, and `updater` makes one
update of any model. `models`, `optimizers` and `order` build the parts, and `recorder` collects the numbers.
`accumulation` and `checkpointing` are techniques on top. `continuation` starts a run from the state of another.
"""
