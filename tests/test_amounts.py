"""Means of few log-normal amounts: against scipy's moments, simulation with known truth, and the plain mean of many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from codex_router.decide.amounts import MODEL_WEIGHT, POOL_WEIGHT, SHAPE_ERROR, Spread, efficient_means, spread_of
from codex_router.decide.cells import Sums

Array = NDArray[np.float64]


def sums_of(samples: Array) -> Sums:
    """Sum samples of the shape (cells, attempts)."""
    logs = np.log(samples)
    n = np.full(len(samples), float(samples.shape[1]))
    return Sums(n, samples.mean(axis=1), logs.mean(axis=1), logs.var(axis=1))


def published(mean: float) -> Sums:
    unknown = np.array([np.nan])
    return Sums(np.array([500.0]), np.array([mean]), unknown, unknown)


@pytest.mark.parametrize("attempts", [3, 12])
def test_the_mean_of_a_few_is_known_better_than_by_their_plain_mean(attempts: int) -> None:
    law = stats.lognorm(s=np.sqrt(0.9))
    sums = sums_of(law.rvs((20_000, attempts), random_state=1))

    found, _ = efficient_means(sums, Spread(np.full(20_000, 0.9)))

    error, plain = np.log(found / law.mean()), np.log(sums.mean / law.mean())
    assert np.mean(error**2) < 0.9 * np.mean(plain**2)


def test_how_well_it_is_known_when_each_cell_learns_its_own_spread() -> None:
    law = stats.lognorm(s=np.sqrt(0.5))
    sums = sums_of(law.rvs((20_000, 40), random_state=2))

    found, variance = efficient_means(sums, Spread(sums.log_variance * 40 / 39))

    assert np.var(np.log(found)) == pytest.approx(np.mean(variance) / 40, rel=0.1)


def test_many_attempts_end_at_their_plain_mean_whatever_their_shape() -> None:
    rng = np.random.default_rng(2)
    sums = sums_of(rng.gamma(0.5, 2.0, (1, 2_000_000)))  # far from log-normal: its logs alone say 3.3, not 1.0

    found, _ = efficient_means(sums, spread_of(0.7, ["m"], sums, np.log(sums.mean)))

    assert found == pytest.approx(sums.mean, rel=1e-3)


@given(st.floats(0.05, 3.0), st.integers(1, 10_000), st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_the_weight_is_the_one_of_least_error(s2: float, n: int, log_mean: float, mean_log: float) -> None:
    """Of T1 with variance v + e^2 and T2 with variance w, covariance v, the best weight of T1 is (w-v) / (w-v+e^2)."""
    sums = Sums(np.array([float(n)]), np.exp(np.array([log_mean])), np.array([mean_log]), np.array([s2]))

    found, variance = efficient_means(sums, Spread(np.array([s2])))

    v, w = (s2 + s2**2 / 2) / n, np.expm1(s2) / n
    trial = np.linspace(0, 1, 2001)
    error = trial**2 * (v + SHAPE_ERROR**2) + (1 - trial) ** 2 * w + 2 * trial * (1 - trial) * v
    best = trial[np.argmin(error)]
    assert variance[0] / n == pytest.approx(error.min(), rel=1e-4, abs=1e-12)
    assert np.log(found[0]) == pytest.approx(best * (mean_log + s2 / 2) + (1 - best) * log_mean, abs=0.01)


def test_each_model_spreads_as_its_own_attempts_do_and_few_are_shrunk() -> None:
    rng = np.random.default_rng(3)
    narrow, wide = 0.15, 1.2
    logs = np.stack([rng.normal(-s2 / 2, np.sqrt(s2), 20_000) for s2 in (narrow, wide)])

    found = spread_of(0.7, ["a", "b"], sums_of(np.exp(logs)), np.zeros(2)).log_variance

    assert found == pytest.approx([narrow, wide], rel=0.05)


def test_one_attempt_moves_the_spread_by_its_own_weight_only() -> None:
    sums = Sums(np.array([1.0]), np.ones(1), np.array([-0.35]), np.zeros(1))  # where a log variance of .7 centres it

    found = spread_of(0.7, ["m"], sums, np.zeros(1)).log_variance[0]

    pool = POOL_WEIGHT * 0.7 / (POOL_WEIGHT + 1)
    assert found == pytest.approx(MODEL_WEIGHT * pool / (MODEL_WEIGHT + 1), abs=0.01)


def test_published_means_tell_nothing_about_the_spread_and_stay_as_they_are() -> None:
    spread = spread_of(0.7, ["m"], published(0.3), np.log([5.0]))
    found, variance = efficient_means(published(0.3), spread)

    assert spread.log_variance == pytest.approx([0.7])
    assert (found[0], variance[0]) == pytest.approx((0.3, np.expm1(0.7)))
