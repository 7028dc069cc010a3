"""Tiers: the arm that a task of a given value deserves."""

from __future__ import annotations

import pytest

from codex_router.decide.budgets import budget_for
from codex_router.decide.policy import Category, Policy, TierValue
from codex_router.decide.tiers import average_over_categories, choose_plan
from codex_router.errors import RouterError
from codex_router.records import Arm, Budget, Estimate, Interval

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
    assert "never measured, so not considered: new" in plan.notes


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

    assert "no evidence of their own for docs: chosen by task value, not by results" in plan.notes


def test_no_clear_winner_is_said_exactly_when_the_interval_reaches_the_runner_up() -> None:
    close = choose_plan([estimate("a", 0.70, 0.5, width=0.1), estimate("b", 0.68, 0.5, width=0.1)], POLICY)
    apart = choose_plan([estimate("a", 0.90, 0.5), estimate("b", 0.40, 0.5)], POLICY)

    assert "standard: no clear winner between a high and b high" in close.notes
    assert not [note for note in apart.notes if "no clear winner" in note]


def test_budget_without_own_runs_is_five_times_the_turns_and_six_times_the_cost() -> None:
    assert budget_for(estimate("a", 0.7, 0.401)) == Budget(max_turns=150, max_cost_usd=2.5)
