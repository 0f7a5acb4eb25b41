"""The charts of memory: the peak of a run, its curve against the batch size, and the timeline of an update."""
