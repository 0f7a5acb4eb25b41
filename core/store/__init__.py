"""Keep runs, their metrics and comparisons in one database. No torch, no Streamlit.

Start with `records` and `schema`. `runs` writes to the database, `writer` does so from its own thread, and `reader`
follows a growing run. Import `core.store.reader` and `core.store.export` by their full names: they need tsdownsample
and pandas, which training processes do not load.
"""

from core.store.records import ACTIVE_STATES, Chunk, RunRecord
from core.store.runs import KEPT_RUNS, Store, new_run_id, open_or_fresh

__all__ = ["ACTIVE_STATES", "KEPT_RUNS", "Chunk", "RunRecord", "Store", "new_run_id", "open_or_fresh"]
