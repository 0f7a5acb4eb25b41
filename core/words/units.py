"""Hold the units that sizes are written in."""

MIB = 2**20  # bytes
