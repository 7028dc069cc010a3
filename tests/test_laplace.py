"""The posterior mode: closed forms, and scipy for the rest."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from codex_router.decide.laplace import binomial, find_mode, gamma

WIDE = 1e6


def test_one_group_with_a_flat_prior_gives_the_weighted_mean() -> None:
    n, rate, cost = np.array([10.0, 30.0]), np.array([0.2, 0.6]), np.array([1.0, 3.0])
    same = np.full((2, 2), WIDE)

    passes = find_mode(same, np.zeros(2), binomial(n, rate), np.zeros(2))
    costs = find_mode(same, np.zeros(2), gamma(1.3, n, cost), np.zeros(2))

    assert special.expit(passes.eta) == pytest.approx([0.5, 0.5], abs=1e-5)
    assert np.exp(costs.eta) == pytest.approx([2.5, 2.5], rel=1e-5)


def test_without_information_the_prior_stays() -> None:
    mode = find_mode(np.eye(2), np.array([0.3, -1.0]), binomial(np.array([1e-12, 1e-12]), np.ones(2)), np.zeros(2))

    assert mode.eta == pytest.approx([0.3, -1.0], abs=1e-6)


@pytest.mark.parametrize("family", ["binomial", "gamma"])
def test_mode_maximises_the_log_posterior(family: str) -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(4, 4))
    covariance, mean = root @ root.T + 0.1 * np.eye(4), rng.normal(size=4)
    n, value = np.array([5.0, 50.0, 3.0, 200.0]), np.array([0.1, 0.7, 1.0, 0.33])

    def loss(eta: np.ndarray) -> float:
        data = (
            n * (value * eta - np.logaddexp(0, eta))
            if family == "binomial"
            else -n / 1.3 * (eta + value * np.exp(-eta))
        )
        return float(0.5 * (eta - mean) @ np.linalg.solve(covariance, eta - mean) - data.sum())

    terms = binomial(n, value) if family == "binomial" else gamma(1.3, n, value)
    mode = find_mode(covariance, mean, terms, mean)

    best = optimize.minimize(loss, mean, method="BFGS", options={"gtol": 1e-9})
    assert mode.eta == pytest.approx(best.x, abs=1e-4)
    assert mode.alpha == pytest.approx(np.linalg.solve(covariance, mode.eta - mean), abs=1e-6)
    curvature = np.linalg.inv(np.linalg.inv(covariance) + np.diag(terms(mode.eta)[1]))
    posterior = covariance - covariance @ mode.precision @ covariance
    assert posterior == pytest.approx(curvature, abs=1e-8)


def test_mode_is_reached_from_far_away() -> None:
    cost = np.array([0.001])

    mode = find_mode(np.array([[4.0]]), np.zeros(1), gamma(1.3, np.array([1e6]), cost), np.array([9.0]))

    assert np.exp(mode.eta) == pytest.approx(cost, rel=1e-3)


def test_posterior_of_one_rate_agrees_with_integration() -> None:
    mode = find_mode(np.array([[2.25]]), np.zeros(1), binomial(np.array([40.0]), np.array([0.7])), np.zeros(1))

    def density(eta: float) -> float:
        return float(stats.norm.pdf(eta, scale=1.5) * special.expit(eta) ** 28 * special.expit(-eta) ** 12)

    mass = integrate.quad(density, -8, 8)[0]
    mean = integrate.quad(lambda eta: eta * density(eta), -8, 8)[0] / mass
    variance = integrate.quad(lambda eta: (eta - mean) ** 2 * density(eta), -8, 8)[0] / mass
    laplace = 2.25 - 2.25 * mode.precision[0, 0] * 2.25
    assert mode.eta[0] == pytest.approx(mean, abs=0.05)
    assert laplace == pytest.approx(variance, rel=0.06)
