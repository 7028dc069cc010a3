"""Own evidence as sufficient statistics: one GROUP BY, so that a hundred million rows stay in the database.

Two kinds of rows are one attempt each: runs that `exec` recorded or that were ingested, and user turns of sessions
that no run covers. The outcome of a turn is unknown, so that it tells of cost and turns only, unless outcomes are
guessed (see `outcomes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from codex_router.evidence.store import told
from codex_router.evidence.store_tables import attempts, tasks, threads
from codex_router.records import GUESS_WEIGHT, Arm, Attempt

if TYPE_CHECKING:
    from codex_router.evidence.store import Store

HARNESS = "codex"


class Cell(NamedTuple):
    """Sums over the attempts of an arm in a category under a harness, that ended alike."""

    model: str
    effort: str | None
    category: str
    harness: str
    ended: str
    """One of `records.End`."""
    n: int
    """Attempts."""
    n_tasks: int
    """Different tasks behind them."""
    n_judged: float
    """Attempts with a known outcome; a guessed one counts half."""
    successes: float
    n_cost: int
    """Attempts whose cost is known."""
    cost_usd: float
    """Sum of their costs; divide by `n_cost`."""
    cost_usd_squared: float
    """Sum of the squares of their costs."""
    n_turns: int
    turns: int
    turns_squared: int


def cells(store: Store, *, guessed: bool = False) -> list[Cell]:
    """Return the user's own evidence, in a stable order.

    Args:
        store: the ledger.
        guessed: also take guessed outcomes, each as half an attempt.
    """
    rows = sa.union_all(_runs(), _turns()).subquery()
    c = rows.c
    weight = sa.case(
        (c.outcome == "unknown", 0.0),
        (c.outcome_source == "heuristic", GUESS_WEIGHT if guessed else 0.0),
        else_=1.0,
    )
    key = (c.model, c.effort, c.category, c.harness, c.ended)
    query = (
        sa.select(
            *key,
            sa.func.count(),
            sa.func.count(sa.distinct(c.task_id)),
            sa.func.sum(weight),
            sa.func.sum(sa.case((c.outcome == "yes", weight), else_=0.0)),
            sa.func.count(c.cost_usd),
            sa.func.coalesce(sa.func.sum(c.cost_usd), 0.0),
            sa.func.coalesce(sa.func.sum(c.cost_usd * c.cost_usd), 0.0),
            sa.func.count(c.turns),
            sa.func.coalesce(sa.func.sum(c.turns), 0),
            sa.func.coalesce(sa.func.sum(c.turns * c.turns), 0),
        )
        .group_by(*key)
        .order_by(*key)
    )
    with told(store.engine.url), store.engine.connect() as connection:
        return [_cell(row) for row in connection.execute(query)]


def attempts_of_sessions(store: Store, *, guessed: bool = False) -> list[Attempt]:
    """Return the user turns that no run of `exec` covers as attempts, and in a team's database its members' runs.

    The estimator counts a repeated task (same prompt) as little more than one, so it is given rows, not sums.

    Args:
        store: the ledger.
        guessed: also take guessed outcomes, marked as such: each is half a vote.
    """
    turns = _turns().add_columns(tasks.c.turn_id, tasks.c.started, tasks.c.seconds)
    with told(store.engine.url), store.engine.connect() as connection:
        rows = connection.execute(turns.order_by(tasks.c.started, tasks.c.turn_id)).all()
        team = connection.execute(_team_runs()).all() if store.is_shared else []
    return [*(_attempt(row, guessed=guessed) for row in rows), *(_run(row) for row in team)]


def _attempt(row: Any, *, guessed: bool) -> Attempt:
    model, effort, category, harness, ended, task_id, outcome, source, cost, turns, turn_id, started, seconds = row
    if source == "heuristic" and not guessed:
        outcome, source = "unknown", ""
    arm = Arm(model, effort or None)
    return Attempt(
        turn_id, task_id, category, arm, harness, outcome, cost, int(turns), seconds, ended, started, source or None
    )


def _team_runs() -> sa.Select[Any]:
    a = attempts.c
    return sa.select(
        a.attempt_id, a.task_id, a.category, a.model, a.effort, a.harness, a.outcome, a.cost_usd, a.turns, a.seconds,
        a.ended, a.date, a.outcome_source,
    ).order_by(a.id)  # fmt: skip


def _run(row: Any) -> Attempt:
    attempt_id, task_id, category, model, effort, *rest = row
    return Attempt(attempt_id, task_id, category, Arm(model, effort), *rest)


def _runs() -> sa.Select[Any]:
    a = attempts.c
    return sa.select(
        a.model,
        sa.func.coalesce(a.effort, "").label("effort"),
        a.category,
        a.harness,
        a.ended,
        a.task_id,
        a.outcome,
        sa.func.coalesce(a.outcome_source, "").label("outcome_source"),
        a.cost_usd,
        a.turns,
    )


def _turns() -> sa.Select[Any]:
    """Select the user turns that no run covers, each with what its sub-agents took."""
    t, part = tasks.c, tasks.alias("part").c
    whole = (
        sa.select(
            part.root_thread_id,
            part.root_turn_id,
            sa.func.sum(part.responses).label("turns"),
            sa.case(
                (sa.func.count() == sa.func.count(part.cost_usd), sa.func.sum(part.cost_usd)),
            ).label("cost_usd"),
        )
        .where(part.responses > 0)
        .group_by(part.root_thread_id, part.root_turn_id)
        .subquery()
    )
    w = whole.c
    covered = sa.exists().where(attempts.c.session_id == t.root_thread_id, attempts.c.source == "")
    return (
        sa.select(
            t.model,
            t.effort,
            t.category,
            sa.literal(HARNESS).label("harness"),
            t.ended,
            sa.func.coalesce(t.prompt_hash, t.turn_id).label("task_id"),
            t.outcome,
            sa.func.coalesce(t.outcome_source, "").label("outcome_source"),
            w.cost_usd,
            w.turns,
        )
        .select_from(
            tasks.join(threads, threads.c.thread_id == t.thread_id).join(
                whole, (w.root_thread_id == t.thread_id) & (w.root_turn_id == t.turn_id)
            )
        )
        .where(threads.c.subagent == 0, t.model != "", ~covered)
    )


def _cell(row: Any) -> Cell:
    model, effort, category, harness, ended, n, n_tasks, judged, successes, *rest = row
    n_cost, cost, squared, n_turns, turns, turns_squared = rest
    return Cell(
        model, effort or None, category, harness, ended, n, n_tasks, float(judged), float(successes),
        n_cost, float(cost), float(squared), n_turns, int(turns), int(turns_squared),
    )  # fmt: skip
