"""The trajectories page: plain SGD on problems of two weights, with a small and a large batch side by side."""
