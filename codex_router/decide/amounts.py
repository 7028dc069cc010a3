"""Mean cost and turns of few attempts: amounts are log-normal, and how widely they spread is the model's own.

The plain mean of a handful of dollar amounts hangs on the dearest of them. Under a log-normal of log variance s^2 the
mean exp(m + s^2 / 2) of the logs' mean m is known better (variance s^2 + s^4 / 2 against exp(s^2) - 1, each over n).
The shape is not exact: over 52 arms of published per-task tables the log of the one differs from the log of the other
by 0.01 with a spread of `SHAPE_ERROR`. So the two are weighed, and many attempts end at their plain mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from codex_router.decide.cells import Sums

    Array = NDArray[np.float64]

SHAPE_ERROR = 0.065
"""Standard deviation, over arms, of the log of the log-normal mean against that of the plain mean."""
POOL_WEIGHT = 60.0
"""Attempts that the default log variance counts for."""
WIDEST = 3.0
"""Largest log variance believed; the widest of the published arms had 2.5."""
MODEL_WEIGHT = 10.0
"""Attempts that the log variance of all models counts for against that of one."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How widely single amounts of each cell spread."""

    log_variance: Array
    """Of one attempt, shape (cells,)."""

    @property
    def dispersion(self) -> Array:
        """Squared coefficient of variation of one attempt."""
        return np.expm1(self.log_variance)


def spread_of(default: float, models: Sequence[str], sums: Sums, eta: Array) -> Spread:
    """Learn the log variance of each cell's attempts, about the log means `eta` that are now believed.

    Models are shrunk to what all have in common, and that to `default`. Only cells of single attempts inform it: learnt
    from published means, intervals would cover 51 % instead of 90 %.
    """
    single = ~np.isnan(sums.mean_log)
    n = np.where(single, sums.n, 0.0)
    _, model = np.unique(np.array(models, dtype=object), return_inverse=True)
    spread = np.full(len(n), default)
    for _ in range(3):  # the centre of the logs depends on the variance itself
        centre = eta - spread / 2
        gap = np.where(single, sums.mean_log - centre, 0.0)
        squares = n * (gap**2 + np.where(single, sums.log_variance, 0.0))
        pool = (POOL_WEIGHT * default + squares.sum()) / (POOL_WEIGHT + n.sum())
        own, count = np.bincount(model, squares), np.bincount(model, n)
        spread = np.minimum((MODEL_WEIGHT * pool + own) / (MODEL_WEIGHT + count), WIDEST)[model]
    return Spread(spread)


def efficient_means(sums: Sums, spread: Spread) -> tuple[Array, Array]:
    """Return the best mean of each cell, and what its relative variance is times n.

    Of the log-normal mean and the plain one with the weight that has the least error: the former is efficient, so their
    covariance is its own variance. That one is taken as if each cell had to learn its own spread.
    """
    s2 = spread.log_variance
    single = ~np.isnan(sums.mean_log) & (sums.n > 0)
    plain, shaped = spread.dispersion, s2 + s2**2 / 2
    n = np.maximum(sums.n, 1e-9)
    weight = np.where(single, (plain - shaped) / (plain - shaped + n * SHAPE_ERROR**2), 0.0)
    logs = np.where(single, sums.mean_log + s2 / 2, 0.0)
    mean = np.exp(weight * logs + (1 - weight) * np.log(sums.mean))
    variance = shaped + (1 - weight) ** 2 * (plain - shaped) + weight**2 * n * SHAPE_ERROR**2
    return np.where(single, mean, sums.mean), np.where(single, variance, plain)
