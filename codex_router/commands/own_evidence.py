"""The user's own evidence beside the runs of `exec`: what the sessions say of cost and turns."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from codex_router.codex.shipped_models import default_efforts
from codex_router.evidence.ledger import FILE, Ledger
from codex_router.home import router_home
from codex_router.settings import policy_document

if TYPE_CHECKING:
    from codex_router.records import Attempt, Summed


class OwnTurns(NamedTuple):
    """What sessions tell beside the runs of `exec`."""

    attempts: tuple[Attempt, ...] = ()
    """Turns whose task has a known outcome, and in a team's database the runs of the other members."""
    summed: tuple[Summed, ...] = ()
    """All other turns, as sums: they stay in the database, however many there are."""


def own_turns() -> OwnTurns:
    """Return what the ledger of sessions adds to the runs of `exec`."""
    if not os.environ.get("CODEX_ROUTER_DB") and not (router_home() / FILE).exists():
        return OwnTurns()
    from codex_router.evidence.cells import attempts_of_sessions, sums_of_sessions
    from codex_router.evidence.store import Store

    guessed, defaults = guesses_outcomes(), default_efforts()
    with Store.open() as store:
        if guessed:  # also of what was read before the user said so
            store.settle(guess=True)
        attempts = attempts_of_sessions(store, guessed=guessed, judged=True, defaults=defaults)
        if store.is_shared:  # it has this machine's runs too
            with Ledger.open(create=False) as ledger:
                mine = {run.attempt_id for run in ledger.attempts()}
            attempts = [one for one in attempts if one.attempt_id not in mine]
        return OwnTurns(tuple(attempts), tuple(sums_of_sessions(store, guessed=guessed, defaults=defaults)))


def guesses_outcomes() -> bool:
    """Tell whether the policy lets guessed outcomes count (half); it does not unless the user says so."""
    said = policy_document().get("outcomes")
    return bool(said.get("guess")) if isinstance(said, dict) else False
