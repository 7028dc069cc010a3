"""Budgets: runaway insurance, not a squeeze.

Hard limits save almost nothing without losing tasks (SWE-bench Verified, 34 arms: 4 x the median turns of successes
saves 2.3 % and loses 0.23 points; the 75th percentile saves 24 % and loses 12 points), so they are set where hardly any
honest run ends.

Turns are log-normal among successes, and among failures, which take longer. The limit B maximises

    F(B) V + (1 - F(B)) W - cost(B),

F the share solved within B, V the value of a solved task, W what is left when the attempt ends without success, and
cost(B) the mean cost of a run cut at B, which grows like turns to the power 1.36. It then is kept between 3 and 8 times
the median of successes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codex_router.decide import normal
from codex_router.records import Budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from codex_router.decide.columns import Columns
    from codex_router.records import Estimate, Summed

    Array = NDArray[np.float64]

COST_FACTOR = 6
"""Cost limit as a multiple of the expected mean cost."""
COST_GROWTH = 1.36
"""Exponent of cost in turns; median of 34 arms, quartiles 1.22 and 1.56."""
LOOSEST, TIGHTEST = 8.0, 3.0
"""Limits of B as multiples of the median turns of successes."""
FLOOR_TURNS = 20
HIT_SHARE = 0.05
"""Share of runs that hit their limit, above which it hides its own cost and is doubled."""
POOLED_WEIGHT = 10.0
"""Runs that the default shape counts for."""
_GRID = np.exp(np.linspace(math.log(TIGHTEST), math.log(LOOSEST), 120))


@dataclass(frozen=True, slots=True)
class TurnsShape:
    """How the turns of single attempts spread, as logs."""

    success_sd: float = 0.45
    failure_sd: float = 0.51
    failure_offset: float = 0.31
    """By how much failures take longer."""
    capped_share: float = 0.0
    """Share of local attempts that hit their limit."""


def shape_of(columns: Columns, summed: Sequence[Summed] = ()) -> TurnsShape:
    """Learn the shape from local attempts, shrunk to the default one.

    Attempts that a budget cut would count as too short, so they only enter `capped_share`; attempts that came as sums
    have no known outcome, and enter nothing else either.
    """
    default = TurnsShape()
    known = columns.whole & ~np.isnan(columns.turns) & ~np.isnan(columns.outcome)
    logs, cell = np.log(columns.turns[known]), columns.cell[known]
    won = columns.outcome[known] == 1.0
    cells = len(columns.keys)
    won_mean, won_var, won_n = _pooled(logs[won], cell[won], cells)
    lost_mean, lost_var, lost_n = _pooled(logs[~won], cell[~won], cells)
    both = np.minimum(np.bincount(cell[won], minlength=cells), np.bincount(cell[~won], minlength=cells))
    gaps = np.where(both > 0, lost_mean - won_mean, 0.0)
    pairs = float(both.sum())
    attempts = len(columns.capped) + sum(one.attempts for one in summed)
    return TurnsShape(
        success_sd=_shrunk(default.success_sd, won_var, won_n),
        failure_sd=_shrunk(default.failure_sd, lost_var, lost_n),
        failure_offset=float((POOLED_WEIGHT * default.failure_offset + (both * gaps).sum()) / (POOLED_WEIGHT + pairs)),
        capped_share=float(columns.capped.sum() + sum(one.capped for one in summed)) / max(attempts, 1),
    )


def _pooled(logs: Array, cell: NDArray[np.int64], cells: int) -> tuple[Array, float, float]:
    """Return the mean per cell, and the sum of squares about it with its degrees of freedom."""
    n = np.bincount(cell, minlength=cells).astype(float)
    mean = np.bincount(cell, logs, cells) / np.maximum(n, 1.0)
    return mean, float(((logs - mean[cell]) ** 2).sum()), float(np.maximum(n - 1, 0.0).sum())


def _shrunk(default: float, squares: float, freedom: float) -> float:
    return math.sqrt((POOLED_WEIGHT * default**2 + squares) / (POOLED_WEIGHT + freedom))


def budget_for(
    estimate: Estimate,
    *,
    value_usd: float | None = None,
    otherwise_usd: float = 0.0,
    shape: TurnsShape | None = None,
) -> Budget:
    """Return the budget of one attempt.

    Args:
        estimate: of the arm, in a category or averaged over all.
        value_usd: of a solved task; without it the limit is 5 times the typical turns.
        otherwise_usd: what is left when the attempt ends without success, such as the worth of escalating.
        shape: how turns spread.
    """
    shape = shape or TurnsShape()
    median = median_of_successes(estimate, shape)
    multiple = 5.0 if value_usd is None else best_multiple(estimate, value_usd, otherwise_usd, shape)
    turns = max(multiple * median, FLOOR_TURNS)
    if shape.capped_share > HIT_SHARE:
        turns *= 2
    return Budget(max_turns=math.ceil(turns / 10) * 10, max_cost_usd=_round_up(COST_FACTOR * estimate.cost_usd.mean))


def median_of_successes(estimate: Estimate, shape: TurnsShape) -> float:
    """Return the median turns of successes that agrees with the estimated mean over successes and failures.

    The middle of the interval stands for the mean: one that is large only because little is known insures nothing.
    """
    mean = math.sqrt(estimate.turns.low * estimate.turns.high)
    p = estimate.p_pass.mean
    won = math.exp(shape.success_sd**2 / 2)
    lost = math.exp(shape.failure_offset + shape.failure_sd**2 / 2)
    return mean / (p * won + (1 - p) * lost)


def best_multiple(estimate: Estimate, value_usd: float, otherwise_usd: float, shape: TurnsShape) -> float:
    """Return the limit that is worth most, in medians of successes, between `TIGHTEST` and `LOOSEST`."""
    p = estimate.p_pass.mean
    logs = np.log(_GRID)
    solved = p * normal.cdf(logs / shape.success_sd)
    parts = ((p, 0.0, shape.success_sd), (1 - p, shape.failure_offset, shape.failure_sd))
    cut = sum((weight * cut_moment(logs, mean, sd, COST_GROWTH) for weight, mean, sd in parts), np.zeros_like(logs))
    whole = sum(weight * math.exp(COST_GROWTH * mean + (COST_GROWTH * sd) ** 2 / 2) for weight, mean, sd in parts)
    worth = solved * value_usd + (1 - solved) * otherwise_usd - estimate.cost_usd.mean * cut / whole
    return float(_GRID[int(np.argmax(worth))])


def cut_moment(log_limit: Array, mean: float, sd: float, power: float) -> Array:
    """Return E[min(T, B)^b] of a log-normal T: exp(bm + b^2 s^2 / 2) Phi((ln B - m - b s^2) / s) + B^b P(T > B)."""
    below = math.exp(power * mean + (power * sd) ** 2 / 2) * normal.cdf((log_limit - mean - power * sd**2) / sd)
    return np.asarray(below + np.exp(power * log_limit) * (1 - normal.cdf((log_limit - mean) / sd)))


def _round_up(amount: float) -> float:
    """Round up to two significant digits."""
    unit = 10.0 ** (math.floor(math.log10(amount)) - 1)
    return round(math.ceil(amount / unit - 1e-9) * unit, 10)
