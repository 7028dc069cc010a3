"""Tiers: which arm a task of a given value deserves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from codex_router.decide.budgets import budget_for
from codex_router.errors import RouterError
from codex_router.records import Estimate, Interval, Plan, Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_router.decide.policy import Policy, TierValue
    from codex_router.records import Arm

ALL = "all"
"""The category of estimates that are averages over the taxonomy."""


class _Contest(NamedTuple):
    """The best two arms at one task value."""

    winner: Estimate
    runner_up: Estimate | None
    clear: bool


def choose_plan(estimates: Sequence[Estimate], policy: Policy) -> Plan:
    """Choose an arm per tier by task value, on averages over the categories weighted by their natural share.

    Raises:
        RouterError: no arm was ever measured.
    """
    averages = average_over_categories(estimates, policy)
    measured = [one for one in averages if one.n_model]
    if not measured:
        raise RouterError(
            "no figures for any of the models offered", hint="ingest a table, or name measured models with `--models`"
        )
    contests = [(tier, _contest(measured, policy, tier)) for tier in policy.tiers]
    return Plan(
        tiers=tuple(_tier(tier, contest.winner) for tier, contest in reversed(contests)),
        routes=tuple((category.name, category.tier) for category in policy.categories),
        notes=(*_notes_on_ties(contests), *_notes_on_evidence(estimates, averages, policy)),
    )


def average_over_categories(estimates: Sequence[Estimate], policy: Policy) -> list[Estimate]:
    """Return one estimate per arm: the mean over the categories by share; counts are sums."""
    share = {category.name: category.share for category in policy.categories}
    by_arm: dict[Arm, list[Estimate]] = {}
    for one in estimates:
        by_arm.setdefault(one.arm, []).append(one)
    return [_average(group, [share.get(one.category, 0.0) for one in group]) for group in by_arm.values()]


def _average(group: list[Estimate], shares: list[float]) -> Estimate:
    weights = [one / sum(shares) for one in shares] if sum(shares) else [1 / len(group)] * len(group)

    def mean(intervals: Sequence[Interval]) -> Interval:
        # Bounds are averaged like means, as if all categories erred together: an honest upper limit of the width.
        return Interval(
            *(sum(w * x for w, x in zip(weights, side, strict=True)) for side in zip(*intervals, strict=True))
        )

    return Estimate(
        arm=group[0].arm,
        category=ALL,
        harness=group[0].harness,
        p_pass=mean([one.p_pass for one in group]),
        cost_usd=mean([one.cost_usd for one in group]),
        turns=mean([one.turns for one in group]),
        n_published=sum(one.n_published for one in group),
        n_local=sum(one.n_local for one in group),
        n_effective=sum(w * one.n_effective for w, one in zip(weights, group, strict=True)),
        guess=all(one.guess for one in group),
        n_model=group[0].n_model,
    )


def worth(estimate: Estimate, policy: Policy, value_usd: float) -> float:
    """Return the expected worth of one attempt without a check: V p - L (1 - p) - c, USD."""
    p = estimate.p_pass.mean
    return value_usd * p - policy.wrong_accepted_usd * (1 - p) - estimate.cost_usd.mean


def _contest(arms: Sequence[Estimate], policy: Policy, tier: TierValue) -> _Contest:
    ranked = sorted(arms, key=lambda one: (-worth(one, policy, tier.task_value_usd), one.arm.model, str(one.arm)))
    winner, runner_up = ranked[0], ranked[1] if len(ranked) > 1 else None
    if runner_up is None:
        return _Contest(winner, None, clear=True)
    stake = tier.task_value_usd + policy.wrong_accepted_usd
    lowest = stake * winner.p_pass.low - winner.cost_usd.high - policy.wrong_accepted_usd
    return _Contest(winner, runner_up, clear=lowest > worth(runner_up, policy, tier.task_value_usd))


def _tier(tier: TierValue, estimate: Estimate) -> Tier:
    return Tier(
        name=tier.name,
        task_value_usd=tier.task_value_usd,
        arm=estimate.arm,
        budget=budget_for(estimate),
        estimate=estimate,
        rests_on=rests_on(estimate),
    )


def rests_on(estimate: Estimate) -> str:
    """Say in one line how much an estimate rests on."""
    parts = [f"{estimate.n_published:,} published attempts", f"{estimate.n_local:,} of your own"]
    if estimate.guess:
        parts.append("inferred from its relatives (a guess)")
    return ", ".join(parts)


def _notes_on_ties(contests: Sequence[tuple[TierValue, _Contest]]) -> list[str]:
    return [
        f"{tier.name}: no clear winner between {contest.winner.arm} and {contest.runner_up.arm}"
        for tier, contest in contests
        if contest.runner_up is not None and not contest.clear
    ]


def _notes_on_evidence(estimates: Sequence[Estimate], averages: Sequence[Estimate], policy: Policy) -> list[str]:
    seen = {one.category for one in estimates if not one.guess}
    asked = {one.category for one in estimates}
    bare = [category.name for category in policy.categories if category.name in asked - seen]
    notes = []
    if bare:
        notes.append(f"no evidence of their own for {', '.join(bare)}: chosen by task value, not by results")
    unmeasured = sorted({one.arm.model for one in averages if not one.n_model})
    if unmeasured:
        notes.append(f"never measured, so not considered: {', '.join(unmeasured)}")
    return notes
