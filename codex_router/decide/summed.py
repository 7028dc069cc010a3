"""Attempts that come as sums, from where they are stored, beside those that come one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from codex_router.decide.columns import LOCAL, Key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from codex_router.decide.cells import Cells, Sums
    from codex_router.records import Moments, Summed

    Array = NDArray[np.float64]


def key_of(one: Summed) -> Key:
    """Return the cell of attempts that came as sums."""
    return Key(one.arm, one.category, one.harness, LOCAL)


def with_summed(local: Cells, summed: Sequence[Summed]) -> Cells:
    """Add sums to the cells of local attempts, which hold their keys already; each cell has one."""
    place = {key: index for index, key in enumerate(local.keys)}
    at = np.array([place[key_of(one)] for one in summed], dtype=np.int64)
    attempts = local.attempts.copy()
    attempts[at] += [one.attempts for one in summed]
    cost = _with(local.cost, at, [one.cost_usd for one in summed], [one.cut_cost_usd for one in summed])
    turns = _with(local.turns, at, [one.turns for one in summed], [one.cut_turns for one in summed])
    return replace(local, cost=cost, turns=turns, attempts=attempts)


def _with(sums: Sums, at: NDArray[np.int64], whole: Sequence[Moments], cut: Sequence[Moments]) -> Sums:
    n, mean, mean_log, log_variance = _both(
        (sums.n, sums.mean, sums.mean_log, sums.log_variance), _columns(len(sums.n), at, whole)
    )
    joined = replace(sums, n=n, mean=mean, mean_log=mean_log, log_variance=log_variance)
    if sums.cut_n is None and not any(one.n for one in cut):
        return joined
    nothing = np.zeros_like(sums.n)
    before = (nothing, nothing + 1) if sums.cut_n is None or sums.cut_mean is None else (sums.cut_n, sums.cut_mean)
    cut_n, cut_mean, _, _ = _both((*before, nothing, nothing), _columns(len(sums.n), at, cut))
    return replace(joined, cut_n=cut_n, cut_mean=cut_mean)


Four = tuple["Array", "Array", "Array", "Array"]
"""Effective number, mean, mean of logs, variance of logs; one each per cell."""


def _columns(cells: int, at: NDArray[np.int64], moments: Sequence[Moments]) -> Four:
    table = np.tile([0.0, 1.0, np.nan, np.nan], (cells, 1))
    table[at] = moments
    n, mean, mean_log, log_variance = table.T
    return n, mean, mean_log, log_variance


def _both(a: Four, b: Four) -> Four:
    """Return the moments of two samples together."""
    n = a[0] + b[0]
    safe = np.where(n > 0, n, 1.0)

    def joined(x: Array, y: Array, empty: float) -> Array:
        sums = np.where(a[0] > 0, a[0] * x, 0.0) + np.where(b[0] > 0, b[0] * y, 0.0)
        return np.where(n > 0, sums / safe, empty)

    mean_log = joined(a[2], b[2], np.nan)
    log_variance = joined(a[3] + (a[2] - mean_log) ** 2, b[3] + (b[2] - mean_log) ** 2, np.nan)
    return n, joined(a[1], b[1], 1.0), mean_log, log_variance
