"""What to do after a rejected attempt: the one place that decides it.

A simple rule for now. The decision model's sequence (which arms in which order, given how strongly failures go
together) takes the place of `next_step` with the same arguments: the plan, and what was tried in vain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_router.records import Plan, Tier

COST_FACTOR = 6
"""How many times the expected cost a cost budget is; that of `decide.budgets`, which needs numpy and this must not."""
MAX_ATTEMPTS = 2
"""Arms tried in turn on one task, where nothing else is said."""


def next_step(plan: Plan, tried: Sequence[Tier]) -> Tier | None:
    """Return the tier to try next, None to stop.

    It is the next tier of higher task value whose arm was not tried yet (after a failure the same arm succeeds far
    less often than another) and whose expected cost is below what the task is worth, that is, below the task value of
    the tier it was routed to.

    Args:
        plan: the tiers.
        tried: the tiers tried in vain, in order; the first is the one that the task was routed to.
    """
    arms = {(tier.arm, tier.model_provider) for tier in tried}
    for tier in sorted(plan.tiers, key=lambda one: one.task_value_usd):
        is_higher = tier.task_value_usd > tried[-1].task_value_usd
        if is_higher and (tier.arm, tier.model_provider) not in arms and _is_worth_it(tier, tried[0].task_value_usd):
            return tier
    return None


def expected_cost_usd(tier: Tier) -> float | None:
    """Return the expected cost of one attempt, from the prediction or else from the budget made of one."""
    if tier.expected_cost_usd is not None:
        return tier.expected_cost_usd
    cap = tier.budget.max_cost_usd
    return None if cap is None else cap / COST_FACTOR


def _is_worth_it(tier: Tier, task_value_usd: float) -> bool:
    cost = expected_cost_usd(tier)
    return cost is None or cost < task_value_usd


def best(failing: Sequence[int]) -> int:
    """Return the place of the best of several rejected attempts: the fewest failing checks, then the last."""
    return min(range(len(failing)), key=lambda place: (failing[place], -place))
