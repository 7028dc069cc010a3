"""The figures of the report that need more than the ledger: estimates, tiers, published results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from codex_router.codex.router_file import read_plan
from codex_router.codex.shipped_models import default_efforts
from codex_router.commands.advice import installed_quietly
from codex_router.commands.recommend import estimates_on_offer
from codex_router.decide.hull import upper_hull
from codex_router.decide.tiers import average_over_categories
from codex_router.errors import RouterError
from codex_router.evidence.bundled import aggregates
from codex_router.evidence.cells import Cell, cells
from codex_router.evidence.engine import told
from codex_router.evidence.outcomes import known_end, known_outcome
from codex_router.evidence.store_tables import attempts, spending, tasks, threads
from codex_router.records import Arm
from codex_router.show.charts import Bar, Point
from codex_router.show.report import TaskRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from codex_router.evidence.store import Store
    from codex_router.records import Estimate, Plan

Z90 = 1.6448536269514722
LISTED = 4
"""Published figures beside those of the user's own, per model."""
STOPPED = ("budget", "timeout")
"""How a task ends that ran into a limit of turns, money or time."""


def picture(home: Path) -> tuple[list[Point], list[Estimate]]:
    """Return the arms on offer with cost and pass rate over all categories, and the estimates behind them."""
    try:
        estimates, policy = estimates_on_offer(installed_quietly(), home)
    except RouterError:
        return [], []
    measured = [one for one in average_over_categories(estimates, policy) if one.n_model]
    hull = set(upper_hull([one.cost_usd.mean for one in measured], [one.p_pass.mean for one in measured]))
    plan = plan_in_force(home)
    tier = {one.arm: one.name for one in plan.tiers} if plan else {}
    points = [
        Point(str(one.arm), one.cost_usd.mean, *one.p_pass, tier.get(one.arm, ""), on_hull=index in hull)
        for index, one in enumerate(measured)
    ]
    return points, estimates


def plan_in_force(home: Path) -> Plan | None:
    """Return the tiers in force; None when there are none."""
    try:
        return read_plan(home)
    except RouterError:
        return None


class Solved(NamedTuple):
    """Attempts of one arm whose outcome is known."""

    label: str
    n: float
    successes: float
    cost_usd: float
    """Mean of one attempt."""
    source: str = ""
    """The published table; empty for your own tasks."""


def solved(store: Store) -> list[Bar]:
    """Return cost per solved task of the arms used here, with the published figures of the same arms."""
    own = _own(cells(store))
    models = dict.fromkeys(arm.model for arm in sorted(own, key=lambda arm: -own[arm].n))
    rows: list[Solved] = []
    for model in models:
        mine = {arm: one for arm, one in own.items() if arm.model == model}
        rows += [*mine.values(), *_published(model, {arm.effort for arm in mine})]
    return [bar(one) for one in rows if one.successes]


def _published(model: str, efforts: set[str | None]) -> list[Solved]:
    """Return the published figures of a model that compare best: at the same effort, or at one that nobody named."""
    rows = [row for row in aggregates() if row.arm.model == model and row.cost_usd and row.successes]
    found = [
        (
            row.arm.effort not in {*efforts, None},
            row.cost_usd / row.pass_rate,
            Solved(
                f"{row.arm} {row.category}{_by(row.harness)}", row.n_trials, row.successes, row.cost_usd, row.source
            ),
        )
        for row in rows
        if row.cost_usd
    ]
    return [one for *_, one in sorted(found, key=lambda one: one[:2])[:LISTED]]


def _by(harness: str) -> str:
    return "" if harness in {"codex", "unstated"} else f" by {harness}"


def _own(found: Iterable[Cell]) -> dict[Arm, Solved]:
    sums: dict[Arm, list[float]] = {}
    for cell in found:
        if cell.n_judged and cell.n_cost:
            row = sums.setdefault(Arm(cell.model, cell.effort), [0.0, 0.0, 0.0, 0.0])
            for index, value in enumerate((cell.n_judged, cell.successes, cell.cost_usd, cell.n_cost)):
                row[index] += value
    return {arm: Solved(f"{arm}, yours", n, yes, cost / n_cost) for arm, (n, yes, cost, n_cost) in sums.items()}


def bar(one: Solved) -> Bar:
    """Return cost per solved task as a bar; the interval is that of the pass rate."""
    low, high = wilson(one.successes, one.n)
    note = f"({one.successes:.0f} of {one.n:.0f} solved{', ' + one.source if one.source else ''})"
    most = one.cost_usd / low if low > 0 else None
    return Bar(
        one.label,
        one.cost_usd * one.n / one.successes,
        None if most is None else one.cost_usd / high,
        most,
        note,
        2 if one.source else 0,
    )


def wilson(successes: float, n: float) -> tuple[float, float]:
    """Return the 90 % Wilson score interval of a rate (Wilson 1927, JASA 22:209)."""
    rate, z2 = successes / n, Z90 * Z90
    middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z90 / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def budget_hits(store: Store, since: str | None) -> list[tuple[str, int, int]]:
    """Return per tier how many tasks were stopped at a budget, by Codex or by `exec`, and how many there were."""
    t = tasks.c
    tier = (
        sa.select(spending.c.thread_id, spending.c.turn_id, sa.func.max(spending.c.tier).label("tier"))
        .group_by(spending.c.thread_id, spending.c.turn_id)
        .subquery()
    )
    stopped = sa.select(attempts.c.session_id).where(attempts.c.ended.in_(STOPPED), attempts.c.session_id.is_not(None))
    of_a_run = t.thread_id.in_(stopped) & known_end(tasks).in_(STOPPED)
    hit = sa.func.sum(sa.case((t.ended.in_(STOPPED) | of_a_run, 1), else_=0))
    query = (
        sa.select(tier.c.tier, hit, sa.func.count())
        .select_from(tasks.join(tier, (tier.c.thread_id == t.thread_id) & (tier.c.turn_id == t.turn_id)))
        .where(t.thread_id == t.root_thread_id, sa.func.substr(t.started, 1, 10) >= (since or ""))
        .group_by(tier.c.tier)
        .order_by(tier.c.tier)
    )
    with told(store.engine.url), store.engine.connect() as connection:
        return [(row[0], int(row[1]), int(row[2])) for row in connection.execute(query)]


def whole_tasks(since: str | None) -> sa.Subquery:
    """Return one row per task, its sub-agents with it."""
    s, t = spending.c, tasks.c
    turn = sa.func.coalesce(t.root_turn_id, s.turn_id)
    return (
        sa.select(
            s.root_thread_id,
            turn.label("turn"),
            sa.func.max(sa.case((s.thread_id == s.root_thread_id, s.category), else_="")).label("category"),
            sa.func.sum(s.responses).label("turns"),
            sa.func.sum(s.input_tokens + s.output_tokens).label("tokens"),
            sa.func.sum(s.cost_usd).label("cost"),
            sa.func.sum(s.unpriced).label("unpriced"),
            sa.func.max(s.tier).label("tier"),
        )
        .select_from(spending.outerjoin(tasks, (t.thread_id == s.thread_id) & (t.turn_id == s.turn_id)))
        .where(s.day >= (since or ""))
        .group_by(s.root_thread_id, turn)
        .subquery()
    )


def task_rows(store: Store, since: str | None, most: int) -> tuple[list[TaskRow], int]:
    """Return the dearest tasks, sub-agents with their parents, and how many tasks there are."""
    h, whole = threads.c, whole_tasks(since)
    dearest = sa.select(whole).order_by(whole.c.cost.desc()).limit(most).subquery()
    w, root = dearest.c, tasks.alias("root")
    query = (
        sa.select(
            root.c.started, h.cwd, h.git_branch, root.c.category, root.c.model, root.c.effort, w.tier, w.turns,
            w.tokens, w.cost, w.unpriced, known_end(root), known_outcome(root),
        )
        .select_from(
            dearest.join(root, (root.c.thread_id == w.root_thread_id) & (root.c.turn_id == w.turn)).join(
                threads, h.thread_id == root.c.thread_id
            )
        )
        .order_by(w.cost.desc(), root.c.started)
    )  # fmt: skip
    with told(store.engine.url), store.engine.connect() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(whole)).scalar() or 0
        defaults = default_efforts()
        rows = [_task_row(row, defaults) for row in connection.execute(query)]
    return rows, count


def _task_row(row: Sequence[object], defaults: Mapping[str, str]) -> TaskRow:
    started, cwd, branch, category, model, effort, tier, turns, tokens, cost, unpriced, ended, outcome = row
    taken = effort or (f"{defaults[str(model)]} (default)" if model in defaults else "")
    known = None if unpriced else float(cost)  # type: ignore[arg-type]
    return TaskRow(
        str(started)[:10], str(cwd), str(branch or ""), str(category), str(model), str(taken), str(tier),
        int(turns), int(tokens), known, str(ended), str(outcome),  # type: ignore[call-overload]
    )  # fmt: skip
