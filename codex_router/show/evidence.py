"""Tables of evidence, for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from codex_router.show.table import money, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table as RichTable

    from codex_router.errors import RouterError
    from codex_router.evidence.intake import Taken
    from codex_router.evidence.ledger import Holding
    from codex_router.evidence.runs import Run
    from codex_router.evidence.tables import Provenance, Skipped, Table
    from codex_router.records import Aggregate

LISTED = 10
"""How many skipped rows are named before the rest is counted."""

STATUS = {
    "stored": "stored",
    "replaced": "stored in place of what was read from here before",
    "known": "ingested before: nothing changes",
    "shipped": "ships with codex-router: nothing to store",
    "readable": "not stored: dry run",
    "refused": "refused: nothing of it was stored",
}


def account(taken: Taken) -> Iterator[Text]:
    """Yield the lines that tell how a file was read."""
    if taken.table is None:
        yield Text.assemble((f"{taken.path}", "bold"), ": ", (STATUS["refused"], "bad"))
        return
    read = taken.table
    head = f": {read.rows} of {read.rows_read} rows taken ({read.kind}, {_title(read.provenance)}); "
    yield Text.assemble((f"{taken.path}", "bold"), head, (STATUS[taken.status], "ok"))
    for sentence in read.conversions:
        yield Text(f"  {sentence}")
    yield from (Text(f"  skipped {row.where}: {row.reason}", "dim") for row in read.skipped[:LISTED])
    if len(read.skipped) > LISTED:
        yield Text(f"  skipped {len(read.skipped) - LISTED} more; `--json` names them", "dim")
    if read.unknown_models:
        names = ", ".join(read.unknown_models[:LISTED]) + (", ..." if len(read.unknown_models) > LISTED else "")
        yield Text(f"  {len(read.unknown_models)} unknown model names kept as they are: {names}", "warn")


def error_line(error: RouterError) -> Text:
    """Return an expected failure as the error boundary prints it."""
    return Text.assemble(("error", "bad"), f": {error}")


def _title(said: Provenance) -> str:
    return f"{said.source}, {said.date}" if said.date else said.source


def listing(shipped: Sequence[Table], holdings: Sequence[Holding]) -> RichTable:
    """Return the overview of all tables."""
    columns = ("table", "source", "date", "kind", ">rows", "cost as published", "from")
    rows = [
        (one.path.stem, one.provenance.source, one.provenance.date, one.kind, str(one.rows), _units(one), origin)
        for origin, tables in (("shipped", shipped), ("ingested", holdings))
        for one in tables
    ]
    return table(columns, rows)


def _units(one: Table | Holding) -> str:
    return ", ".join(unit.replace("_", " ") for unit in one.cost_units) or "none"


def remarks(tables: Sequence[Table | Holding]) -> Iterator[Text]:
    """Yield what to know of each table before relying on it."""
    for one in tables:
        said = one.provenance
        yield Text.assemble("\n", (one.path.stem, "bold"), *(f" · {part}" for part in (said.url, said.licence) if part))
        yield from (Text(f"  {caveat}") for caveat in said.caveats)
        yield from (Text(f"  left out: {row}", "dim") for row in said.left_out)


def taken_json(taken: Taken) -> dict[str, Any]:
    """Return what became of a file as JSON, rows included."""
    document: dict[str, Any] = {"path": str(taken.path), "status": taken.status}
    if taken.error:
        document["error"] = error_json(taken.error)
    if taken.table:
        document |= table_json(taken.table)
    return document


def table_json(one: Table) -> dict[str, Any]:
    """Return a table as JSON, rows included."""
    return {
        **said_json(one),
        "rows_read": one.rows_read,
        "rows_taken": one.rows,
        "skipped": skipped_json(one.skipped),
        "conversions": list(one.conversions),
        "unknown_models": list(one.unknown_models),
        "rows": [*map(aggregate_json, one.aggregates), *map(run_json, one.runs)],
    }


def said_json(one: Table | Holding) -> dict[str, Any]:
    """Return whose figures a table holds as JSON."""
    said = one.provenance
    return {
        "table": one.path.stem,
        "sha256": one.sha256,
        "kind": one.kind,
        "source": said.source,
        "url": said.url,
        "date": said.date,
        "licence": said.licence,
        "cost_units": list(one.cost_units),
        "caveats": list(said.caveats),
        "left_out": list(said.left_out),
    }


def skipped_json(rows: Sequence[Skipped]) -> list[dict[str, str]]:
    """Return skipped rows or files as JSON."""
    return [row._asdict() for row in rows]


def error_json(error: RouterError) -> dict[str, str | None]:
    """Return an expected failure as JSON."""
    return {"what": error.what, "where": error.where, "hint": error.hint}


def aggregate_json(row: Aggregate) -> dict[str, Any]:
    """Return a published row as JSON, in our units."""
    solved = None if row.cost_usd is None or not row.pass_rate else row.cost_usd / row.pass_rate
    return {
        "model": row.arm.model,
        "effort": row.arm.effort,
        "harness": row.harness,
        "category": row.category,
        "source": row.source,
        "date": row.date,
        "n_tasks": row.n_tasks,
        "n_trials": row.n_trials,
        "pass_rate": row.pass_rate,
        "cost_usd": row.cost_usd,
        "cost_per_solved_usd": solved,
        "turns_mean": row.turns_mean,
        "pass_at_k": row.pass_at_k,
        "k": row.k,
        "self_reported": row.self_reported,
    }


def run_json(run: Run) -> dict[str, Any]:
    """Return a run as JSON."""
    attempt = run.attempt
    return {
        "attempt_id": attempt.attempt_id,
        "task_id": attempt.task_id,
        "category": attempt.category,
        "model": attempt.arm.model,
        "effort": attempt.arm.effort,
        "harness": attempt.harness,
        "outcome": attempt.outcome,
        "outcome_source": attempt.outcome_source,
        "cost_usd": attempt.cost_usd,
        "turns": attempt.turns,
        "seconds": attempt.seconds,
        "end": attempt.end,
        "date": attempt.date,
    }


def outcome_line(run: Run) -> str:
    """Return one line on what is now known of a run."""
    attempt = run.attempt
    solved = {"yes": "solved its task", "no": "did not solve its task", "unknown": "has no outcome"}[attempt.outcome]
    return f"run {attempt.attempt_id} ({attempt.category}, {attempt.arm}, {money(attempt.cost_usd)}) {solved}"
