"""Tiers: which arm a task of a given value deserves, and which kinds of task go to which tier."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from codex_router.decide import notes
from codex_router.decide.budgets import budget_for
from codex_router.decide.per_category import BELIEF, GAIN, utility
from codex_router.decide.rescue import Rescue, rescue_for
from codex_router.errors import RouterError
from codex_router.records import Budget, Estimate, Interval, Plan, Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from codex_router.decide.budgets import TurnsShape
    from codex_router.decide.estimator import Draws, Estimator
    from codex_router.decide.policy import Policy, TierValue
    from codex_router.records import Arm

    Array = NDArray[np.float64]

ALL = "all"
"""The category of estimates that are averages over the taxonomy."""
CHANGE_BELIEF = 0.99
"""Probability that a change of an arm in force must pay with. Two resamples of the same data differ by more than the
posterior of one is wide: of refits on 100 tasks or 200 attempts, 0.95 changes 5 % of the arms, 0.99 changes 1 %."""
OWN_BUDGET = 0.25
"""How far a category's budget must be from its tier's to be worth a line."""


class Contest(NamedTuple):
    """The best two arms at one task value."""

    winner: Estimate
    runner_up: Estimate | None
    clear: bool


class _Worlds(NamedTuple):
    """Plausible worlds: joint draws per category, and their average over the taxonomy."""

    by_category: dict[str, Draws]
    shares: dict[str, float]

    def worth(self, policy: Policy, value_usd: float, category: str = ALL) -> dict[Arm, Array]:
        """Return, per arm, the worth of one unchecked attempt in every world, USD."""
        draws = next(iter(self.by_category.values()))
        if category == ALL:
            table = sum(
                share * utility(self.by_category[name], value_usd, policy.wrong_accepted_usd)
                for name, share in self.shares.items()
            )
        else:
            table = utility(self.by_category[category], value_usd, policy.wrong_accepted_usd)
        return dict(zip(draws.arms, np.asarray(table).T, strict=True))


def plan_for(
    estimator: Estimator, arms: Sequence[Arm], policy: Policy, current: Plan | None = None, seed: int = 0
) -> Plan:
    """Estimate, draw plausible worlds and choose: what `init` proposes.

    Args:
        estimator: fitted.
        arms: candidates.
        policy: stakes and taxonomy.
        current: the plan in force; its arms stay unless a change credibly pays.
        seed: of the draws.

    Raises:
        RouterError: no arm was ever measured.
    """
    names = [category.name for category in policy.categories]
    estimates = estimator.estimate(arms, names)
    measured = list(dict.fromkeys(one.arm for one in estimates if one.n_model))
    draws = {name: estimator.draws(measured, name, seed=seed) for name in names} if measured else None
    rescue = rescue_for(estimator, draws, _worlds(draws, policy).shares, policy.check) if draws else None
    return choose_plan(estimates, policy, draws=draws, current=current, shape=estimator.turns_shape_, rescue=rescue)


def choose_plan(
    estimates: Sequence[Estimate],
    policy: Policy,
    *,
    draws: Mapping[str, Draws] | None = None,
    current: Plan | None = None,
    shape: TurnsShape | None = None,
    rescue: Rescue | None = None,
) -> Plan:
    """Choose an arm per tier by task value, on averages over the categories weighted by their natural share.

    Args:
        estimates: of every arm in every category.
        policy: stakes and taxonomy.
        draws: joint draws per category; with them ties, changes and routes are judged by probabilities, without them
            by intervals, and categories keep their default tiers.
        current: the plan in force; its arms stay unless a change credibly pays.
        shape: how turns spread; the default shape without it.
        rescue: how often one arm solves what another failed at; without it budgets and tiers know of no escalation.

    Raises:
        RouterError: no arm was ever measured.
    """
    averages = average_over_categories(estimates, policy)
    measured = [one for one in averages if one.n_model]
    if not measured:
        raise RouterError(
            "no figures for any of the models offered", hint="ingest a table, or name measured models with `--models`"
        )
    worlds = _worlds(draws, policy) if draws else None
    contests = [(tier, _contest(measured, policy, tier, worlds, current)) for tier in policy.tiers]
    tiers = _tiers([(tier, contest.winner) for tier, contest in reversed(contests)], shape, rescue)
    routes, moved = _routes(tiers, policy, estimates, worlds)
    return Plan(
        tiers=tiers,
        routes=routes,
        budgets=_own_budgets(tiers, routes, estimates, shape),
        notes=(
            *notes.on_ties(contests),
            *moved,
            *notes.on_break_evens(measured),
            *notes.on_evidence(estimates, averages, policy),
        ),
    )


def _worlds(draws: Mapping[str, Draws], policy: Policy) -> _Worlds:
    shares = {category.name: category.share for category in policy.categories if category.name in draws}
    total = sum(shares.values()) or 1.0
    return _Worlds(dict(draws), {name: share / total for name, share in shares.items()})


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


def _contest(
    arms: Sequence[Estimate], policy: Policy, tier: TierValue, worlds: _Worlds | None, current: Plan | None
) -> Contest:
    if worlds is None:
        return _contest_by_intervals(arms, policy, tier)
    value = worlds.worth(policy, tier.task_value_usd)
    ranked = sorted(arms, key=lambda one: (-float(value[one.arm].mean()), str(one.arm)))
    held = current.tier(tier.name) if current else None
    winner = next((one for one in ranked if held and one.arm == held.arm), ranked[0])
    if winner is not ranked[0] and _pays(value[ranked[0].arm], value[winner.arm], CHANGE_BELIEF):
        winner = ranked[0]
    rivals = [one for one in ranked if one is not winner]
    if not rivals:
        return Contest(winner, None, clear=True)
    chances = [float((value[one.arm] >= value[winner.arm]).mean()) for one in rivals]
    closest = int(np.argmax(chances))
    return Contest(winner, rivals[closest], clear=chances[closest] <= 1 - BELIEF)


def _pays(new: Array, old: Array, belief: float = BELIEF) -> bool:
    """Tell whether a change credibly gains: probably something, and on average more than a trifle."""
    return bool((new > old).mean() > belief and (new - old).mean() > GAIN * abs(old.mean()))


def _contest_by_intervals(arms: Sequence[Estimate], policy: Policy, tier: TierValue) -> Contest:
    ranked = sorted(arms, key=lambda one: (-worth(one, policy, tier.task_value_usd), str(one.arm)))
    winner, runner_up = ranked[0], ranked[1] if len(ranked) > 1 else None
    if runner_up is None:
        return Contest(winner, None, clear=True)
    stake = tier.task_value_usd + policy.wrong_accepted_usd
    lowest = stake * winner.p_pass.low - winner.cost_usd.high - policy.wrong_accepted_usd
    return Contest(winner, runner_up, clear=lowest > worth(runner_up, policy, tier.task_value_usd))


def _routes(
    tiers: Sequence[Tier], policy: Policy, estimates: Sequence[Estimate], worlds: _Worlds | None
) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """Send each category to its default tier, or to the tier whose arm credibly serves it better.

    Only evidence of the category's own can move it: a value judgement is not overruled by an extrapolation.
    """
    told = {one.category for one in estimates if not one.guess}
    routes, moved = [], []
    for category in policy.categories:
        name = category.tier
        if worlds and category.name in told and category.name in worlds.by_category:
            value = worlds.worth(policy, policy.task_value(name), category.name)
            held = next(tier for tier in tiers if tier.name == name)
            best = max(tiers, key=lambda tier: float(value[tier.arm].mean()))
            if best.arm != held.arm and _pays(value[best.arm], value[held.arm]):
                moved.append(f"{category.name}: goes to {best.name}, since {best.arm} serves it better than {held.arm}")
                name = best.name
        routes.append((category.name, name))
    return tuple(routes), moved


def _own_budgets(
    tiers: Sequence[Tier], routes: Sequence[tuple[str, str]], estimates: Sequence[Estimate], shape: TurnsShape | None
) -> tuple[tuple[str, Budget], ...]:
    """Return the budgets of categories that were measured and need much more or less than their tier gives."""
    told = {one.category for one in estimates if not one.guess}
    by_name = {tier.name: tier for tier in tiers}
    by_cell = {(one.arm, one.category): one for one in estimates}
    found = []
    for category, name in routes:
        tier, estimate = by_name[name], by_cell.get((by_name[name].arm, category))
        if category in told and estimate is not None:
            own = budget_for(estimate, value_usd=tier.task_value_usd, shape=shape)
            if _apart(own.max_turns, tier.budget.max_turns) or _apart(own.max_cost_usd, tier.budget.max_cost_usd):
                found.append((category, own))
    return tuple(found)


def _apart(own: float | None, common: float | None) -> bool:
    return own is not None and common is not None and abs(own - common) > OWN_BUDGET * common


def _tiers(
    choices: Sequence[tuple[TierValue, Estimate]], shape: TurnsShape | None, rescue: Rescue | None
) -> tuple[Tier, ...]:
    """Make tiers of the arms chosen, dearest tasks first; each knows what it solves of what cheaper ones fail at."""
    tiers: list[Tier] = []
    for place, (tier, estimate) in enumerate(choices):
        after = (
            tuple(
                (lower.name, rescue.chance(one.arm, estimate.arm))
                for lower, one in choices[place + 1 :]
                if one.arm != estimate.arm
            )
            if rescue
            else ()
        )
        # Cheaper tiers come later, so those that this one could escalate to are there already.
        tiers.append(
            Tier(
                name=tier.name,
                task_value_usd=tier.task_value_usd,
                arm=estimate.arm,
                budget=budget_for(
                    estimate,
                    value_usd=tier.task_value_usd,
                    otherwise_usd=_worth_of_escalating(tier, tiers),
                    shape=shape,
                ),
                estimate=estimate,
                rests_on=notes.rests_on(estimate),
                solves_after=after,
            )
        )
    return tuple(tiers)


def _worth_of_escalating(tier: TierValue, higher: Sequence[Tier]) -> float:
    """Return what the best dearer tier is worth when `tier` has failed: V P(solved | failed) - c, USD."""
    return max(
        (
            tier.task_value_usd * chance - one.estimate.cost_usd.mean
            for one in higher
            for name, chance in one.solves_after
            if name == tier.name and one.estimate
        ),
        default=0.0,
    )
