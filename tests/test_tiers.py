"""Tiers: the arm that a task of a given value deserves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from codex_router.decide.estimator import Draws, Estimator
from codex_router.decide.policy import Category, Policy, TierValue
from codex_router.decide.tiers import average_over_categories, choose_plan, plan_for
from codex_router.errors import RouterError
from codex_router.records import Arm, Attempt, Estimate, Interval

POLICY = Policy(
    tiers=(TierValue("bulk", 1.0), TierValue("standard", 5.0), TierValue("precision", 25.0)),
    categories=(Category("bugfix", 0.75, "standard"), Category("docs", 0.25, "bulk")),
)


def estimate(
    model: str,
    p: float,
    cost: float,
    *,
    category: str = "bugfix",
    guess: bool = False,
    n: int = 100,
    width: float = 0.01,
) -> Estimate:
    return Estimate(
        arm=Arm(model, "high"),
        category=category,
        harness="codex",
        p_pass=Interval(p, p - width, p + width),
        cost_usd=Interval(cost, cost * (1 - width), cost * (1 + width)),
        turns=Interval(30.0, 20.0, 45.0),
        n_published=0 if guess else n,
        n_local=0,
        n_effective=20.0,
        guess=guess,
        n_model=n,
    )


def test_each_tier_takes_the_arm_that_is_worth_most_at_its_task_value() -> None:
    arms = [estimate("small", 0.5, 0.05), estimate("middle", 0.7, 0.45), estimate("large", 0.8, 1.50)]

    plan = choose_plan(arms, POLICY)

    # Break-evens: small to middle $2.00, middle to large $10.50.
    assert [(tier.name, tier.arm.model) for tier in plan.tiers] == [
        ("precision", "large"),
        ("standard", "middle"),
        ("bulk", "small"),
    ]
    assert plan.routes == (("bugfix", "standard"), ("docs", "bulk"))


def test_a_model_without_any_figures_wins_nothing() -> None:
    plan = choose_plan([estimate("known", 0.5, 1.0), estimate("new", 0.99, 0.01, guess=True, n=0)], POLICY)

    assert {tier.arm.model for tier in plan.tiers} == {"known"}
    assert "models never measured, so not considered: new" in plan.notes


def test_with_no_figures_at_all_the_reason_is_told() -> None:
    with pytest.raises(RouterError, match="no figures for any of the models offered"):
        choose_plan([estimate("new", 0.9, 0.1, guess=True, n=0)], POLICY)


def test_averages_weigh_categories_by_their_natural_share() -> None:
    both = [estimate("a", 0.8, 1.0), estimate("a", 0.4, 3.0, category="docs", guess=True)]

    (average,) = average_over_categories(both, POLICY)

    assert average.p_pass.mean == pytest.approx(0.7)
    assert average.cost_usd.mean == pytest.approx(1.5)
    assert not average.guess


def test_categories_without_evidence_are_named() -> None:
    plan = choose_plan([estimate("a", 0.8, 1.0), estimate("a", 0.4, 3.0, category="docs", guess=True)], POLICY)

    assert "never measured with these models: docs; their tier follows from the task's value" in plan.notes


def test_no_clear_winner_is_said_exactly_when_the_interval_reaches_the_runner_up() -> None:
    close = choose_plan([estimate("a", 0.70, 0.5, width=0.1), estimate("b", 0.68, 0.5, width=0.1)], POLICY)
    apart = choose_plan([estimate("a", 0.90, 0.5), estimate("b", 0.40, 0.5)], POLICY)

    assert "standard: no clear winner between a high and b high" in close.notes
    assert not [note for note in apart.notes if "no clear winner" in note]


def draws_of(**arms: tuple[float, float, float]) -> dict[str, Draws]:
    """Plausible worlds of arms given as (mean, spread, cost), errors independent; the same in both categories."""
    rng = np.random.default_rng(0)
    p = np.array([mean + spread * rng.standard_normal(400) for mean, spread, _ in arms.values()]).T
    cost = np.tile([cost for *_, cost in arms.values()], (400, 1))
    names = tuple(Arm(name, "high") for name in arms)
    return {name: Draws(names, name, p, cost) for name in ("bugfix", "docs")}


def test_in_plausible_worlds_a_change_must_credibly_pay() -> None:
    arms = [estimate("old", 0.70, 0.5), estimate("new", 0.71, 0.5), estimate("great", 0.90, 0.5)]
    current = choose_plan([estimate("old", 0.70, 0.5)], POLICY)

    kept = choose_plan(arms[:2], POLICY, draws=draws_of(old=(0.70, 0.03, 0.5), new=(0.71, 0.03, 0.5)), current=current)
    changed = choose_plan(
        [arms[0], arms[2]], POLICY, draws=draws_of(old=(0.70, 0.03, 0.5), great=(0.90, 0.03, 0.5)), current=current
    )

    assert {tier.arm.model for tier in kept.tiers} == {"old"}
    assert {tier.arm.model for tier in changed.tiers} == {"great"}


def test_refits_on_resampled_tasks_leave_the_profiles_alone() -> None:
    """Six arms that differ little, 100 tasks, drawn again for every refit: few arms may change, though most could."""
    truth = {f"m{i}": (0.55 + 0.04 * i, 0.1 * 1.6**i) for i in range(6)}
    changed = free = total = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        hard, noise = rng.standard_normal(100), rng.standard_normal((100, 6, 2))

        def resampled(rng: np.random.Generator, hard: np.ndarray, noise: np.ndarray) -> Estimator:
            tasks = rng.integers(100, size=100)
            runs = [
                Attempt(f"{k} {model}", str(k), "bugfix", Arm(model, "high"), "codex",
                        "yes" if norm.ppf(p) > 0.8 * hard[task] + 0.6 * noise[task, arm, 0] else "no",
                        cost * float(np.exp(0.8 * noise[task, arm, 1] - 0.32)), 30, 1.0, "completed", "2026-10-01")
                for k, task in enumerate(tasks) for arm, (model, (p, cost)) in enumerate(truth.items())
            ]  # fmt: skip
            return Estimator().fit([], runs)

        arms = [Arm(model, "high") for model in truth]
        plan = plan_for(resampled(rng, hard, noise), arms, POLICY)
        for _ in range(3):
            estimator = resampled(rng, hard, noise)
            after, anew = plan_for(estimator, arms, POLICY, plan), plan_for(estimator, arms, POLICY)
            changed += sum(a.arm != b.arm for a, b in zip(plan.tiers, after.tiers, strict=True))
            free += sum(a.arm != b.arm for a, b in zip(plan.tiers, anew.tiers, strict=True))
            total += len(plan.tiers)
            plan = after
    assert changed <= 0.02 * total
    assert free >= 0.20 * total


def test_in_plausible_worlds_a_tie_is_told_by_its_probability() -> None:
    arms = [estimate("a", 0.70, 0.5), estimate("b", 0.69, 0.5)]

    close = choose_plan(arms, POLICY, draws=draws_of(a=(0.70, 0.05, 0.5), b=(0.69, 0.05, 0.5)))
    apart = choose_plan(arms, POLICY, draws=draws_of(a=(0.70, 0.001, 0.5), b=(0.69, 0.001, 0.5)))

    assert "bulk: no clear winner between a high and b high" in close.notes
    assert not [note for note in apart.notes if "no clear winner" in note]


def test_a_category_moves_to_another_tier_only_on_evidence_of_its_own() -> None:
    arms = [
        estimate("small", 0.5, 0.05),
        estimate("large", 0.9, 0.50),
        estimate("small", 0.7, 0.05, category="docs"),
        estimate("large", 0.7, 0.50, category="docs"),
    ]
    draws = draws_of(small=(0.5, 0.01, 0.05), large=(0.9, 0.01, 0.50))
    draws["docs"] = draws_of(small=(0.7, 0.01, 0.05), large=(0.7, 0.01, 0.50))["docs"]
    policy = Policy(
        tiers=(TierValue("bulk", 0.1), TierValue("precision", 25.0)),
        categories=(Category("bugfix", 0.75, "precision"), Category("docs", 0.25, "precision")),
    )

    told = choose_plan(arms, policy, draws=draws)
    untold = choose_plan([one._replace(guess=one.category == "docs") for one in arms], policy, draws=draws)

    assert told.routes == (("bugfix", "precision"), ("docs", "bulk"))
    assert "docs: goes to bulk, since small high serves it better than large high" in told.notes
    assert untold.routes == (("bugfix", "precision"), ("docs", "precision"))


def test_break_even_values_are_told_in_plain_words() -> None:
    plan = choose_plan([estimate("small", 0.5, 0.05), estimate("large", 0.75, 1.05)], POLICY)

    words = "large high pays only if a solved task is worth more than $4.00 to you (below that small high)"
    assert words in plan.notes


def test_a_measured_category_that_takes_much_longer_has_its_own_budget() -> None:
    rows = [estimate("a", 0.8, 1.0), estimate("a", 0.6, 4.0, category="docs")._replace(turns=Interval(90, 80, 100))]
    plan = choose_plan(rows, POLICY)

    own = dict(plan.budgets)
    tier = plan.tier(plan.tier_for("docs") or "")
    assert tier is not None
    assert plan.budget_for("docs", tier) == own["docs"]
    assert (own["docs"].max_turns or 0) > 1.25 * (tier.budget.max_turns or 0)
    guessed = choose_plan([rows[0], rows[1]._replace(guess=True)], POLICY)
    assert "docs" not in dict(guessed.budgets)


def test_a_tier_knows_what_it_solves_of_what_cheaper_ones_failed_at() -> None:
    arms = [Arm("small", "low"), Arm("large", "high")]
    rates = {"small": (0.5, 0.05), "large": (0.9, 0.6)}
    runs = [
        Attempt(f"{model}{i}", f"{model}{i}", "bugfix", Arm(model, arms[model == "large"].effort), "codex",
                "yes" if i < 100 * p else "no", cost, 30, 1.0, "completed", "2026-10-01")
        for model, (p, cost) in rates.items() for i in range(100)
    ]  # fmt: skip

    plan = plan_for(Estimator().fit([], runs), arms, POLICY)

    bulk = next(tier for tier in plan.tiers if tier.name == "bulk")
    ((name, share),) = plan.tiers[0].solves_after
    assert (plan.tiers[0].arm.model, bulk.arm.model, name) == ("large", "small", "bulk")
    assert 0.3 < share < 0.85
    assert bulk.solves_after == ()
