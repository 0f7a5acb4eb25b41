"""Check that a page knows whether its own script run has drawn the frame."""

from __future__ import annotations

from threading import Thread

import pytest

from ui.shell import frame


def test_a_framed_page_is_not_framed_again_when_another_script_run_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    monkeypatch.setattr(frame.runpy, "run_path", lambda path, run_name: runs.append(path))

    def end_another() -> None:
        with frame.framed():
            pass

    with frame.framed():
        other = Thread(target=end_another)
        other.start()
        other.join()
        frame.ensure()
    assert runs == []
