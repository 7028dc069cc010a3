"""Budgets: insurance against runaways that hardly any honest run meets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from codex_router.decide.budgets import (
    COST_GROWTH,
    LOOSEST,
    TIGHTEST,
    TurnsShape,
    best_multiple,
    budget_for,
    cut_moment,
    median_of_successes,
    shape_of,
)
from codex_router.decide.columns import columns_of
from codex_router.records import Arm, Attempt, Estimate, Interval

ESTIMATE = Estimate(
    arm=Arm("a", "high"),
    category="bugfix",
    harness="codex",
    p_pass=Interval(0.7, 0.6, 0.8),
    cost_usd=Interval(0.401, 0.3, 0.5),
    turns=Interval(30.0, 24.0, 36.0),
    n_published=100,
    n_local=0,
    n_effective=50.0,
    guess=False,
    n_model=100,
)


def test_without_a_value_it_is_five_medians_and_six_mean_costs() -> None:
    budget = budget_for(ESTIMATE)

    assert budget.max_turns == pytest.approx(5 * median_of_successes(ESTIMATE, TurnsShape()), abs=10)
    assert budget.max_cost_usd == 2.5


def test_the_median_of_successes_agrees_with_the_mean_of_all_runs() -> None:
    shape = TurnsShape()
    median = median_of_successes(ESTIMATE, shape)
    rng = np.random.default_rng(0)
    won = rng.random(400_000) < ESTIMATE.p_pass.mean
    logs = np.where(
        won,
        np.log(median) + shape.success_sd * rng.standard_normal(len(won)),
        np.log(median) + shape.failure_offset + shape.failure_sd * rng.standard_normal(len(won)),
    )

    assert np.exp(logs).mean() == pytest.approx(np.sqrt(24.0 * 36.0), rel=0.01)


def test_few_turns_never_make_a_budget_that_stops_a_plain_run() -> None:
    assert budget_for(ESTIMATE._replace(turns=Interval(2.0, 1.5, 2.5))).max_turns == 20


@pytest.mark.parametrize("limit", [0.5, 1.0, 3.0, 20.0])
def test_the_cut_moment_agrees_with_integration(limit: float) -> None:
    mean, sd = 0.31, 0.51
    density = stats.norm(mean, sd).pdf
    exact = integrate.quad(lambda x: min(np.exp(x), limit) ** COST_GROWTH * density(x), -4, 5)[0]

    assert cut_moment(np.array([np.log(limit)]), mean, sd, COST_GROWTH)[0] == pytest.approx(exact, rel=1e-6)


@given(st.floats(0.05, 0.95), st.floats(0.01, 10.0), st.floats(0.0, 200.0))
def test_a_limit_lies_between_three_and_eight_medians_and_grows_with_the_value(
    rate: float, cost: float, value: float
) -> None:
    one = ESTIMATE._replace(p_pass=Interval(rate, rate, rate), cost_usd=Interval(cost, cost, cost))
    low, high = (best_multiple(one, v, 0.0, TurnsShape()) for v in (value, 2 * value + 1))

    assert TIGHTEST <= low <= high <= LOOSEST + 1e-9


def test_a_good_alternative_tightens_the_limit() -> None:
    patient = best_multiple(ESTIMATE, 30.0, 0.0, TurnsShape())
    hasty = best_multiple(ESTIMATE, 30.0, 28.0, TurnsShape())

    assert hasty < patient


def runs(n: int, end: str = "completed") -> list[Attempt]:
    rng = np.random.default_rng(1)
    won = rng.random(n) < 0.6
    turns = np.exp(np.where(won, 3.0 + 0.2 * rng.standard_normal(n), 3.8 + 0.9 * rng.standard_normal(n)))
    return [
        Attempt(str(i), str(i), "bugfix", Arm("a"), "codex", "yes" if won[i] else "no", 1.0, max(round(turns[i]), 1),
                1.0, end, "2026-09-01")  # type: ignore[arg-type]
        for i in range(n)
    ]  # fmt: skip


def test_the_shape_is_learnt_from_own_runs() -> None:
    shape = shape_of(columns_of(runs(3000)))

    assert shape.success_sd == pytest.approx(0.2, abs=0.02)
    assert shape.failure_sd == pytest.approx(0.9, abs=0.04)
    assert shape.failure_offset == pytest.approx(0.8, abs=0.05)


def test_a_few_runs_hardly_move_the_default_shape() -> None:
    shape = shape_of(columns_of(runs(4)))

    assert shape.success_sd == pytest.approx(TurnsShape().success_sd, abs=0.1)


def test_a_limit_that_many_runs_hit_is_doubled() -> None:
    shape = shape_of(columns_of(runs(90) + runs(10, end="budget")))

    assert shape.capped_share == pytest.approx(0.1)
    loose, tight = (budget_for(ESTIMATE, shape=replace(shape, capped_share=share)).max_turns for share in (0.1, 0.01))
    assert loose == pytest.approx(2 * (tight or 0), abs=10)
