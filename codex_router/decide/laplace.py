"""Posterior of the linear predictor by Newton's method: the same code for pass, cost and turns.

With eta ~ N(m, K) the mode solves eta = m + K g(eta), g the gradient of the log-likelihood, and near the mode the
posterior is Gaussian (Laplace's approximation; Rasmussen & Williams, "Gaussian Processes for Machine Learning", 2006,
algorithms 3.1 and 3.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Likelihood = Callable[["Array"], tuple["Array", "Array"]]
"""Linear predictor -> (gradient, curvature) of the log-likelihood, per cell."""

MAX_STEP = 2.0
"""Longest Newton step of a linear predictor: further out the quadratic picture is no good."""
TOLERANCE = 1e-8


def binomial(n: Array, rate: Array) -> Likelihood:
    """Successes `n * rate` of `n` attempts; eta is the logit of the pass rate."""

    def terms(eta: Array) -> tuple[Array, Array]:
        p = 1 / (1 + np.exp(-eta))
        return n * (rate - p), n * np.maximum(p * (1 - p), 1e-6)

    return terms


def gamma(dispersion: Array | float, n: Array, mean: Array) -> Likelihood:
    """Mean `mean` of `n` gamma variables of squared coefficient of variation `dispersion`; eta is the log mean.

    The curvature is the observed one, kept at a quarter of the expected one at least so that Newton steps stay short
    where the data lie far below the current mean.
    """

    def terms(eta: Array) -> tuple[Array, Array]:
        ratio = mean * np.exp(-eta)
        return n / dispersion * (ratio - 1), n / dispersion * np.maximum(ratio, 0.25)

    return terms


@dataclass(frozen=True, slots=True)
class Mode:
    """Where the posterior peaks, and how sharply."""

    eta: Array
    """Linear predictor of each cell, shape (cells,)."""
    alpha: Array
    """K^-1 (eta - m): what predictions elsewhere weigh shared covariance with."""
    precision: Array
    """(K + W^-1)^-1, shape (cells, cells)."""


def find_mode(
    covariance: Array,
    mean: Array,
    likelihood: Likelihood,
    start: Array,
    *,
    max_steps: int = 50,
    tolerance: float = TOLERANCE,
) -> Mode:
    """Climb to the posterior mode from `start` and return it with its curvature."""
    eta = start
    for _ in range(max_steps):
        gradient, weight = likelihood(eta)
        alpha = _newton_alpha(covariance, weight, weight * (eta - mean) + gradient)
        step = mean + covariance @ alpha - eta
        longest = float(np.max(np.abs(step), initial=0.0))
        eta = eta + step * min(1.0, MAX_STEP / max(longest, MAX_STEP))
        if longest < tolerance:
            break
    return curve(covariance, mean, likelihood, eta)


def curve(covariance: Array, mean: Array, likelihood: Likelihood, eta: Array, correlation: Array | None = None) -> Mode:
    """Return the posterior at the mode `eta`.

    `correlation` of the errors of the cells, where outcomes at shared tasks tie them together; None when independent.
    The mode itself is found as if they were independent, which is consistent; the spread then is the one of correlated
    errors (generalised estimating equations: Liang & Zeger, Biometrika 73, 1986).
    """
    gradient, weight = likelihood(eta)
    root = np.sqrt(weight)
    errors = np.eye(len(eta)) if correlation is None else correlation
    precision = root[:, None] * np.linalg.inv(errors + root[:, None] * covariance * root) * root
    return Mode(eta=eta, alpha=precision @ (eta - mean + gradient / weight), precision=precision)


def _newton_alpha(covariance: Array, weight: Array, b: Array) -> Array:
    """Return (I + W K)^-1 b, through a symmetric well-conditioned system."""
    root = np.sqrt(weight)
    system = np.eye(len(root)) + root[:, None] * covariance * root
    return np.asarray(b - root * np.linalg.solve(system, root * (covariance @ b)))
