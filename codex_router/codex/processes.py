"""The processes below a process: from ``/proc`` where there is one, else from ``ps``."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FRESH_S = 10.0
"""How long the number of a process group is taken to mean the same group."""
PROC = "/proc/self/task"
"""There on Linux only."""


class Process(NamedTuple):
    """One process, told from a later one with the same number by when it started."""

    pid: int
    started: str
    group: int = 0
    """Its process group; 0 when it is gone."""
    seen: float = 0.0
    """When it was looked at, on the monotonic clock."""


def family(pid: int) -> list[Process]:
    """Return a process and all below it, nearest first."""
    below = children if os.path.isdir("/proc/self/task") else _children_by_ps()
    found = [pid]
    for parent in found:
        found += below(parent)
    return [process(member) for member in found]


def process(pid: int) -> Process:
    """Return a process as it is now."""
    return Process(pid, _started(pid), _group(pid), time.monotonic())


def kill(members: Iterable[Process]) -> None:
    """Kill processes that are still there, what is below them, and what they have started in groups of their own.

    Codex gives each tool a group; what a tool starts between being looked at and losing its Codex is found by that.
    The number of a group that was seen long ago may be somebody else's by now.
    """
    ours, now = os.getpgrp(), time.monotonic()
    for member in members:
        if member.group not in {0, ours} and now - member.seen < FRESH_S:
            with contextlib.suppress(OSError):
                os.killpg(member.group, signal.SIGKILL)
        for one in family(member.pid) if alive(member) else ():
            with contextlib.suppress(OSError):
                os.kill(one.pid, signal.SIGKILL)


def alive(process: Process) -> bool:
    """Tell whether it is still that very process."""
    return _started(process.pid) == process.started != ""


def children(pid: int) -> list[int]:
    """Return the processes that any thread of `pid` has started (Linux; elsewhere none)."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [child for thread in threads for child in _children(pid, thread)]


def _children(pid: int, thread: str) -> list[int]:
    """Return the processes that one thread of `pid` has started; none when it has ended meanwhile."""
    try:
        with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as listed:
            return [int(child) for child in listed.read().split()]
    except OSError:
        return []


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def _started(pid: int) -> str:
    """Return when a process started, "" when there is none or only its remains (a zombie)."""
    if not os.path.isdir(PROC):
        return _ps("-o", "lstart=", "-p", str(pid)).strip()
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            # The name in brackets may hold blanks and brackets; the state and field 22 (start time) come behind it.
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _children_by_ps() -> Callable[[int], list[int]]:
    table: dict[int, list[int]] = {}
    for line in _ps("-A", "-o", "pid=,ppid=").splitlines():
        pid, parent = (int(field) for field in line.split())
        table.setdefault(parent, []).append(pid)
    return lambda parent: table.get(parent, [])


def _ps(*arguments: str) -> str:
    import subprocess

    try:
        return subprocess.run(["ps", *arguments], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
