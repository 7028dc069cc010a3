"""The user's own evidence beside the runs of `exec`: what the sessions say of cost and turns."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_router.evidence.ledger import FILE
from codex_router.home import router_home
from codex_router.settings import policy_document

if TYPE_CHECKING:
    from codex_router.records import Attempt


def own_turns() -> list[Attempt]:
    """Return what the ledger of sessions adds to the runs of `exec`; a team's runs by others are among it."""
    if not os.environ.get("CODEX_ROUTER_DB") and not (router_home() / FILE).exists():
        return []
    from codex_router.evidence.cells import attempts_of_sessions
    from codex_router.evidence.store import Store

    with Store.open() as store:
        return attempts_of_sessions(store, guessed=guesses_outcomes())


def guesses_outcomes() -> bool:
    """Tell whether the policy lets guessed outcomes count (half); it does not unless the user says so."""
    said = policy_document().get("outcomes")
    return bool(said.get("guess")) if isinstance(said, dict) else False
