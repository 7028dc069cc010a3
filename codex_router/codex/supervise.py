"""Follow a Codex that was started to its end, and stop it at its budget."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from codex_router.codex.child import Child
from codex_router.codex.follow import Follower, Progress
from codex_router.codex.launch import send
from codex_router.codex.processes import Process, alive, family
from codex_router.errors import ExitCode

if TYPE_CHECKING:
    from codex_router.codex.launch import Launched
    from codex_router.codex.session import Price
    from codex_router.records import Budget, End

Limit = Literal["turns", "cost", "seconds", "tokens"]
"""Which budget ended a run; ``tokens`` is Codex's own."""

POLL_S = 0.003
"""Codex asks the model again 30 ms after a response's tools have ended, at the earliest."""
DISCOVER_S = 0.02
"""A run's session file is there for 50 ms at the very least."""
SETTLE_S = 0.015
"""How long a response that is not counted yet may take to end, once it has called its last tool."""
SUSPENDED_S = 1.0
"""A longer gap between two polls means that we were suspended; it does not count."""
GRACE_S = ((signal.SIGINT, 5.0), (signal.SIGTERM, 3.0))
"""How a run is stopped: the signal, and the seconds to wait for its effect; then SIGKILL for whatever is left."""


class Ran(NamedTuple):
    """What became of a run."""

    status: int
    """Codex's exit status, 128+n when it died of signal n, or 124 for a budget stop."""
    end: End
    limit: Limit | None
    """The budget that ended it."""
    progress: Progress
    seconds: float
    thread_id: str | None
    """None when no session file was seen; turns and cost are then unknown."""
    model: str | None
    effort: str | None


def supervise(codex: Launched, home: str, folder: str, price: Price, budget: Budget) -> Ran:
    """Follow a run to its end and return what became of it.

    Args:
        codex: which was just started.
        home: the Codex home.
        folder: the folder that Codex works in.
        price: returns the cost in USD of one response of a model, None when its price is unknown.
        budget: stop it when this is used up and it is about to ask the model again; the seconds hold at any time.
    """
    follower = Follower(codex.pid, home, folder, codex.started, price)
    try:
        status, limit = _follow(codex, follower, budget)
        follower.read()
    finally:
        follower.close()
    main = follower.main
    if main is not None and main.out_of_budget:
        limit = limit or "tokens"
    end = _end(status, follower, limit=limit, interrupted=codex.interrupted)
    return Ran(
        status=ExitCode.BUDGET if end in {"budget", "timeout"} else status,
        end=end,
        limit=limit if end in {"budget", "timeout"} else None,
        progress=follower.progress,
        seconds=time.time() - codex.started,
        thread_id=main.thread_id if main else None,
        model=main.model if main else None,
        effort=main.effort if main else None,
    )


def _follow(codex: Launched, follower: Follower, budget: Budget) -> tuple[int, Limit | None]:
    """Return (exit status, the limit at which it was stopped)."""
    look_again = active = grown = 0.0
    limit: Limit | None = None
    last = time.monotonic()
    with Child(codex.pid) as child:
        while True:
            status = child.ended(POLL_S if follower.files else DISCOVER_S)
            if status is not None:
                return _ended(codex, status), None
            now = time.monotonic()
            active += now - last if now - last < SUSPENDED_S else 0.0
            last = now
            if now >= look_again:
                follower.discover()
                look_again = now + DISCOVER_S
            if follower.read():
                limit, grown = _used_up(follower.progress, budget), now
            if limit is None and budget.max_seconds and active > budget.max_seconds:
                limit = "seconds"
            if limit is not None and (follower.progress.counted or now - grown > SETTLE_S):
                return stop(codex), limit


def _used_up(progress: Progress, budget: Budget) -> Limit | None:
    turns, cost = budget.max_turns, budget.max_cost_usd
    if turns is not None and (progress.begun > turns or (progress.begun == turns and progress.goes_on)):
        return "turns"
    if cost is not None and progress.cost_usd is not None and progress.cost_usd >= cost and progress.goes_on:
        return "cost"
    return None


def stop(codex: Launched) -> int:
    """Stop Codex as Ctrl-C would, then less politely; return its exit status. Nothing that it started stays behind."""
    steps = iter(GRACE_S)
    status = None
    with Child(codex.pid) as child:
        while status is None:
            number, grace = next(steps, (signal.SIGKILL, 1.0))
            codex.below += family(codex.pid)[1:]
            send(codex.pid, number)
            status = child.ended(grace)
    return _ended(codex, status)


def _ended(codex: Launched, status: int) -> int:
    """Take note of the end, and kill what ran below a Codex that was told to stop: SIGTERM makes it leave its tools."""
    codex.running = False
    for member in codex.below:
        if alive(member):
            _kill(family(member.pid))
    return status


def _kill(members: list[Process]) -> None:
    for member in members:
        send(member.pid, signal.SIGKILL)


def _end(status: int, follower: Follower, *, limit: Limit | None, interrupted: bool) -> End:
    main = follower.main
    if limit is not None and status != 0:
        return "timeout" if limit == "seconds" else "budget"
    if interrupted or (main is not None and main.aborted) or status > 128:
        return "abort"
    return "completed" if status == 0 else "error"
