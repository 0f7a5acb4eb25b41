"""Watch a run as browsers do, in Streamlit's own protocol and without a browser."""

from __future__ import annotations

import asyncio
import time

from streamlit.proto.AutoRerun_pb2 import AutoRerun
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol


async def watch_together(address: str, run: str, *, viewers: int, watched_s: float) -> tuple[int, int]:
    """Let several viewers watch a run; return how many refreshes were late, and how many there were."""
    seen = await asyncio.gather(*(_view(address, run, watched_s) for _ in range(viewers)))
    return sum(late for late, _ in seen), sum(count for _, count in seen)


async def _view(address: str, run: str, watched_s: float) -> tuple[int, int]:
    """Refresh at the interval that the page sets, as a browser does; return the late refreshes and all refreshes."""
    async with connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None) as socket:
        state = ClientState(query_string=f"run={run}")
        timer = await _ask(socket, state)
        assert timer is not None
        late, count, due = 0, 0, time.perf_counter()
        while count < watched_s / timer.interval:
            due += timer.interval
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            state.fragment_id, state.is_auto_rerun = timer.fragment_id, True
            await _ask(socket, state)
            count += 1
            late += time.perf_counter() > due + timer.interval
        return late, count


async def _ask(socket: ClientConnection, state: ClientState) -> AutoRerun | None:
    """Request a rerun of the page, wait until it ends and return the timer that it set."""
    await socket.send(BackMsg(rerun_script=state).SerializeToString())
    timer = None
    while True:
        message = ForwardMsg.FromString(await socket.recv())
        if message.HasField("new_session"):
            state.page_script_hash = message.new_session.page_script_hash
        if message.HasField("auto_rerun"):
            timer = message.auto_rerun
        if message.HasField("script_finished"):
            return timer
