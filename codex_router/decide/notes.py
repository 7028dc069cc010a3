"""What a plan says of itself in plain words: ties, break-even values, what was never measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_router.decide.hull import break_evens, upper_hull

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_router.decide.policy import Policy, TierValue
    from codex_router.decide.tiers import Contest
    from codex_router.records import Estimate

LOWEST_VALUE, HIGHEST_VALUE = 0.5, 300.0
"""Task values, USD, that a break-even is worth telling for."""


def rests_on(estimate: Estimate) -> str:
    """Say in one line how much an estimate rests on."""
    parts = [f"{estimate.n_published:,} published attempts", f"{estimate.n_local:,} of your own"]
    if estimate.guess:
        parts.append("inferred from its relatives (a guess)")
    return ", ".join(parts)


def on_ties(contests: Sequence[tuple[TierValue, Contest]]) -> list[str]:
    """Name the tiers where another arm may well be as good."""
    return [
        f"{tier.name}: no clear winner between {contest.winner.arm} and {contest.runner_up.arm}"
        for tier, contest in contests
        if contest.runner_up is not None and not contest.clear
    ]


def on_break_evens(measured: Sequence[Estimate]) -> list[str]:
    """Say at which task values the best arm changes, for the neighbours among the arms worth having."""
    costs, passes = [one.cost_usd.mean for one in measured], [one.p_pass.mean for one in measured]
    hull = upper_hull(costs, passes)
    return [
        f"{measured[dearer].arm} pays only if a solved task is worth more than ${value:,.2f} to you "
        f"(below that {measured[cheaper].arm})"
        for cheaper, dearer, value in zip(hull, hull[1:], break_evens(costs, passes, hull), strict=False)
        if LOWEST_VALUE <= value <= HIGHEST_VALUE
    ]


def on_evidence(estimates: Sequence[Estimate], averages: Sequence[Estimate], policy: Policy) -> list[str]:
    """Name the categories and models that nothing is known of."""
    seen = {one.category for one in estimates if not one.guess}
    asked = {one.category for one in estimates}
    bare = [category.name for category in policy.categories if category.name in asked - seen]
    notes = []
    if bare:
        notes.append(f"never measured with these models: {', '.join(bare)}; their tier follows from the task's value")
    unmeasured = sorted({one.arm.model for one in averages if not one.n_model})
    if unmeasured:
        notes.append(f"models never measured, so not considered: {', '.join(unmeasured)}")
    return notes
