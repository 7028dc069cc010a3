"""Rows of sessions into the tables: each once, whoever brings it and however often.

The statements go to the driver as they are: what SQLAlchemy would do for each row takes longer than storing it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_router.evidence.store_tables import responses, session_files, tasks, threads
from codex_router.evidence.summing import sum_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import sqlalchemy as sa

    from codex_router.evidence.store_rows import SessionRows

LATER = ("compaction", "plan_name", "window_5h_percent", "window_week_percent")
"""What a line behind a response may still say of it."""
KEPT = frozenset({"thread_id", "turn_id", "outcome", "outcome_source"})
"""What a new reading does not change of a task."""


def insert(connection: sa.Connection, rows: SessionRows) -> None:
    """Store some files, and make the sums of their threads anew."""
    # The rows of threads go first and in order: they are the locks that keep writers of one thread apart.
    _upsert(connection, threads, rows.threads, ["codex_version"])
    _upsert(connection, tasks, rows.tasks, _names(tasks, KEPT), "excluded.responses >= tasks.responses")
    _upsert(connection, responses, rows.responses, LATER, "excluded.compaction >= responses.compaction")
    _upsert(connection, session_files, rows.files, _names(session_files))
    sum_up(connection, rows.thread_ids)


def _names(table: sa.Table, but: Iterable[str] = ()) -> list[str]:
    return [column.name for column in table.c if column.name not in but]


def _upsert(
    connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]], later: Sequence[str], where: str = ""
) -> None:
    """Insert rows with a cell per column of the table; of those that are there already, change the columns `later`."""
    if not rows:
        return
    names = _names(table)
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    key = ", ".join(column.name for column in table.primary_key.columns)
    change = ", ".join(f"{name} = excluded.{name}" for name in later)
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))}) "  # noqa: S608
        f"ON CONFLICT ({key}) DO UPDATE SET {change}{' WHERE ' if where else ''}{where}",
        list(rows),
    )
