"""What to do after a rejected attempt: the one place that decides it.

The plan brings what the decision model foretells (`decide.rescue`): how often a tier solves what a cheaper one failed
at. What is left to do needs no numpy: the dearer tier of the highest s (V + H) P(solved | failed) - c - v, if that is
above 0, with V the value of the task, and from the policy H the cost of handing it over, s the check's sensitivity and
v its cost (Dekoninck et al., "A Unified Approach to Routing and Cascading for LLMs", ICML 2025: re-decide after every
answer).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_router.decide.policy import Policy
    from codex_router.records import Plan, Tier

COST_FACTOR = 6
"""How many times the expected cost a cost budget is; that of `decide.budgets`, which needs numpy and this must not."""


def next_step(plan: Plan, tried: Sequence[Tier], policy: Policy) -> Tier | None:
    """Return the tier to try next, None to stop.

    It is, among the tiers of higher task value whose arm was not tried yet, the one that gains most on average: the
    task's value (that of the tier it was routed to) times the chance that it is solved now, less the expected cost.
    None gains: stop. Where a plan made by hand tells no chance, or no cost, the tier is taken to be worth it.

    Args:
        plan: the tiers.
        tried: the tiers tried in vain, in order; the first is the one that the task was routed to.
        policy: what an unsolved task and a check cost.
    """
    nearest = _best_higher(plan, tried, policy)
    return nearest if nearest is not None and expected_gain_usd(nearest, tried, policy) > 0 else None


def why_not(plan: Plan, tried: Sequence[Tier], policy: Policy) -> str | None:
    """Say why `next_step` stops though there is a dearer tier; None where there is none."""
    tier = _best_higher(plan, tried, policy)
    if tier is None:
        return None
    return (
        f"{tier.name} would solve {_chance(tier, tried):.0%} of what {tried[-1].name} fails at, "
        f"for ${expected_cost_usd(tier) or 0.0:.2g} of a task worth ${tried[0].task_value_usd:.2g}"
    )


def _best_higher(plan: Plan, tried: Sequence[Tier], policy: Policy) -> Tier | None:
    arms = {(tier.arm, tier.model_provider) for tier in tried}
    higher = [
        tier
        for tier in sorted(plan.tiers, key=lambda one: one.task_value_usd)
        if tier.task_value_usd > tried[-1].task_value_usd and (tier.arm, tier.model_provider) not in arms
    ]
    return max(higher, key=lambda tier: expected_gain_usd(tier, tried, policy), default=None)


def expected_gain_usd(tier: Tier, tried: Sequence[Tier], policy: Policy) -> float:
    """Return s (V + H) P(solved | all of `tried` failed) - c - v, USD; of several failures the most telling counts."""
    at_stake = tried[0].task_value_usd + policy.hand_over_usd
    accepted = policy.check.sensitivity * _chance(tier, tried)
    return at_stake * accepted - (expected_cost_usd(tier) or 0.0) - policy.check.cost_usd


def _chance(tier: Tier, tried: Sequence[Tier]) -> float:
    after = dict(tier.solves_after)
    return min((after.get(one.name, 1.0) for one in tried), default=1.0)


def expected_cost_usd(tier: Tier) -> float | None:
    """Return the expected cost of one attempt, from the prediction or else from the budget made of one."""
    if tier.expected_cost_usd is not None:
        return tier.expected_cost_usd
    cap = tier.budget.max_cost_usd
    return None if cap is None else cap / COST_FACTOR


def best(failing: Sequence[int]) -> int:
    """Return the place of the best of several rejected attempts: the fewest failing checks, then the last."""
    return min(range(len(failing)), key=lambda place: (failing[place], -place))
