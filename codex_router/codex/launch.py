"""Run Codex as if it had been started directly, and stop it at its budget.

Standard streams, environment, process group and working folder are Codex's own. Nothing but the standard library is
imported, and of that little: this stands between the user and the first byte of Codex.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from codex_router.codex.follow import Follower, Progress
from codex_router.codex.processes import Process, alive, family
from codex_router.errors import ExitCode, LaunchError

if TYPE_CHECKING:
    from types import FrameType

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


class _Signals:
    """What was sent to us while Codex runs.

    In a terminal Ctrl-C reaches Codex by itself, since it is in the same process group; anything else is handed on.
    """

    def __init__(self) -> None:
        self.pid = 0
        self.interrupted = False
        self.below: list[Process] = []
        self._early: list[int] = []
        self._old: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup; Codex then inherits that
                self._old[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def hand_to(self, pid: int) -> None:
        """Hand signals on to this process, those included that came while it was started."""
        self.pid = pid
        for number in self._early:
            _send(pid, number)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self.interrupted = True
        if not self.pid:
            self._early.append(number)
        elif not (number == signal.SIGINT and _in_terminal()):
            self.below += family(self.pid)[1:]
            _send(self.pid, number)


def run(argv: list[str], home: str, folder: str, price: Price, budget: Budget, stdin: int | None = None) -> Ran:
    """Run Codex and return what became of it.

    Args:
        argv: the command line; ``argv[0]`` is the executable.
        home: the Codex home.
        folder: the folder that Codex will work in.
        price: returns the cost in USD of one response of a model, None when its price is unknown.
        budget: stop it when this is used up and it is about to ask the model again; the seconds hold at any time.
        stdin: a descriptor to give it as standard input; None is our own.

    Raises:
        LaunchError: it cannot be started (126, 127).
    """
    started = time.time()
    with _Signals() as signals:
        pid = _spawn(argv, stdin)
        signals.hand_to(pid)
        follower = Follower(pid, home, folder, started, price)
        try:
            status, limit = _wait(pid, follower, budget)
            signals.pid = 0  # the number may belong to somebody else from here on
            _end_rest(signals.below)
            follower.read()
        finally:
            follower.close()
    main = follower.main
    if main is not None and main.out_of_budget:
        limit = limit or "tokens"
    end = _end(status, follower, limit=limit, interrupted=signals.interrupted)
    return Ran(
        status=ExitCode.BUDGET if end in {"budget", "timeout"} else status,
        end=end,
        limit=limit if end in {"budget", "timeout"} else None,
        progress=follower.progress,
        seconds=time.time() - started,
        thread_id=main.thread_id if main else None,
        model=main.model if main else None,
        effort=main.effort if main else None,
    )


def _spawn(argv: list[str], stdin: int | None) -> int:
    actions = [] if stdin is None else [(os.POSIX_SPAWN_DUP2, stdin, 0)]
    try:
        # Python ignores these two; Codex and its tools must find them as a shell would have left them.
        return os.posix_spawn(
            argv[0], argv, os.environ, file_actions=actions, setsigdef=(signal.SIGPIPE, signal.SIGXFSZ)
        )
    except FileNotFoundError:
        raise LaunchError("there is no such file", where=argv[0], exit_code=ExitCode.NOT_FOUND) from None
    except OSError as error:
        raise LaunchError(
            f"Codex cannot be run: {error.strerror}", where=argv[0], exit_code=ExitCode.NOT_EXECUTABLE
        ) from None


def _wait(pid: int, follower: Follower, budget: Budget) -> tuple[int, Limit | None]:
    """Follow the run to its end; return (exit status, the limit at which it was stopped).

    A failure of ours ends the run too: nobody would hold its budget any more.
    """
    try:
        return _follow(pid, follower, budget)
    except BaseException:
        _stop(pid)
        raise


def _follow(pid: int, follower: Follower, budget: Budget) -> tuple[int, Limit | None]:
    look_again = active = grown = 0.0
    limit: Limit | None = None
    last = time.monotonic()
    while True:
        done, raw = os.waitpid(pid, os.WNOHANG)
        if done:
            return _status(raw), None
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
            return _stop(pid), limit
        time.sleep(POLL_S)


def _used_up(progress: Progress, budget: Budget) -> Limit | None:
    turns, cost = budget.max_turns, budget.max_cost_usd
    if turns is not None and (progress.begun > turns or (progress.begun == turns and progress.goes_on)):
        return "turns"
    if cost is not None and progress.cost_usd is not None and progress.cost_usd >= cost and progress.goes_on:
        return "cost"
    return None


def _stop(pid: int) -> int:
    """Stop Codex as Ctrl-C would, then less politely; return its exit status. Nothing that it started stays behind."""
    below = family(pid)[1:]
    status = _politely(pid)
    if status is None:
        below += family(pid)[1:]
        _send(pid, signal.SIGKILL)
        status = _status(os.waitpid(pid, 0)[1])
    _end_rest(below)
    return status


def _politely(pid: int) -> int | None:
    for number, grace in GRACE_S:
        _send(pid, number)
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline:
            done, raw = os.waitpid(pid, os.WNOHANG)
            if done:
                return _status(raw)
            time.sleep(POLL_S)
    return None


def _end_rest(below: list[Process]) -> None:
    """Kill what ran below a Codex that was told to stop: after SIGTERM it leaves its tools behind."""
    for member in below:
        if alive(member):
            _send(member.pid, signal.SIGKILL)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, number)


def _status(raw: int) -> int:
    code = os.waitstatus_to_exitcode(raw)
    return 128 - code if code < 0 else code


def _end(status: int, follower: Follower, *, limit: Limit | None, interrupted: bool) -> End:
    main = follower.main
    if limit is not None and status != 0:
        return "timeout" if limit == "seconds" else "budget"
    if interrupted or (main is not None and main.aborted) or status > 128:
        return "abort"
    return "completed" if status == 0 else "error"


def _in_terminal() -> bool:
    """Tell whether we are in the foreground of a terminal, where Ctrl-C reaches Codex without us."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
