"""Own evidence as sufficient statistics: one GROUP BY, so that a hundred million rows stay in the database.

Two kinds of rows are one attempt each: runs that `exec` recorded or that were ingested, and user turns of sessions
that no run covers. The outcome of a turn is unknown, so that it tells of cost and turns only, unless outcomes are
guessed (see `outcomes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from codex_router.evidence.engine import told
from codex_router.evidence.store_tables import attempts, tasks, threads
from codex_router.records import GUESS_WEIGHT, REPEAT_CORRELATION, Arm, Attempt, Moments, Summed

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def sums_of_sessions(store: Store, *, guessed: bool = False, defaults: Mapping[str, str] | None = None) -> list[Summed]:
    """Return the user turns that no run of `exec` covers, as sums per arm and category, in a stable order.

    These are the turns of tasks (same prompt in a category) of which no outcome is known; see `attempts_of_sessions`
    for the others. A repeated task counts as the estimator counts it: each of m attempts
    1 / (1 + (m - 1) `REPEAT_CORRELATION`).

    Args:
        store: the ledger.
        guessed: guessed outcomes are known ones.
        defaults: the effort of a model where a session names none.
    """
    w = _weighed(guessed, defaults)
    sums = [
        sa.func.count(),
        sa.func.sum(sa.case((w.ended == "budget", 1), else_=0)),
        *(column for amount in (w.cost_usd, w.turns) for end in WHOLE for column in _moments(w, amount, end)),
    ]
    key = (w.model, w.effort, w.category, w.harness)
    query = sa.select(*key, *sums).where(w.judged == 0).group_by(*key).order_by(*key)
    with told(store.engine.url), store.engine.connect() as connection:
        return [_summed(row) for row in connection.execute(query)]


WHOLE = ("completed", "budget")
"""How attempts end whose amounts are taken: by themselves, or cut by their budget."""


def _weighed(guessed: bool, defaults: Mapping[str, str] | None) -> Any:  # noqa: FBT001 - one of two questions
    """Return the columns `TURN` of the turns with the weight of each, and whether its task has a known outcome."""
    t = _turns(defaults).add_columns(tasks.c.turn_id, tasks.c.started, tasks.c.seconds).subquery("turns").c
    known = sa.func.max(sa.case((t.outcome == "unknown", 0), else_=1)).over(partition_by=(t.category, t.task_id))
    again = sa.func.count().over(partition_by=(t.model, t.effort, t.category, t.harness, t.task_id))
    weighed = sa.select(
        *t,
        (1.0 / (1.0 + (again - 1) * REPEAT_CORRELATION)).label("weight"),
        (known if guessed else sa.literal(0)).label("judged"),  # of a turn, all that is known is guessed
    )
    return weighed.subquery("weighed").c


def _moments(w: Any, amount: sa.ColumnElement[Any], end: str) -> list[sa.ColumnElement[Any]]:
    """Return weight, amounts, their logs and the squares of these, summed; nothing of amounts that are unknown."""
    known = (w.ended == end) & (amount > 0)
    log = sa.func.ln(sa.cast(amount, sa.Double))
    terms = (w.weight, w.weight * amount, w.weight * log, w.weight * log * log)
    return [sa.func.coalesce(sa.func.sum(sa.case((known, term), else_=None)), 0.0) for term in terms]


def _summed(row: Any) -> Summed:
    model, effort, category, harness, attempts_, capped, *sums = row
    moments = [_moments_of(*map(float, sums[at : at + 4])) for at in range(0, len(sums), 4)]
    return Summed(Arm(model, effort or None), category, harness, int(attempts_), int(capped), *moments)


def _moments_of(n: float, amounts: float, logs: float, squares: float) -> Moments:
    if not n:
        return Moments()
    mean_log = logs / n
    return Moments(n, amounts / n, mean_log, max(0.0, squares / n - mean_log**2))


def attempts_of_sessions(
    store: Store, *, guessed: bool = False, judged: bool = False, defaults: Mapping[str, str] | None = None
) -> list[Attempt]:
    """Return the user turns that no run of `exec` covers, one by one; in a team's database also its members' runs.

    Args:
        store: the ledger.
        guessed: also take guessed outcomes, marked as such: each is half a vote.
        judged: leave out the turns that `sums_of_sessions` sums.
        defaults: the effort of a model where a session names none.
    """
    w = _weighed(guessed, defaults)
    rows = sa.select(*(w[name] for name in TURN)).order_by(w.started, w.turn_id)
    if judged:
        rows = rows.where(w.judged == 1)
    with told(store.engine.url), store.engine.connect() as connection:
        # Of a turn that nobody may guess about no outcome is known: the question would be long, the answer empty.
        turns = connection.execute(rows).all() if guessed or not judged else []
        team = connection.execute(_team_runs()).all() if store.is_shared else []
    return [*(_attempt(row, guessed=guessed) for row in turns), *(_run(row) for row in team)]


TURN = (
    "model",
    "effort",
    "category",
    "harness",
    "ended",
    "task_id",
    "outcome",
    "outcome_source",
    "cost_usd",
    "turns",
    "turn_id",
    "started",
    "seconds",
)


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


def _turns(defaults: Mapping[str, str] | None = None) -> sa.Select[Any]:
    """Select the user turns that no run covers, each with what its sub-agents took."""
    t, part = tasks.c, tasks.alias("part").c
    effort: sa.ColumnElement[str] = t.effort
    if defaults:
        effort = sa.case((t.effort == "", sa.case(dict(defaults), value=t.model, else_="")), else_=t.effort)
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
            effort.label("effort"),
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
