"""What describes a run and what follows it, as plain data: what to train, what happened, what it means. No torch.

Read config first (with fields and choices, the values it may have), then plan and batching (the counts that follow
from it), events (what a training reports), and verdict (what the report means). The others serve one of these.
"""
