"""The normal distribution against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from codex_router.decide import normal


def test_distribution_function_agrees_with_scipy_far_into_both_tails() -> None:
    x = np.linspace(-12, 12, 4801)

    assert normal.cdf(x) == pytest.approx(stats.norm.cdf(x), abs=1e-13)


def test_quantiles_agree_with_scipy_and_are_kept_finite() -> None:
    p = np.array([1e-6, 0.01, 0.3, 0.5, 0.999])

    assert normal.quantile(p) == pytest.approx(stats.norm.ppf(p), abs=1e-9)
    assert np.isfinite(normal.quantile(np.array([0.0, 1.0]))).all()


def test_quadrature_gives_the_moments_of_a_standard_normal() -> None:
    x, weight = normal.nodes(24)

    assert [weight @ x**power for power in range(5)] == pytest.approx([1, 0, 1, 0, 3], abs=1e-12)
