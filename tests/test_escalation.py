"""Which tier comes next, and which attempt was the best."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_router.decide import budgets, escalation
from codex_router.decide.escalation import best, expected_cost_usd, expected_gain_usd, next_step, why_not
from codex_router.decide.policy import Category, Check, Policy, TierValue
from codex_router.records import Arm, Budget, Plan, Tier

BULK = Tier("bulk", 1.0, Arm("luna", "low"), Budget(max_cost_usd=0.6), expected_cost_usd=0.1)
STANDARD = Tier("standard", 5.0, Arm("luna", "high"), Budget(max_cost_usd=1.2), expected_cost_usd=0.2)
PRECISION = Tier("precision", 25.0, Arm("astra", "high"), Budget(max_cost_usd=14.0), expected_cost_usd=2.2)
POLICY = Policy(
    tiers=(TierValue("standard", 5.0),),
    categories=(Category("docs", 1.0, "standard"),),
    check=Check(cost_usd=0.0, sensitivity=1.0, false_accept=0.0),
)
PLAN = Plan((PRECISION, BULK, STANDARD), ())


def test_the_next_tier_of_higher_task_value_whose_cost_the_task_is_worth() -> None:
    assert next_step(PLAN, [BULK], POLICY) == STANDARD
    assert next_step(PLAN, [STANDARD], POLICY) == PRECISION
    assert next_step(PLAN, [PRECISION], POLICY) is None
    assert next_step(PLAN, [BULK, STANDARD], POLICY) is None, "$2.20 for a task worth $1"
    assert next_step(PLAN, [STANDARD, PRECISION], POLICY) is None


def test_how_often_the_next_tier_solves_what_failed_counts() -> None:
    often = PRECISION._replace(solves_after=(("standard", 0.5), ("bulk", 0.7)))
    seldom = PRECISION._replace(solves_after=(("standard", 0.4),))
    assert next_step(Plan((often, STANDARD), ()), [STANDARD], POLICY) == often, "half of $5 for $2.20"
    assert next_step(Plan((seldom, STANDARD), ()), [STANDARD], POLICY) is None, "two fifths of $5 for $2.20"
    assert why_not(Plan((seldom, STANDARD), ()), [STANDARD], POLICY) == (
        "precision would solve 40% of what standard fails at, for $2.2 of a task worth $5"
    )
    assert why_not(PLAN, [PRECISION], POLICY) is None


def test_of_two_dearer_tiers_the_one_that_gains_more_comes_next() -> None:
    useless = STANDARD._replace(solves_after=(("bulk", 0.1),))
    dear = BULK._replace(task_value_usd=4.0)
    good = PRECISION._replace(solves_after=(("bulk", 0.8),))
    assert next_step(Plan((good, useless, dear), ()), [dear], POLICY) == good


def test_what_an_unsolved_task_and_a_check_cost_counts_too() -> None:
    sometimes = PRECISION._replace(solves_after=(("standard", 0.4),))
    plan, tried = Plan((sometimes, STANDARD), ()), [STANDARD]
    handed = replace(POLICY, hand_over_usd=2.0)
    assert next_step(plan, tried, POLICY) is None, "two fifths of $5 for $2.20"
    assert next_step(plan, tried, handed) == sometimes, "two fifths of $7 for $2.20"
    assert next_step(plan, tried, replace(handed, check=Check(1.0, 1.0, 0.0))) is None, "and $1 for the check"
    assert next_step(plan, tried, replace(handed, check=Check(0.0, 0.7, 0.0))) is None, "of which 70 % are accepted"


def test_after_two_failures_the_most_telling_one_counts() -> None:
    top = PRECISION._replace(solves_after=(("bulk", 0.9), ("standard", 0.1)))
    valued = BULK._replace(task_value_usd=4.0)
    assert expected_gain_usd(top, [valued, STANDARD], POLICY) == pytest.approx(4.0 * 0.1 - 2.2)


def test_a_tier_with_an_arm_that_failed_is_skipped() -> None:
    same = STANDARD._replace(arm=BULK.arm)
    dear = BULK._replace(task_value_usd=3.0)
    assert next_step(Plan((dear, same, PRECISION), ()), [dear], POLICY) == PRECISION
    elsewhere = same._replace(model_provider="azure")
    assert next_step(Plan((dear, elsewhere), ()), [dear], POLICY) == elsewhere


def test_the_factor_is_the_one_of_the_budgets() -> None:
    assert escalation.COST_FACTOR == budgets.COST_FACTOR


def test_the_cost_is_the_predicted_one_else_a_sixth_of_the_cap_else_unknown() -> None:
    assert expected_cost_usd(PRECISION) == 2.2
    by_hand = PRECISION._replace(expected_cost_usd=None)
    assert expected_cost_usd(by_hand) == 14.0 / 6
    unknown = by_hand._replace(budget=Budget())
    assert expected_cost_usd(unknown) is None
    assert next_step(Plan((BULK, unknown), ()), [BULK], POLICY) == unknown


def test_the_best_is_the_last_of_those_with_the_fewest_failing_checks() -> None:
    assert best([2, 1, 1, 3]) == 2
    assert best([0, 1]) == 0


@given(st.lists(st.integers(0, 4), min_size=1))
def test_none_is_better_than_the_best(failing: list[int]) -> None:
    place = best(failing)
    assert failing[place] == min(failing)
    assert min(failing) not in failing[place + 1 :]
