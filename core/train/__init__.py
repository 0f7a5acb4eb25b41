"""Train one configured run with PyTorch, under a memory ledger, and report typed events.

Read loop first: it fits on a screen. trainer is the state between two updates, updater makes one update of any model,
models, optimizers and order build its parts, recorder collects its numbers. accumulation and checkpointing are
techniques on top; continuation starts a run from the state of another.
"""
