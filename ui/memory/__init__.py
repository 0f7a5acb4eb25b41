"""The memory page: predict the memory of a setup and find the largest batch size that fits, without training."""
