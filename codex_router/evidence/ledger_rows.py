"""The ledger's SQL tables, and how our records become their rows and back."""

from __future__ import annotations

from codex_router.evidence.runs import Run
from codex_router.named import TYPE_CHECKING
from codex_router.records import Aggregate, Arm, Attempt, Response, Usage

if TYPE_CHECKING:
    from typing import Any

FIRST = (
    """CREATE TABLE ingested (
        id INTEGER PRIMARY KEY,
        sha256 TEXT NOT NULL UNIQUE,
        path TEXT NOT NULL,
        kind TEXT NOT NULL,
        provenance TEXT NOT NULL,
        cost_units TEXT NOT NULL,
        rows INTEGER NOT NULL,
        created TEXT NOT NULL
    )""",
    """CREATE TABLE aggregates (
        ingested_id INTEGER NOT NULL REFERENCES ingested (id) ON DELETE CASCADE,
        source TEXT NOT NULL, date TEXT NOT NULL, harness TEXT NOT NULL, model TEXT NOT NULL, effort TEXT,
        category TEXT NOT NULL, n_tasks INTEGER NOT NULL, n_trials INTEGER NOT NULL, successes REAL NOT NULL,
        cost_usd REAL, turns_mean REAL, pass_at_k REAL, k INTEGER, self_reported INTEGER NOT NULL
    )""",
    "CREATE INDEX aggregates_of ON aggregates (ingested_id)",
    """CREATE TABLE attempts (
        id INTEGER PRIMARY KEY,
        ingested_id INTEGER REFERENCES ingested (id) ON DELETE CASCADE,
        source TEXT NOT NULL, attempt_id TEXT NOT NULL, task_id TEXT NOT NULL, category TEXT NOT NULL,
        model TEXT NOT NULL, effort TEXT, harness TEXT NOT NULL, outcome TEXT NOT NULL, outcome_source TEXT,
        cost_usd REAL, turns INTEGER, seconds REAL, ended TEXT NOT NULL, date TEXT NOT NULL,
        tier TEXT, session_id TEXT, codex_version TEXT, git_commit TEXT, prompt_hash TEXT, prompt_chars INTEGER,
        input_tokens INTEGER, cached_input_tokens INTEGER, cache_write_input_tokens INTEGER,
        output_tokens INTEGER, reasoning_output_tokens INTEGER, created TEXT NOT NULL,
        UNIQUE (source, attempt_id)
    )""",
    "CREATE INDEX attempts_of ON attempts (ingested_id)",
)
RESPONSES = (
    """CREATE TABLE attempt_responses (
        attempt INTEGER NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
        number INTEGER NOT NULL, at TEXT NOT NULL, thread_id TEXT, model TEXT,
        input_tokens INTEGER NOT NULL, cached_input_tokens INTEGER NOT NULL, cache_write_input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL, reasoning_output_tokens INTEGER NOT NULL, cost_usd REAL,
        PRIMARY KEY (attempt, number)
    ) WITHOUT ROWID""",
)
SCHEMA = (FIRST, RESPONSES)
"""What brings a ledger from version n to n + 1; never changed once released, only added to."""

AGGREGATE = (
    "source, date, harness, model, effort, category, n_tasks, n_trials, successes, cost_usd, turns_mean, pass_at_k, k, "
    "self_reported"
)
RUN = (
    "source, attempt_id, task_id, category, model, effort, harness, outcome, outcome_source, cost_usd, turns, seconds, "
    "ended, date, tier, session_id, codex_version, git_commit, prompt_hash, prompt_chars, input_tokens, "
    "cached_input_tokens, cache_write_input_tokens, output_tokens, reasoning_output_tokens, created"
)
RESPONSE = (
    "at, thread_id, model, input_tokens, cached_input_tokens, cache_write_input_tokens, output_tokens, "
    "reasoning_output_tokens, cost_usd"
)


def _insert(table: str, columns: str) -> str:
    names = columns.split(", ")
    return f"INSERT INTO {table} (ingested_id, {columns}) VALUES ({', '.join('?' * (len(names) + 1))})"  # noqa: S608


INSERT_RESPONSE = f"INSERT INTO attempt_responses (attempt, number, {RESPONSE}) VALUES ({', '.join('?' * 11)})"  # noqa: S608
INSERT_AGGREGATE = _insert("aggregates", AGGREGATE)
UPSERT_RUN = f"{_insert('attempts', RUN)} ON CONFLICT (source, attempt_id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in ("ingested_id", *RUN.split(", "))
)


def aggregate_row(a: Aggregate) -> tuple[object, ...]:
    """Return the cells named by `AGGREGATE`."""
    return (
        a.source,
        a.date,
        a.harness,
        *a.arm,
        a.category,
        a.n_tasks,
        a.n_trials,
        a.successes,
        a.cost_usd,
        a.turns_mean,
        a.pass_at_k,
        a.k,
        a.self_reported,
    )


def aggregate(row: tuple[Any, ...]) -> Aggregate:
    """Return the record of a row with the columns of `AGGREGATE`."""
    source, date, harness, model, effort, *rest, self_reported = row
    values = (source, date, harness, Arm(model, effort), *rest, bool(self_reported))
    return Aggregate(*values)


def run_row(one: Run) -> tuple[object, ...]:
    """Return the cells named by `RUN`."""
    a, usage = one.attempt, one.usage
    tokens = (None,) * 5 if usage is None else usage
    return (
        one.source,
        a.attempt_id,
        a.task_id,
        a.category,
        *a.arm,
        a.harness,
        a.outcome,
        a.outcome_source,
        a.cost_usd,
        a.turns,
        a.seconds,
        a.end,
        a.date,
        one.tier,
        one.session_id,
        one.codex_version,
        one.git_commit,
        one.prompt_hash,
        one.prompt_chars,
        *tokens,
        one.created,
    )


def response_row(one: Response) -> tuple[object, ...]:
    """Return the cells named by `RESPONSE`."""
    return (one.at, one.thread_id, one.model, *one.usage, one.cost_usd)


def response(row: tuple[Any, ...]) -> Response:
    """Return the record of a row with the columns of `RESPONSE`."""
    at, thread_id, model, *tokens, cost_usd = row
    return Response(at, thread_id, model, Usage(*tokens), cost_usd)


def run(row: tuple[Any, ...]) -> Run:
    """Return the record of a row with the columns of `RUN`."""
    source, attempt_id, task_id, category, model, effort, harness, outcome, outcome_source, *rest = row
    cost, turns, seconds, end, date, tier, session, version, commit, prompt_hash, prompt_chars, *rest = rest
    *tokens, created = rest
    arm = Arm(model, effort)
    attempt = Attempt(
        attempt_id, task_id, category, arm, harness, outcome, cost, turns, seconds, end, date, outcome_source
    )
    usage = None if tokens[0] is None else Usage(*tokens)
    return Run(attempt, usage, source, tier, session, version, commit, prompt_hash, prompt_chars, created)
