"""Waiting for what will happen, not for how long it usually takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 60.0


def wait_for(condition: Callable[[], object]) -> None:
    """Return when `condition` holds; it fails when that has not come about after a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def wait_for_looks(pid: int) -> None:
    """Return when a codex-router that follows a run has looked at it 100 times more; it sleeps before each look."""
    status = Path(f"/proc/{pid}/status")

    def looks() -> int:
        lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
        return int(lines["voluntary_ctxt_switches"])

    before = looks()
    wait_for(lambda: looks() >= before + 100)
