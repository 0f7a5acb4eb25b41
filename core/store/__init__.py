"""Keep runs, their metrics and comparisons in one database. No torch, no Streamlit.

Read records and schema first. runs writes, writer writes from a thread of its own, and reader reads a growing run.
Import `core.store.reader` by its full name: it needs pandas, which training processes do without.
"""

from core.store.records import ACTIVE_STATES, Chunk, RunRecord
from core.store.runs import KEPT_RUNS, Store, new_run_id, open_or_fresh

__all__ = ["ACTIVE_STATES", "KEPT_RUNS", "Chunk", "RunRecord", "Store", "new_run_id", "open_or_fresh"]
