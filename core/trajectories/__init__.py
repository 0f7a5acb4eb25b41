"""Problems of two weights that can be drawn, and what plain SGD does on them. NumPy only."""
