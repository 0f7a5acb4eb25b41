"""The claims page: what an article says about batches, and what an experiment finds."""
