"""Read many session files, on all cores, each from where it ended the last time."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager

from codex_router.evidence.lineage import Ancestors
from codex_router.evidence.readers import answers, can_fork
from codex_router.evidence.rollout import Rollout
from codex_router.evidence.rollout_lines import Lines
from codex_router.evidence.rollout_state import State, fields_of
from codex_router.evidence.session_files import SessionPath, opened
from codex_router.evidence.session_records import Position, Response, Session, Task, Thread
from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from codex_router.evidence.pricing import Pricing
    from codex_router.evidence.rollout_lines import Readable

    _Plain = tuple[tuple[Any, ...], Any, str | None]
    """A `SessionRead` in types that `marshal` knows, which takes a fifth of the time of `pickle`."""

ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
WORTH_A_PROCESS = 16 << 20
"""Bytes that take longer to read than a process to start."""


TAIL = "tail"
"""In a position's state: what its file held before the offset."""
TAIL_BYTES = 64


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
    pricing: Pricing | None = None,
) -> SessionRead:
    """Read one session file, from where it ended before if it only grew.

    Args:
        file: as the folder lists it.
        ancestors: the other files.
        kind_of: names the category of a prompt.
        before: where the last reading ended; None reads all of it.
        pricing: knows what responses cost; None leaves that open.
    """
    return _with_names(_read(file, ancestors, kind_of, before, pricing))


def _read(
    file: SessionPath,
    ancestors: Ancestors,
    kind_of: Callable[[str], str],
    before: Position | None,
    pricing: Pricing | None,
) -> _Plain:
    plain = not file.path.endswith(".zst")
    grown = before is not None and plain and file.size >= before.size > 0
    try:
        with opened(file.path) as stream:
            known = _gone_on(stream, before) if before is not None and grown else None
            rollout = Rollout(file.thread_id, ancestors, kind_of, known)
            lines = Lines(rollout.handlers, rollout.skip)
            lines.read(stream)
            tail = _tail(stream, lines.offset) if plain else ""
    except OSError as error:
        return tuple(before or Position(file.path, 0, 0, 0, "{}")), None, error.strerror or str(error)
    said = rollout.said()
    costs = _costs(pricing, said[0], said[2])
    state = ENCODE({**fields_of(rollout.state), TAIL: tail})
    return (file.path, file.size, file.mtime_ns, lines.offset, state), (*said, costs), None


def _gone_on(stream: Readable, before: Position) -> State | None:
    """Go where the last reading ended and return its state; None, at the beginning, when this is another file."""
    known = json.loads(before.state)
    same = known.get(TAIL) in {None, _tail(stream, before.offset)}
    stream.seek(before.offset if same else 0)
    return State(**known) if same else None


def _tail(stream: Readable, offset: int) -> str:
    """Return what stands before `offset`: the same only where a file was written on."""
    begins = max(0, offset - TAIL_BYTES)
    stream.seek(begins)
    return stream.read(offset - begins).hex()


def _costs(pricing: Pricing | None, thread: tuple[Any, ...], rows: list[list[Any]]) -> list[tuple[float, ...] | None]:
    if pricing is None:
        return [None] * len(rows)
    provider = Thread._make(thread).provider
    found = [pricing.cost(Response._make(row), provider) for row in rows]
    return [cost and tuple(cost) for cost in found]


def _with_names(plain: _Plain) -> SessionRead:
    position, said, error = plain
    if said is None:
        return SessionRead(Position(*position), None, error)
    thread, tasks, responses, skipped, inherited, costs = said
    rows = [Response._make(row) for row in responses]
    session = Session(Thread(*thread), [Task._make(row) for row in tasks], rows, costs, skipped, inherited)
    return SessionRead(Position(*position), session, error)


@contextmanager
def reading(
    files: Sequence[SessionPath],
    all_files: Sequence[SessionPath],
    kind_of: Callable[[str], str],
    known: Mapping[str, Position],
    pricing: Pricing | None = None,
    *,
    here: bool = True,
) -> Iterator[Iterator[SessionRead]]:
    """Read files on all cores; yields an iterator over what was read, in no order.

    The processes are forked when this is entered: enter it before any thread is started.

    Args:
        files: to be read.
        all_files: where copied history is looked up.
        kind_of: names the category of a prompt.
        known: where earlier readings ended, by path.
        pricing: knows what responses cost; None leaves that open.
        here: this process reads, too. One that stores has enough to do, and to hold.
    """
    ancestors = Ancestors({file.thread_id: file.path for file in all_files})
    work = [(file, known.get(file.path)) for file in sorted(files, key=lambda file: -file.size)]
    todo = sum(file.size - (before.offset if before else 0) for file, before in work)
    cores = min(os.cpu_count() or 1, len(work), 1 + todo // WORTH_A_PROCESS)
    if cores < 2 or not can_fork():
        yield (read_session(file, ancestors, kind_of, before, pricing) for file, before in work)
        return

    def answer(number: int) -> _Plain:
        file, before = work[number]
        return _read(file, ancestors, kind_of, before, pricing)

    with answers(len(work), cores, answer, here=here) as some:
        yield map(_with_names, some)
