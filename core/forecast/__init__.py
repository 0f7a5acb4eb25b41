"""Predict the memory of a run before it trains, and find the changes that make it fit its limit.

rehearsal makes updates on fake tensors; lines turns two of them into straight lines in the batch size; workspace
estimates the scratch space inside kernels; predict combines them. own_model and own_forecast do the same for any
importable module, remedies tries changes, summary gives plain values. records and sizes load no torch.
"""
