"""The tables of sessions and spending, for SQLAlchemy; and the steps that bring an older database to them.

``responses`` holds what was read, ``spending`` the same summed per task, arm and day, so that a question about
millions of responses reads thousands of rows. ``attempts`` is the ledger's own (see `ledger_rows`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

metadata = MetaData()


def _texts(*names: str, null: bool = False) -> list[Column[str]]:
    return [Column(name, Text, nullable=null) for name in names]


def _counts(*names: str, null: bool = False) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=null) for name in names]


def _amounts(*names: str, null: bool = True) -> list[Column[float]]:
    return [Column(name, Double, nullable=null) for name in names]


COSTS = (
    "cost_usd",
    "resent_cached_usd",
    "resent_uncached_usd",
    "new_input_usd",
    "reasoning_usd",
    "output_usd",
    "tool_output_usd",
    "lost_usd",
)
"""The fields of `pricing.Cost`."""
TOKENS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
    "resent_tokens",
)

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

session_files = Table(
    "session_files",
    metadata,
    *_texts("machine", "path", "thread_id"),
    *_counts("size", "mtime_ns", "byte_offset"),
    Column("state", Text, nullable=False),
    *_counts("skipped_lines"),
    PrimaryKeyConstraint("machine", "path"),
    Index("session_files_stamps", "machine", "path", "size", "mtime_ns"),
)

threads = Table(
    "threads",
    metadata,
    Column("thread_id", Text, primary_key=True),
    *_texts("root_id"),
    *_texts("parent_id", "forked_from", null=True),
    *_texts("source"),
    *_counts("subagent"),
    *_texts("cwd"),
    *_texts("git_branch", "git_commit", "git_url", null=True),
    *_texts("codex_version", "provider", "started", "person", "machine"),
    Index("threads_root", "root_id"),
)

tasks = Table(
    "tasks",
    metadata,
    *_texts("thread_id", "turn_id", "root_thread_id"),
    *_texts("root_turn_id", null=True),
    *_texts("started", "ended", "category", "model", "effort"),
    *_texts("prompt_hash", null=True),
    *_counts("prompt_chars", null=True),
    *_amounts("seconds", null=False),
    *_counts("responses", "tool_calls", "tool_output_bytes", "compactions", "changes", "complaint"),
    *_counts("first_input_tokens"),
    *_amounts("cost_usd"),
    *_texts("outcome"),
    *_texts("outcome_source", null=True),
    PrimaryKeyConstraint("thread_id", "turn_id"),
    Index("tasks_root", "root_thread_id", "root_turn_id"),
    Index("tasks_ended", "ended"),
    Index("tasks_prompt", "prompt_hash"),
)

responses = Table(
    "responses",
    metadata,
    *_texts("thread_id"),
    *_counts("generation", "total_tokens"),
    *_texts("turn_id", "time", "model", "effort"),
    *_counts(*TOKENS, "tool_output_bytes", "cache_lost_tokens"),
    *_texts("cache_break", null=True),
    *_counts("compaction", "after_change"),
    *_texts("plan_name"),
    *_amounts("window_5h_percent", "window_week_percent", *COSTS),
    PrimaryKeyConstraint("thread_id", "generation", "total_tokens"),
)
BROKEN = "CREATE INDEX IF NOT EXISTS responses_broken ON responses (cache_break) WHERE cache_break IS NOT NULL"
"""As text: for a partial index among its own, SQLAlchemy imports every database's dialect."""

DIMENSIONS = (
    "day",
    "project",
    "branch",
    "category",
    "model",
    "effort",
    "tier",
    "person",
    "source",
    "plan_name",
)
"""What spending can be asked by; empty texts where Codex says nothing."""
GROUPED = {
    **{name: (name,) for name in ("project", "branch", "category", "model", "tier", "person")},
    "effort": ("effort", "model"),
}
"""What is asked for most, beside the day: SQLite would sort all rows, with their sums, to group them."""
SUMS = ("tasks", "responses", "unpriced", *TOKENS)
"""A task is counted once, where its first response is; a sub-agent's is its parent's."""
SPENT = (*COSTS, "compaction_usd", "after_change_usd", "stale_usd")
WINDOWS = ("window_5h_used", "window_week_used", "window_5h_peak", "window_week_peak")
"""Percent of a ChatGPT plan's windows: what passed during the task, and the most there was."""

spending = Table(
    "spending",
    metadata,
    *_texts("thread_id", "turn_id", "root_thread_id", *DIMENSIONS),
    *_counts(*SUMS),
    *_amounts(*SPENT, null=False),
    *_amounts(*WINDOWS),
    PrimaryKeyConstraint("thread_id", "turn_id", "day", "model", "effort", "plan_name"),
    Index("spending_day", "day"),
    Index("spending_root", "root_thread_id"),
    *(Index(f"spending_{name}", *columns) for name, columns in GROUPED.items()),
)

attempts = Table(
    "attempts",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("ingested_id", Integer),
    *_texts("source", "attempt_id", "task_id", "category", "model"),
    *_texts("effort", null=True),
    *_texts("harness", "outcome"),
    *_texts("outcome_source", null=True),
    *_amounts("cost_usd"),
    *_counts("turns", null=True),
    *_amounts("seconds"),
    *_texts("ended", "date"),
    *_texts("tier", "session_id", "codex_version", "git_commit", "prompt_hash", null=True),
    *_counts("prompt_chars", null=True),
    *_counts(*TOKENS[:5], null=True),
    *_texts("created"),
    UniqueConstraint("source", "attempt_id"),
)
"""As the ledger makes it in SQLite; made here only in a team's database."""


def _first(connection: Connection) -> None:
    """Make all tables: as they are now, so that the steps behind must take what is there already."""
    metadata.create_all(connection)
    connection.execute(text(BROKEN))
    attempts.create(connection, checkfirst=True)
    connection.execute(text("CREATE INDEX IF NOT EXISTS attempts_session ON attempts (session_id)"))


def _second(connection: Connection) -> None:
    """Index what is asked at every `usage`: files that have changed, tasks without a result, repeated prompts.

    The time of responses was indexed for questions that are asked of ``spending`` now.
    """
    connection.execute(text("DROP INDEX IF EXISTS responses_time"))
    for name, columns in (
        ("session_files_stamps", "session_files (machine, path, size, mtime_ns)"),
        ("tasks_ended", "tasks (ended)"),
        ("tasks_prompt", "tasks (prompt_hash)"),
    ):
        connection.execute(text(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}"))


def _third(connection: Connection) -> None:
    """Index what spending is grouped by."""
    for name, columns in GROUPED.items():
        connection.execute(text(f"CREATE INDEX IF NOT EXISTS spending_{name} ON spending ({', '.join(columns)})"))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first, _second, _third)
"""Each brings a database from version n to n + 1; never changed once released, only added to."""
