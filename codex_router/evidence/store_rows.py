"""How what was read from session files becomes rows: a tuple each, with a cell per column of its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from codex_router.evidence.store_tables import COSTS, responses, session_files, tasks, threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy as sa

    from codex_router.evidence.session_records import Response, Session, Task, Thread
    from codex_router.evidence.sessions import SessionRead

Row = tuple[Any, ...]
UNKNOWN_COST = (None,) * len(COSTS)


class SessionRows(NamedTuple):
    """Rows of a batch of files, in the order of their threads."""

    files: list[Row]
    threads: list[Row]
    tasks: list[Row]
    responses: list[Row]
    thread_ids: list[str]


def rows_of(reads: Sequence[SessionRead], person: str, machine: str) -> SessionRows:
    """Return the rows of some files."""
    rows = SessionRows([], [], [], [], [])
    for read in sorted(reads, key=lambda read: read.session.thread.thread_id if read.session else ""):
        session = read.session
        if session is None:
            continue
        thread = session.thread
        rows.files.append(_file_row(read, session, machine))
        if not (thread.started or session.responses):
            continue  # its first line is still being written: it would be kept as a thread of nowhere
        if thread.thread_id not in rows.thread_ids[-1:]:
            rows.thread_ids.append(thread.thread_id)
            rows.threads.append(_thread_row(thread, person, machine))
        rows.responses.extend(_response_rows(thread.thread_id, session))
        rows.tasks.extend(_task_rows(session))
    return rows


def _cells(table: sa.Table, said: dict[str, Any]) -> Row:
    return tuple(said[column.name] for column in table.c)


def _file_row(read: SessionRead, session: Session, machine: str) -> Row:
    at = read.position
    said = {
        "machine": machine,
        "path": at.path,
        "thread_id": session.thread.thread_id,
        "size": at.size,
        "mtime_ns": at.mtime_ns,
        "byte_offset": at.offset,
        "state": at.state,
        "skipped_lines": sum(session.skipped.values()),
    }
    return _cells(session_files, said)


def _thread_row(thread: Thread, person: str, machine: str) -> Row:
    said = thread._asdict()
    root = said.pop("session_id") or thread.parent_id or thread.thread_id
    root_id = root if thread.subagent else thread.thread_id
    return _cells(threads, {**said, "root_id": root_id, "person": person, "machine": machine})


RESPONSE_COLUMNS = tuple(column.name for column in responses.c)


def _response_rows(thread_id: str, session: Session) -> Iterator[Row]:
    """Yield the cells of `RESPONSE_COLUMNS`: thread, the fields of a response in their order, then its costs."""
    for one, cost in zip(session.responses, session.costs, strict=True):
        yield (thread_id, *one[:5], one.effort or "", *one[6:17], one.plan or "", *one[18:], *(cost or UNKNOWN_COST))


def _task_rows(session: Session) -> list[Row]:
    first: dict[str, Response] = {}
    for one in session.responses:
        first.setdefault(one.turn_id, one)
    return [_task_row(session.thread, task, first.get(task.turn_id)) for task in session.tasks]


def _task_row(thread: Thread, task: Task, first: Response | None) -> Row:
    said = task._asdict()
    root = (thread.session_id or thread.parent_id or thread.thread_id) if thread.subagent else thread.thread_id
    own = None if thread.subagent else task.turn_id
    said["ended"] = said.pop("end")
    said |= {
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
    return _cells(tasks, said)
