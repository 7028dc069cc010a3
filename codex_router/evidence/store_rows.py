"""How what was read from session files becomes rows, with prices."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from codex_router.evidence.store_tables import COSTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_router.evidence.pricing import Cost, Pricing
    from codex_router.evidence.session_records import Response, Session, Task, Thread
    from codex_router.evidence.sessions import SessionRead

Row = dict[str, Any]
UNKNOWN_COST = (None,) * len(COSTS)


class SessionRows(NamedTuple):
    """Rows of a batch of files, in the order of their threads."""

    files: list[Row]
    threads: list[Row]
    tasks: list[Row]
    responses: list[Row]


def rows_of(reads: Sequence[SessionRead], pricing: Pricing, person: str, machine: str) -> SessionRows:
    """Return the rows of some files."""
    rows = SessionRows([], [], [], [])
    seen: set[str] = set()
    for read in sorted(reads, key=lambda read: read.session.thread.thread_id if read.session else ""):
        session = read.session
        if session is None:
            continue
        thread = session.thread
        rows.files.append(_file_row(read, session, machine))
        if thread.thread_id not in seen:
            seen.add(thread.thread_id)
            rows.threads.append(_thread_row(thread, person, machine))
        costs = [pricing.cost(one, thread.provider) for one in session.responses]
        rows.responses.extend(map(partial(_response_row, thread), session.responses, costs))
        rows.tasks.extend(_task_rows(session))
    return rows


def _file_row(read: SessionRead, session: Session, machine: str) -> Row:
    at = read.position
    return {
        "machine": machine,
        "path": at.path,
        "thread_id": session.thread.thread_id,
        "size": at.size,
        "mtime_ns": at.mtime_ns,
        "byte_offset": at.offset,
        "state": at.state,
        "skipped_lines": sum(session.skipped.values()),
    }


def _thread_row(thread: Thread, person: str, machine: str) -> Row:
    row = thread._asdict()
    root = row.pop("session_id") or thread.parent_id or thread.thread_id
    return {**row, "root_id": root if thread.subagent else thread.thread_id, "person": person, "machine": machine}


def _response_row(thread: Thread, one: Response, cost: Cost | None) -> Row:
    row = one._asdict()
    row["plan_name"] = row.pop("plan") or ""
    row["effort"] = one.effort or ""
    row["thread_id"] = thread.thread_id
    row.update(zip(COSTS, cost or UNKNOWN_COST, strict=True))
    return row


def _task_rows(session: Session) -> list[Row]:
    first: dict[str, Response] = {}
    for one in session.responses:
        first.setdefault(one.turn_id, one)
    return [_task_row(session.thread, task, first.get(task.turn_id)) for task in session.tasks]


def _task_row(thread: Thread, task: Task, first: Response | None) -> Row:
    row = task._asdict()
    root = (thread.session_id or thread.parent_id or thread.thread_id) if thread.subagent else thread.thread_id
    own = None if thread.subagent else task.turn_id
    row["ended"] = row.pop("end")
    return {
        **row,
        "thread_id": thread.thread_id,
        "root_thread_id": root,
        "root_turn_id": task.root_turn_id or own,
        "model": first.model if first else "",
        "effort": (first.effort or "") if first else "",
        "first_input_tokens": first.input_tokens if first else 0,
        "cost_usd": None,
        "outcome": "unknown",
        "outcome_source": None,
    }
