"""Prior covariance of the hierarchical model: which cells share which effects.

Every effect is Gaussian, so the linear predictors of all cells are jointly Gaussian with

    cov(i, j) = sum over groups of tau_g^2 * [cells i and j share that effect]

and the fit needs matrices of cells by cells only, however many effects there are (Rasmussen & Williams, "Gaussian
Processes for Machine Learning", 2006, sections 2.2 and 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codex_router.decide.columns import LOCAL
from codex_router.records import EFFORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from numpy.typing import NDArray

    from codex_router.decide.columns import Key

    Array = NDArray[np.float64]

REFERENCE_EFFORT = "medium"
"""Where an arm without a known effort is placed; steps count up and down from here."""

LEVELS: Mapping[str, Callable[[Key], Hashable]] = {
    "model": lambda key: key.arm.model,
    "category": lambda key: key.category,
    "harness": lambda key: key.harness,
    "model:category": lambda key: (key.arm.model, key.category),
    "model:harness": lambda key: (key.arm.model, key.harness),
    "model:category:harness": lambda key: (key.arm.model, key.category, key.harness),
}
"""Groups of effects and the level a cell belongs to in each."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Scales of one response (logit pass, log cost or log turns); all are standard deviations but the means."""

    intercept_mean: float
    intercept: float
    scales: Mapping[str, float]
    """By the group names of `LEVELS`, and ``model:step``."""
    step_means: tuple[float, ...]
    """Mean of each effort step, ``none > minimal`` first, ``max > ultra`` last."""
    step: tuple[float, ...]
    """Scale of each effort step."""
    row: float
    """Over-dispersion of a row: what two tables differ by at equal levels."""
    self_reported: float
    """Added to the row of a maker's own figures."""
    unknown_effort: float
    """Scale of what a model whose effort is not told differs by from itself at the reference effort."""


def effort_steps(keys: Sequence[Key]) -> Array:
    """Return signed steps from the reference effort, shape (cells, steps)."""
    reference = EFFORTS.index(REFERENCE_EFFORT)
    steps = np.arange(len(EFFORTS) - 1)
    at = np.array(
        [EFFORTS.index(key.arm.effort) if key.arm.effort in EFFORTS else reference for key in keys], dtype=int
    )
    up = (steps >= reference) & (steps < at[:, None])
    down = (steps < reference) & (steps >= at[:, None])
    return np.asarray(up.astype(float) - down.astype(float))


def prior_mean(prior: Prior, keys: Sequence[Key]) -> Array:
    """Return the prior mean of the linear predictor of each cell."""
    return np.asarray(prior.intercept_mean + effort_steps(keys) @ np.array(prior.step_means))


def shared(left: Sequence[Key], right: Sequence[Key]) -> dict[str, Array]:
    """Return, per group of effects, how much of it cells of `left` and `right` share, shape (left, right) each."""
    same = {name: _same(level, left, right) for name, level in LEVELS.items()}
    same["model:step"] = same["model"] * (effort_steps(left) @ effort_steps(right).T)
    return same


def _same(level: Callable[[Key], Hashable], left: Sequence[Key], right: Sequence[Key]) -> Array:
    codes: dict[Hashable, int] = {}
    a = np.array([codes.setdefault(level(key), len(codes)) for key in left], dtype=int)
    b = np.array([codes.setdefault(level(key), len(codes)) for key in right], dtype=int)
    return np.asarray((a[:, None] == b[None, :]).astype(float), dtype=float)


def levels(keys: Sequence[Key]) -> dict[str, int]:
    """Return the number of effects of each group that the cells touch."""
    counts = {name: len({level(key) for key in keys}) for name, level in LEVELS.items()}
    steps = effort_steps(keys)
    counts["model:step"] = len({(keys[i].arm.model, j) for i, j in zip(*np.nonzero(steps), strict=True)})
    return counts


def prior_variance(prior: Prior, keys: Sequence[Key]) -> Array:
    """Return the prior variance of each cell: the diagonal of its covariance with itself."""
    squares = effort_steps(keys) ** 2
    common = prior.intercept**2 + sum(prior.scales[name] ** 2 for name in LEVELS)
    constant = common + prior.unknown_effort**2 * _untold(keys)
    return np.asarray(constant + squares @ (np.array(prior.step) ** 2 + prior.scales["model:step"] ** 2))


def fixed_covariance(prior: Prior, left: Sequence[Key], right: Sequence[Key]) -> Array:
    """Return the part that is not learnt: the intercept, the common effort steps, efforts that nobody told."""
    steps = effort_steps(left) * np.array(prior.step) ** 2
    untold = np.outer(_untold(left), _untold(right)) * _same(LEVELS["model"], left, right)
    return np.asarray(prior.intercept**2 + steps @ effort_steps(right).T + prior.unknown_effort**2 * untold)


def _untold(keys: Sequence[Key]) -> Array:
    return np.array([key.arm.effort not in EFFORTS for key in keys], dtype=float)


def covariance(scales: Mapping[str, float], groups: Mapping[str, Array]) -> Array:
    """Return the sum over the groups of tau_g^2 times what is shared."""
    total = np.zeros_like(next(iter(groups.values())))
    for name, same in groups.items():
        total += scales[name] ** 2 * same
    return total


def row_variance(prior: Prior, keys: Sequence[Key]) -> Array:
    """Return the variance that belongs to each published row alone, shape (cells,).

    Local attempts have none: they are runs of just what is asked about.
    """
    published = np.array([key.source != LOCAL for key in keys], dtype=float)
    own = np.array([key.self_reported for key in keys]) * prior.self_reported**2
    return np.asarray(published * (prior.row**2 + own), dtype=float)
