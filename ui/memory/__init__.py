"""The memory page: predict what a setup needs, and find the largest batch size that fits. It trains nothing."""
