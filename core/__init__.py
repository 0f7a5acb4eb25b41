"""The engine: the arithmetic of batches, the trainer, the memory ledger, the processes, the store. No Streamlit."""
