"""Follow a Codex that was started to its end, and stop it at its budget."""

from __future__ import annotations

import math
import signal
import time

from codex_router.codex.child import Child
from codex_router.codex.follow import Follower, Progress
from codex_router.codex.launch import send
from codex_router.codex.processes import alive, family, kill, process
from codex_router.errors import ExitCode
from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_router.codex.gate import Gate
    from codex_router.codex.launch import Launched
    from codex_router.codex.session import Price
    from codex_router.literals import End, Limit
    from codex_router.records import Budget, Response

POLL_S = 0.003
"""How soon to look again where the next response may be the last one allowed. Codex asks the model again 30 ms after a
response's tools have ended, at the earliest."""
PACE_S = 0.01
"""The same where it may not."""
DISCOVER_S = 0.02
"""A run's session file is there for 50 ms at the very least."""
TOOLS_S = 5.0
"""The longest time between two looks at the tools that are at work."""
SETTLE_S = 0.015
"""How long a response that is not counted yet may take to end, once it has called its last tool."""
HELD_S = 60.0
"""How long a request waits at the gate for the answers to others that may use up the turns."""
BLIND_S = 30.0
"""How long a run may be without its session file; the file is there before the first request."""
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
    answers: tuple[Response, ...]
    """Every model response, oldest first."""


def supervise(
    codex: Launched,
    home: str,
    folder: str | None,
    price: Price,
    budget: Budget,
    gate: Gate | None = None,
    blind: Callable[[], None] | None = None,
) -> Ran:
    """Follow a run to its end and return what became of it.

    Args:
        codex: which was just started.
        home: the Codex home.
        folder: the folder that Codex works in; None when it writes no session file.
        price: returns the cost in USD of one response of a model, None when its price is unknown.
        budget: stop it when this is used up and it is about to ask the model again; the seconds hold at any time.
        gate: where its requests wait, if they do.
        blind: called when there is no session file, so that turns and cost are not seen although they are limited.
    """
    follower = Follower(codex.pid, home, folder, codex.started, price)
    try:
        status, limit = _Watch(codex, follower, budget, gate, blind).to_the_end()
        follower.discover_late()
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
        answers=follower.answers,
    )


class _Watch:
    """A run under our eyes."""

    def __init__(
        self,
        codex: Launched,
        follower: Follower,
        budget: Budget,
        gate: Gate | None,
        blind: Callable[[], None] | None,
    ) -> None:
        self.codex = codex
        self.follower = follower
        self.budget = budget
        self.gate = gate
        self.blind = blind if budget.max_turns or budget.max_cost_usd else None
        self.limit: Limit | None = None
        self._active = 0.0
        """Seconds that it was not suspended."""
        self._last = time.monotonic()
        self._grown = self._look_again = self._asked = 0.0
        self._look_at_tools = math.inf
        self._pace = PACE_S if gate is None else POLL_S

    def to_the_end(self) -> tuple[int, Limit | None]:
        """Return (exit status, the limit at which it was stopped)."""
        with Child(self.codex.pid) as child:
            while True:
                status = child.ended(self._pace)
                if status is not None:
                    return _ended(self.codex, status), None
                if self._must_stop(time.monotonic()):
                    return stop(self.codex), self.limit

    def _must_stop(self, now: float) -> bool:
        self._active += now - self._last if now - self._last < SUSPENDED_S else 0.0
        self._last = now
        self.codex.hand_on(now)
        if now >= self._look_again:
            self._look(now)
        if self.follower.read():
            self._has_grown(self.follower.progress, now)
        if self.gate is not None:
            self._at_the_gate(self.gate, now)
        if self.limit is None and self.budget.max_seconds and self._active > self.budget.max_seconds:
            self.limit = "seconds"
        return self.limit is not None and (self.follower.progress.counted or now - self._grown > SETTLE_S)

    def _has_grown(self, progress: Progress, now: float) -> None:
        self.limit = _used_up(progress, self.budget, goes_on=progress.goes_on)
        self._grown, self._look_at_tools = now, now + DISCOVER_S
        is_near = self.limit or self.gate or _is_near(progress, self.budget, len(self.follower.files))
        self._pace = POLL_S if is_near else PACE_S

    def _at_the_gate(self, gate: Gate, now: float) -> None:
        """Let a request go when all answers before it are counted and the budget allows one more."""
        if gate.look():
            self._asked = now
            self.follower.discover()
        if gate.waiting and now - max(self._asked, self._grown) > SETTLE_S:
            self.limit = self.limit or _used_up(self.follower.progress, self.budget, goes_on=True)
            if self.limit is None:
                gate.let_go(self._allowed(gate, now))

    def _allowed(self, gate: Gate, now: float) -> int:
        """Return how many of the requests that wait may go: what the turns leave, less what others are waiting for.

        A request that was let go and never answered, since the connection was lost, is one that its thread repeats:
        no thread has two. That of a thread that has ended meanwhile is believed in for `HELD_S` only.
        """
        if self.budget.max_turns is None:
            return gate.waiting
        begun, threads = self.follower.progress.begun, len(self.follower.files)
        under_way = max(0, min(gate.passed - begun, threads - gate.waiting))
        held = now - max(self._asked, self._grown)
        return max(self.budget.max_turns - begun - under_way, int(held > HELD_S))

    def _look(self, now: float) -> None:
        """Look for new session files; and, the longer they have not grown the less often, for the tools at work."""
        self.follower.discover()
        if self.codex.writer is None and self.follower.writer is not None:
            self.codex.writer = process(self.follower.writer)
        self._look_again = now + DISCOVER_S
        if self.blind and (self.follower.files or self._active > BLIND_S):
            if not self.follower.files:
                self.blind()
            self.blind = None
        if now >= self._look_at_tools:
            self.codex.tools = family(self.codex.pid)[1:]
            self._look_at_tools = now + min(now - self._grown, TOOLS_S)


def _used_up(progress: Progress, budget: Budget, *, goes_on: bool) -> Limit | None:
    """Return the limit that is reached by a run that is about to ask the model again, or is not."""
    turns, cost = budget.max_turns, budget.max_cost_usd
    if turns is not None and (progress.begun > turns or (progress.begun == turns and goes_on)):
        return "turns"
    if cost is not None and progress.cost_usd is not None and progress.cost_usd >= cost and goes_on:
        return "cost"
    return None


def _is_near(progress: Progress, budget: Budget, threads: int) -> bool:
    """Tell whether one more response of each thread may use a limit up; the next may cost twice the mean."""
    turns, cost = budget.max_turns, budget.max_cost_usd
    if turns is not None and progress.begun + threads >= turns:
        return True
    spent = progress.cost_usd
    if cost is None or spent is None:
        return False
    return not progress.responses or spent + 2 * threads * spent / progress.responses >= cost


def stop(codex: Launched) -> int:
    """Stop Codex as Ctrl-C would, then less politely; return its exit status. Nothing that it started stays behind.

    The signals go to Codex itself where that is known: what has started it, as a script of the user's, need not hand
    them on, and ends when Codex has ended. What then is left gets SIGKILL.
    """
    steps = iter(GRACE_S)
    status = None
    with Child(codex.pid) as child:
        while status is None:
            number, grace = next(steps, (signal.SIGKILL, 1.0))
            codex.below += family(codex.pid)[1:]
            writer = None if number == signal.SIGKILL else codex.writer
            send(writer.pid if writer and alive(writer) else codex.pid, number)
            status = child.ended(grace)
    return _ended(codex, status)


def _ended(codex: Launched, status: int) -> int:
    """Take note of the end; kill the tools of a Codex that was told to stop or died of a signal: it leaves some behind.

    What the agent has sent into the background for good, as a server, hangs below Codex no more, and stays.
    """
    codex.running = False
    kill([*codex.below, *(codex.tools if status > 128 else ())])
    return status


def _end(status: int, follower: Follower, *, limit: Limit | None, interrupted: bool) -> End:
    main = follower.main
    # Up to 0.101, Codex ends with 0 when it is interrupted too.
    unfinished = status != 0 or (main is not None and not _has_answered(follower.progress))
    if limit is not None and unfinished:
        return "timeout" if limit == "seconds" else "budget"
    if (interrupted and unfinished) or (main is not None and main.aborted) or status > 128:
        return "abort"
    return "completed" if status == 0 else "error"


def _has_answered(progress: Progress) -> bool:
    """Tell whether the model was not to be asked again."""
    return progress.responses > 0 and not progress.goes_on
