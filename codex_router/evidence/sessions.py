"""Read many session files, on all cores, each from where it ended the last time."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import signal
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from codex_router.evidence.lineage import Ancestors
from codex_router.evidence.rollout import Rollout, State, fields_of
from codex_router.evidence.rollout_lines import Lines
from codex_router.evidence.session_files import SessionPath, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from multiprocessing.pool import Pool

    from codex_router.evidence.session_records import Session

WORTH_A_PROCESS = 16 << 20
"""Bytes that take longer to read than a process to start."""

WINDOW = 128
"""Files that are read, at most, while those before are being stored."""


class Position(NamedTuple):
    """How far a file was read."""

    path: str
    size: int
    mtime_ns: int
    offset: int
    state: str
    """JSON of `rollout.State`."""


class SessionRead(NamedTuple):
    """What one file added, and where to go on."""

    position: Position
    session: Session | None
    """None when it could not be read."""
    error: str | None = None


def read_session(
    file: SessionPath,
    ancestors: Ancestors,
    kind_of: Callable[[str], str] = lambda _prompt: "none",
    before: Position | None = None,
) -> SessionRead:
    """Read one session file, from where it ended before if it only grew.

    Args:
        file: as the folder lists it.
        ancestors: the other files.
        kind_of: names the category of a prompt.
        before: where the last reading ended; None reads all of it.
    """
    grown = before is not None and not file.path.endswith(".zst") and file.size >= before.size > 0
    offset, state = (before.offset, State(**json.loads(before.state))) if before and grown else (0, None)
    rollout = Rollout(file.thread_id, ancestors, kind_of, state)
    lines = Lines(rollout.handlers, rollout.skip, offset)
    try:
        with opened(file.path, offset) as stream:
            lines.read(stream)
    except OSError as error:
        position = before or Position(file.path, 0, 0, 0, "{}")
        return SessionRead(position, None, error.strerror or str(error))
    session = rollout.session()
    rollout.handlers.clear()  # they refer to it: without them no garbage is left to be collected
    state_text = json.dumps(fields_of(rollout.state), separators=(",", ":"))
    return SessionRead(Position(file.path, file.size, file.mtime_ns, lines.offset, state_text), session)


_Work = tuple[SessionPath, Position | None]
_worker: Callable[[_Work], SessionRead]


def _prepare(paths: Mapping[str, str], kind_of: Callable[[str], str]) -> None:
    global _worker  # noqa: PLW0603 - what a pool's processes are given once
    _worker = _reader(paths, kind_of)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    gc.disable()  # what is read holds no cycles, and looking for them takes a third of the time


def _reader(paths: Mapping[str, str], kind_of: Callable[[str], str]) -> Callable[[_Work], SessionRead]:
    ancestors = Ancestors(paths)
    return lambda work: read_session(work[0], ancestors, kind_of, work[1])


def _read(work: _Work) -> SessionRead:
    return _worker(work)


@contextmanager
def reading(
    files: Sequence[SessionPath],
    all_files: Sequence[SessionPath],
    kind_of: Callable[[str], str],
    known: Mapping[str, Position],
) -> Iterator[Iterator[SessionRead]]:
    """Read files on all cores; yields an iterator over what was read, in no order.

    The processes are forked when this is entered: enter it before any thread is started.

    Args:
        files: to be read.
        all_files: where copied history is looked up.
        kind_of: names the category of a prompt.
        known: where earlier readings ended, by path.
    """
    paths = {file.thread_id: file.path for file in all_files}
    work = [(file, known.get(file.path)) for file in sorted(files, key=lambda file: -file.size)]
    todo = sum(file.size - (before.offset if before else 0) for file, before in work)
    cores = min(os.cpu_count() or 1, len(work), 1 + todo // WORTH_A_PROCESS)
    if cores < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield map(_reader(paths, kind_of), work)
        return
    with multiprocessing.get_context("fork").Pool(cores, partial(_prepare, paths, kind_of)) as pool:
        yield _in_windows(pool, work)


def _in_windows(pool: Pool, work: Sequence[_Work]) -> Iterator[SessionRead]:
    """Read some files at a time: what is read faster than it is stored would fill the memory."""
    for start in range(0, len(work), WINDOW):
        yield from pool.imap_unordered(_read, work[start : start + WINDOW], chunksize=2)
