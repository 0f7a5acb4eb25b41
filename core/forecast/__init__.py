"""Predict the memory of a run before it trains, and find the changes that make it fit its limit.

rehearsal runs updates on fake tensors. lines turns two rehearsals into straight lines in the batch size. workspace
estimates the scratch space inside kernels. predict combines them. own_model and own_forecast do the same for a custom
model of the user. remedies tests changes, and summary returns plain values. records and sizes load no torch.
"""
