"""The schedules page: the same run under every learning-rate schedule, each at its own best peak rate."""
