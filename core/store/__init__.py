"""Keep runs and their metrics in one database. No torch, no Streamlit.

`core.store.reader`, which reads them back while they grow, is imported by itself: it needs pandas, and the
training processes, which only write, do without.
"""

from core.store.records import ACTIVE_STATES, Chunk, RunRecord
from core.store.runs import KEPT_RUNS, Store, new_run_id, open_or_fresh

__all__ = ["ACTIVE_STATES", "KEPT_RUNS", "Chunk", "RunRecord", "Store", "new_run_id", "open_or_fresh"]
