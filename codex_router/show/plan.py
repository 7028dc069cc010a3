"""The plan as people see it: one line per tier, then what they should know."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from codex_router.show.table import money, money_interval, percent, table

if TYPE_CHECKING:
    from rich.table import Table

    from codex_router.records import Budget, Interval, Plan, Tier

COLUMNS = (
    "tier",
    "model",
    "effort",
    ">solved per attempt",
    ">cost per attempt",
    ">cost per solved, at least",
    ">budget",
)
WIDE = 124
"""Columns from which a tier fits on one line; in a narrower terminal its intervals go below their means."""


def plan_table(plan: Plan, width: int = WIDE) -> Table:
    """Return the table of tiers for so many columns; intervals are 90 %."""
    cells = [COLUMNS, *(_row(tier) for tier in plan.tiers)]
    if width < WIDE:
        cells = [[_stacked(cell) for cell in row] for row in cells]
    return table(cells[0], cells[1:], title="Tiers (90 % intervals)")


def _row(tier: Tier) -> list[str]:
    estimate = tier.estimate
    figures = (
        [percent(estimate.p_pass), money_interval(estimate.cost_usd), money(estimate.cost_per_solved_usd)]
        if estimate
        else ["?", "?", "?"]
    )
    return [tier.name, tier.arm.model, tier.arm.effort or "-", *figures, budget_words(tier.budget)]


def _stacked(cell: str) -> str:
    """Break a heading into short lines, and a value before its interval or after its comma."""
    if cell.startswith(">"):
        return "\n".join(textwrap.wrap(cell, len(">cost per")))
    return cell.replace(" (", "\n(").replace(", ", ",\n")


def rests_on_line(plan: Plan) -> str:
    """Return what the choice of each tier rests on, as one line."""
    return "; ".join(f"{tier.name}: {tier.rests_on}" for tier in plan.tiers if tier.rests_on)


def budget_words(budget: Budget) -> str:
    """Return a budget as ``90 turns, $1.10``."""
    words = [
        f"{budget.max_turns} turns" if budget.max_turns else "",
        f"${budget.max_cost_usd:,.2f}" if budget.max_cost_usd else "",
    ]
    return ", ".join(word for word in words if word) or "none"


def routes_line(plan: Plan) -> str:
    """Return which categories go to which tier, as one line."""
    return "; ".join(
        f"{tier.name}: {', '.join(category for category, name in plan.routes if name == tier.name) or '-'}"
        for tier in plan.tiers
    )


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as a document; amounts in USD, shares 0 to 1."""
    return {
        "tiers": [_tier_json(tier) for tier in plan.tiers],
        "routes": dict(plan.routes),
        "notes": list(plan.notes),
    }


def _tier_json(tier: Tier) -> dict[str, Any]:
    estimate = tier.estimate
    return {
        "name": tier.name,
        "model": tier.arm.model,
        "effort": tier.arm.effort,
        "model_provider": tier.model_provider,
        "task_value_usd": tier.task_value_usd,
        "max_turns": tier.budget.max_turns,
        "max_cost_usd": tier.budget.max_cost_usd,
        "p_pass": estimate and _interval(estimate.p_pass),
        "cost_usd": estimate and _interval(estimate.cost_usd),
        "cost_per_solved_lower_bound_usd": estimate and estimate.cost_per_solved_usd,
        "n_published": estimate and estimate.n_published,
        "n_local": estimate and estimate.n_local,
        "guess": estimate and estimate.guess,
        "rests_on": tier.rests_on,
    }


def _interval(interval: Interval) -> dict[str, Any]:
    return {"mean": interval.mean, "ci90": [interval.low, interval.high]}
