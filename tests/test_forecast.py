"""Sequences of arms under shared task difficulty: closed forms, laws, and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from codex_router.decide.difficulty import REFERENCE, SAME_SLOPE, common_share, cost_factor, own_share
from codex_router.decide.forecast import Forecaster
from codex_router.decide.normal import nodes
from codex_router.decide.policy import Check

PERFECT = Check(0.0, 1.0, 0.0)


def forecast(
    rates: list[float],
    sequence: tuple[int, ...],
    common: float,
    same: float | None = None,
    *,
    costs: list[float] | None = None,
    models: list[str] | None = None,
    check: Check = PERFECT,
) -> tuple[float, float, float]:
    """Return resolved, wrong accepted and spend of one sequence."""
    names = models or [f"m{index}" for index in range(len(rates))]
    prices = costs or [1.0] * len(rates)
    one = Forecaster(
        names, np.array([rates]), np.array([prices]), common, common if same is None else same, check
    ).sequences(len(sequence))
    at = one.sequences.index(sequence)
    return float(one.resolved[at, 0]), float(one.wrong_accepted[at, 0]), float(one.spend_usd[at, 0])


def test_without_correlation_failures_multiply() -> None:
    resolved, _, _ = forecast([0.3, 0.5, 0.7], (0, 1, 2), 0.0)

    assert resolved == pytest.approx(1 - 0.7 * 0.5 * 0.3, abs=1e-9)


@pytest.mark.parametrize("rates", [[0.3, 0.5, 0.7], [0.5, 0.9], [0.2, 0.8, 0.5]])
def test_with_full_correlation_only_the_best_arm_counts(rates: list[float]) -> None:
    resolved, _, _ = forecast(rates, tuple(range(len(rates))), 1.0, 1.0)

    assert resolved == pytest.approx(max(rates), abs=0.02)


@given(st.floats(0.02, 0.98), st.floats(0.0, 0.95), st.floats(0.01, 50.0))
def test_one_attempt_solves_and_costs_exactly_what_was_estimated(rate: float, common: float, cost: float) -> None:
    resolved, wrong, spend = forecast([rate], (0,), common, costs=[cost])

    assert resolved == pytest.approx(rate, abs=1e-12)
    assert wrong == 0.0
    assert spend == pytest.approx(cost, rel=1e-9)


@settings(max_examples=40)
@given(
    st.lists(st.floats(0.05, 0.95), min_size=2, max_size=2),
    st.floats(0.0, 0.9),
    st.floats(0.5, 1.0),
    st.floats(0.0, 0.4),
)
def test_shares_are_shares_and_another_attempt_never_solves_less(
    rates: list[float], common: float, sensitivity: float, false_accept: float
) -> None:
    check = Check(0.0, sensitivity, false_accept)

    once = forecast(rates, (0,), common, check=check)
    twice = forecast(rates, (0, 1), common, check=check)

    assert twice[0] >= once[0] - 1e-12
    assert twice[1] >= once[1] - 1e-12
    assert twice[2] >= once[2]
    assert twice[0] + twice[1] <= 1 + 1e-12


@pytest.mark.parametrize(
    ("rho", "rate", "cost", "solved", "spend"),
    [  # the article's own example, retried three times: decision-model.md, section 3
        (0.6, 0.5, 0.10, 0.72, 0.20),
        (0.6, 0.9, 0.40, 0.98, 0.49),
        (0.85, 0.5, 0.10, 0.63, 0.21),
        (0.85, 0.9, 0.40, 0.95, 0.50),
    ],
)
def test_the_articles_example_with_retries_that_are_not_independent(
    rho: float, rate: float, cost: float, solved: float, spend: float
) -> None:
    logit = np.log(rho / (1 - rho)) - SAME_SLOPE * (stats.norm.ppf(rate) - REFERENCE)
    same = 1 / (1 + np.exp(-logit))  # stated at another pass rate, so that it is rho at this one

    resolved, _, spent = forecast([rate], (0, 0, 0), 0.5, same, costs=[cost])

    assert resolved == pytest.approx(solved, abs=0.006)
    assert spent == pytest.approx(spend, abs=0.006)


def test_two_models_agree_with_the_bivariate_normal() -> None:
    rates, common = [0.4, 0.7], 0.6
    mu = stats.norm.ppf(rates)
    share = common_share(mu, common)
    covariance = np.sqrt(share[0] * share[1])
    neither = stats.multivariate_normal([0, 0], [[1, covariance], [covariance, 1]]).cdf(-mu)

    resolved, _, _ = forecast(rates, (0, 1), common, 0.97)

    assert resolved == pytest.approx(1 - neither, abs=1e-5)


def test_efforts_of_one_model_and_a_third_arm_agree_with_simulation() -> None:
    rng = np.random.default_rng(3)
    rates, common, same = [0.4, 0.6, 0.7], 0.5, 0.8
    mu = stats.norm.ppf(rates)
    total = own_share(mu, same)
    share = common_share(mu, common, total)
    check = Check(0.05, 0.9, 0.2)
    tasks = 400_000
    u = rng.standard_normal(tasks)
    own = {name: rng.standard_normal(tasks) for name in "ab"}
    left, resolved, wrong, spend = np.ones(tasks, bool), 0.0, 0.0, 0.0
    for arm, model, cost in ((0, "a", 0.1), (2, "b", 0.5), (1, "a", 0.3)):
        noise = rng.standard_normal(tasks) * np.sqrt(1 - total[arm])
        solved = mu[arm] + np.sqrt(share[arm]) * u + np.sqrt(total[arm] - share[arm]) * own[model] + noise > 0
        accepted = rng.random(tasks) < np.where(solved, check.sensitivity, check.false_accept)
        price = cost * np.exp(-0.3 * u) / np.exp(0.045)
        spend += float((left * (price + check.cost_usd)).mean())
        resolved += float((left & accepted & solved).mean())
        wrong += float((left & accepted & ~solved).mean())
        left &= ~accepted

    foretold = forecast(rates, (0, 2, 1), common, same, costs=[0.1, 0.3, 0.5], models=["a", "a", "b"], check=check)

    assert foretold == pytest.approx((resolved, wrong, spend), abs=0.003)


def test_good_arms_share_more_of_what_makes_tasks_hard() -> None:
    share = common_share(np.array([-1.0, 0.45, 1.0]), 0.6)

    assert share[0] < share[1] < share[2]
    assert share[1] == pytest.approx(0.6)


def test_harder_tasks_cost_more_and_the_mean_stays() -> None:
    factor = cost_factor()

    assert (np.diff(factor) < 0).all()
    assert nodes(len(factor))[1] @ factor == pytest.approx(1.0)


def test_retries_are_listed_only_when_wanted() -> None:
    one = Forecaster(["a", "b"], np.array([[0.5, 0.6]]), np.ones((1, 2)), 0.5, 0.7, PERFECT)

    assert one.sequences(2).sequences == ((0,), (0, 0), (0, 1), (1,), (1, 0), (1, 1))
    assert one.sequences(2, retries=False).sequences == ((0,), (0, 1), (1,), (1, 0))
