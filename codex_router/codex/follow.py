"""Follow a running Codex: find its session files, add up what they say."""

from __future__ import annotations

import json
import os
import stat
import time
from operator import itemgetter

from codex_router.codex.processes import children
from codex_router.codex.session import Price, SessionFile
from codex_router.named import TYPE_CHECKING, NamedTuple
from codex_router.records import Response, Usage

if TYPE_CHECKING:
    from typing import Any

PROC = "/proc/self/fd"
"""Where Linux lists the open files of a process."""
WRITES = stat.S_IWUSR
"""In the mode of such an entry when the file is open for writing: Codex also reads the files of earlier sessions."""
META_BYTES = 1 << 16
LAUNCHERS = 3
"""How many processes may stand between the one that was started and Codex itself: a script of the user's, npm's."""


class Progress(NamedTuple):
    """What a run has used so far, over all of its session files."""

    responses: int
    """Model responses; those of sub-agents included."""
    usage: Usage
    cost_usd: float | None
    """At the given prices; None when the price of a model is unknown."""
    begun: int
    """The same with a response that is not counted yet, but has called a tool."""
    goes_on: bool
    """The newest response called a tool, so that Codex is about to ask the model again."""

    @property
    def counted(self) -> bool:
        """Tell whether all responses that have called a tool are counted."""
        return self.begun == self.responses


class Follower:
    """All session files of one running Codex, sub-agents included.

    On Linux they are those that the process, or one below it (the npm launcher starts the native Codex), holds open:
    exact, however many runs there are at once; `writer` is that process, once it is known. Elsewhere they are the new
    files of today's folder whose session runs in our working folder: two runs started there at the same time are then
    told apart by nothing.

    Args:
        pid: of the Codex that was started.
        home: the Codex home.
        folder: the working folder of the run; None for one that writes no session file.
        started: when it was started, seconds since the epoch.
        price: see `SessionFile`.
    """

    def __init__(self, pid: int, home: str, folder: str | None, started: float, price: Price) -> None:
        self.pid = pid
        self.home = home
        self.folder = None if folder is None else os.path.realpath(folder)
        self.started = started
        self.price = price
        self.since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(started)) + f".{int(started * 1000) % 1000:03d}Z"
        self.files: dict[str, SessionFile] = {}
        self.writer: int | None = None

    def discover(self) -> None:
        """Look for session files that were opened since the last call."""
        for path in self._candidates() if self.folder is not None else ():
            if path not in self.files:
                self.files[path] = SessionFile(path, self.since, self.price)

    def discover_late(self) -> None:
        """Look for the session file of a run that has ended unseen, as on a machine that hardly lets us run.

        It was begun in our folder since the start and nobody writes to it any more; of several, it could be any, and
        is none.
        """
        if not self.files:
            found = [path for path in self._new() if _began(path) >= self.since and not _is_held(path)]
            self.files = {path: SessionFile(path, self.since, self.price) for path in found if len(found) == 1}

    def _candidates(self) -> list[str]:
        if not os.path.isdir(PROC):
            return self._new()
        if self.writer is not None:
            return _open_rollouts(self.writer)
        level = [self.pid]
        for _ in range(LAUNCHERS + 1):
            for pid in level:
                if found := _open_rollouts(pid):
                    self.writer = pid  # what is below it, the agent's own tools, is not ours
                    return found
            level = [child for pid in level for child in children(pid)]
        return []

    def _new(self) -> list[str]:
        if self.folder is None:
            return []
        return [path for path in _new_rollouts(self.home, self.started) if _runs_in(path, self.folder)]

    def read(self) -> bool:
        """Read all files; tell whether anything was appended."""
        grown = [file.read() for file in self.files.values()]
        return any(grown)

    @property
    def progress(self) -> Progress:
        """Return the sums over all files."""
        files = self.files.values()
        costs = [file.cost_usd for file in files]
        return Progress(
            responses=sum(file.responses for file in files),
            usage=sum((file.usage for file in files), Usage()),
            cost_usd=None if None in costs or not files else sum(cost for cost in costs if cost is not None),
            begun=sum(file.begun for file in files),
            goes_on=any(file.goes_on for file in files),
        )

    @property
    def answers(self) -> tuple[Response, ...]:
        """Return all model responses, oldest first."""
        return tuple(sorted((answer for file in self.files.values() for answer in file.answers), key=itemgetter(0)))

    @property
    def main(self) -> SessionFile | None:
        """Return the session file of the thread itself: the one that was opened first."""
        return next(iter(self.files.values()), None)

    def close(self) -> None:
        """Close all files."""
        for file in self.files.values():
            file.close()


def _open_rollouts(pid: int) -> list[str]:
    found: list[str] = []
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return found
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")
            if "/rollout-" in target and target.endswith(".jsonl") and os.lstat(f"{folder}/{name}").st_mode & WRITES:
                found.append(target)
        except OSError:
            continue
    return found


def _new_rollouts(home: str, started: float) -> list[str]:
    """Return the session files of the days since `started` that are younger than it."""
    found: list[str] = []
    for day in {time.strftime("%Y/%m/%d", time.localtime(moment)) for moment in (started, time.time())}:
        try:
            entries = list(os.scandir(f"{home}/sessions/{day}"))
        except OSError:
            continue
        found += [entry.path for entry in entries if entry.name.startswith("rollout-") and _is_new(entry, started)]
    return sorted(found)


def _is_new(entry: os.DirEntry[str], started: float) -> bool:
    try:
        return entry.name.endswith(".jsonl") and entry.stat().st_mtime >= started
    except OSError:
        return False


def _is_held(path: str) -> bool:
    """Tell whether any process that we may look at writes to a session file."""
    pids = os.listdir("/proc") if os.path.isdir(PROC) else []
    return any(path in _open_rollouts(int(pid)) for pid in pids if pid.isdigit())


def _first_line(path: str) -> dict[str, Any]:
    with open(path, "rb") as stream:
        line: dict[str, Any] = json.loads(stream.readline(META_BYTES))
    return line


def _began(path: str) -> str:
    """Return the time of a session's first line, as Codex writes it."""
    try:
        return str(_first_line(path)["timestamp"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _runs_in(path: str, folder: str) -> bool:
    """Tell whether a session's first line says that it runs in `folder`."""
    try:
        return bool(os.path.realpath(_first_line(path)["payload"]["cwd"]) == folder)
    except (OSError, ValueError, KeyError, TypeError):
        return False
