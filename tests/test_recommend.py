"""What a plan is chosen from: published results, the runs of `exec`, and the sessions that no run covers."""

from __future__ import annotations

from pathlib import Path

import pytest
from session_corpus import plain
from test_ledger import RUN

from codex_router.commands.recommend import estimates_on_offer
from codex_router.commands.sessions import refresh
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.store import Store
from codex_router.records import Arm


def own_attempts(home: Path) -> dict[Arm, int]:
    """Return how many attempts of the user's own the estimates rest on, per arm that has any."""
    estimates, _ = estimates_on_offer(None, home)
    return {one.arm: one.n_local for one in estimates if one.n_local}


@pytest.mark.usefixtures("without_codex")
def test_own_runs_and_own_sessions_count(own_home: Path) -> None:
    home = own_home / ".codex"
    plain("new").save(home)
    with Ledger.open() as ledger:
        ledger.record(RUN)
    assert own_attempts(home) == {Arm("gpt-5.5", "high"): 1}
    with Store.open() as store:
        refresh(home, store)
    assert own_attempts(home) == {Arm("gpt-5.5", "high"): 1, Arm("gpt-5.5", "medium"): 2}
