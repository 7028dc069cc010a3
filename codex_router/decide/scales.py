"""Empirical-Bayes scales: how much models, categories, harnesses really differ, learnt from the evidence itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from codex_router.decide.laplace import Mode

    Array = NDArray[np.float64]

PRIOR_WEIGHT = 4.0
"""Effects that the default scale counts for."""


def updated_scales(
    scales: Mapping[str, float],
    defaults: Mapping[str, float],
    groups: Mapping[str, Array],
    levels: Mapping[str, int],
    mode: Mode,
) -> dict[str, float]:
    """Take one EM step towards the most probable scales.

    The step is tau^2 <- (nu s0^2 + sum_j E[b_j^2]) / (nu + J) over the J effects of a group. With effects integrated
    out, E[b_j^2] summed is tau^4 a'Sa + J tau^2 - tau^4 tr(RS), S the matrix of what cells share, a and R the weights
    and precision of the mode: no effect is ever formed.
    """
    return {name: _updated(scales[name], defaults[name], shared, mode, levels[name]) for name, shared in groups.items()}


def _updated(scale: float, default: float, shared: Array, mode: Mode, levels: int) -> float:
    gained = float(mode.alpha @ shared @ mode.alpha) - float(np.sum(mode.precision * shared))
    expected = max(levels * scale**2 + scale**4 * gained, 0.0)
    return float(np.sqrt((PRIOR_WEIGHT * default**2 + expected) / (PRIOR_WEIGHT + levels)))


def moved(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Return the largest relative change of a variance."""
    return max(abs(after[name] ** 2 / before[name] ** 2 - 1) for name in before)
