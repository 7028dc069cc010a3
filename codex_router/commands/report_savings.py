"""What routing saved: routed tasks against two other ways in which they could have been run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from codex_router.commands.report_figures import Z90, plan_in_force, whole_tasks
from codex_router.evidence.engine import told
from codex_router.evidence.store_tables import attempts
from codex_router.records import Interval
from codex_router.show.report import Saved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from codex_router.evidence.store import Store
    from codex_router.records import Estimate

ALWAYS = (
    "the estimated mean cost of {arm} in each category, times the routed tasks of that category, minus what those "
    "tasks cost with all their attempts; the interval is that of the estimate; that it may solve more is not counted"
)
FORMER = (
    "the mean cost of your own tasks that were not routed, of all time and per category, times the routed tasks of "
    "that category, minus what those tasks cost with all their attempts; the interval is that of the mean; tasks may "
    "differ in size"
)
ENOUGH = 2
"""Tasks of a category that a mean with an interval takes at least."""


class Group(NamedTuple):
    """Tasks of one category whose cost is known."""

    tasks: int
    """An escalation is the same task as the attempt before it."""
    attempts: int
    cost_usd: float
    """Of all of them."""
    squared: float
    """Their squares, summed."""


def saved(store: Store, home: Path, estimates: Sequence[Estimate], since: str | None) -> list[Saved]:
    """Return what routed tasks cost less than two other ways to run them would have."""
    routed = _groups(store, since, routed=True)
    plan = plan_in_force(home)
    if not routed:
        return []
    found = []
    if plan is not None:
        dearest = max(plan.tiers, key=lambda tier: tier.task_value_usd)
        means = {one.category: one.cost_usd for one in estimates if one.arm == dearest.arm and one.n_model}
        found.append(_against_estimates(dearest.name, ALWAYS.format(arm=dearest.arm), routed, means))
    found.append(_against_former(routed, _groups(store, None, routed=False)))
    return [one for one in found if one.tasks]


def _against_estimates(name: str, method: str, routed: Mapping[str, Group], means: Mapping[str, Interval]) -> Saved:
    """Compare with an arm; its errors in several categories go together, so the bounds are added."""
    known = {category: group for category, group in routed.items() if category in means}
    spent = sum(group.cost_usd for group in known.values())
    sums = [sum(means[name][bound] * group.tasks for name, group in known.items()) - spent for bound in range(3)]
    return Saved(f"always {name}", Interval(*sums), sum(group.tasks for group in known.values()), method)


def _against_former(routed: Mapping[str, Group], former: Mapping[str, Group]) -> Saved:
    """Compare with the means of other tasks; their errors are independent, so the variances are added."""
    usd = variance = 0.0
    count = 0
    for category, group in routed.items():
        other = former.get(category)
        if other is None or other.attempts < ENOUGH:
            continue
        mean = other.cost_usd / other.attempts
        spread = max(0.0, other.squared - other.attempts * mean * mean) / (other.attempts - 1)
        usd += mean * group.tasks - group.cost_usd
        variance += group.tasks**2 * spread / other.attempts
        count += group.tasks
    half = Z90 * math.sqrt(variance)
    return Saved("your former default", Interval(usd, usd - half, usd + half), count, FORMER)


def _groups(store: Store, since: str | None, *, routed: bool) -> dict[str, Group]:
    """Return the tasks of each category, by whether `exec` routed them; those with an unknown price are left out."""
    a = attempts.c
    before = sa.func.lag(a.outcome).over(partition_by=a.task_id, order_by=a.id).label("before")
    runs = sa.select(a.session_id, before).where(a.source == "", a.session_id.is_not(None)).subquery().c
    again = sa.select(runs.session_id).where(runs.before == "no")
    whole = whole_tasks(since)
    w = whole.c
    query = (
        sa.select(
            w.category,
            sa.func.sum(sa.case((w.root_thread_id.in_(again), 0), else_=1)),
            sa.func.count(),
            sa.func.sum(w.cost),
            sa.func.sum(w.cost * w.cost),
        )
        .where(w.unpriced == 0, w.tier != "" if routed else w.tier == "")
        .group_by(w.category)
    )
    with told(store.engine.url), store.engine.connect() as connection:
        return {
            row[0]: Group(int(row[1]), int(row[2]), float(row[3]), float(row[4])) for row in connection.execute(query)
        }
