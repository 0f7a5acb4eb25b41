"""Losses over two weights that can be drawn, and the paths of plain SGD on them. NumPy only."""
