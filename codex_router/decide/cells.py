"""Sufficient statistics: published rows and local attempts summed per cell.

A *cell* is an arm in a category under a harness from one source. The estimator never sees single attempts, so a
million of them cost what a thousand do.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from codex_router.decide.columns import Key
from codex_router.decide.summed import with_summed
from codex_router.records import GUESS_WEIGHT, REPEAT_CORRELATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from codex_router.decide.columns import Columns
    from codex_router.records import Aggregate, Summed

    Array = NDArray[np.float64]

HALF_LIFE_DAYS = 180.0
"""Age at which a published row counts half; a judgement (models and harnesses change within months)."""
ESCALATED_COST = 1.3
"""What a second attempt costs more than a first one because its task is hard; measured 1.2 to 1.5."""


@dataclass(frozen=True, slots=True)
class Sums:
    """One measured quantity per cell: arrays of the same length as the keys."""

    n: Array
    """Effective number of attempts; 0 where nothing is known."""
    mean: Array
    """Share of successes, mean cost in USD, or mean turns; 1 where `n` is 0."""
    mean_log: Array
    """Mean of the logs of single attempts; NaN where only their mean is known, and for shares."""
    log_variance: Array
    """Variance of those logs."""
    cut_n: Array | None = None
    """Effective number of attempts that their budget cut, not in `n`; None for what cannot be cut."""
    cut_mean: Array | None = None
    """Their mean: each would have come to more."""

    def of(self, rows: NDArray[np.int64]) -> Sums:
        """Return the sums of some cells."""
        columns = (self.n, self.mean, self.mean_log, self.log_variance)
        cut = (None if column is None else column[rows] for column in (self.cut_n, self.cut_mean))
        return Sums(*(column[rows] for column in columns), *cut)


@dataclass(frozen=True, slots=True)
class Cells:
    """All evidence, ready for the estimator."""

    keys: tuple[Key, ...]
    passes: Sums
    cost: Sums
    turns: Sums
    attempts: Array
    """Attempts behind each cell, as counted, without any discount."""


def cells_of(
    aggregates: Iterable[Aggregate], columns: Columns, today: str | None = None, summed: Sequence[Summed] = ()
) -> Cells:
    """Sum published rows and local attempts into cells, published ones first.

    `summed` are attempts that came as sums; their cells are among `columns.keys`.
    `today` (ISO date) sets the age of published rows; without it the newest row is taken to be of today.
    """
    rows = list(aggregates)
    newest = today or max((row.date for row in rows), default="")
    groups: dict[Key, list[Aggregate]] = defaultdict(list)
    for row in rows:
        groups[_key_of(row)].append(row)
    published = [_published(group, newest) for group in groups.values()]
    local = _local(columns)
    if summed:
        local = with_summed(local, summed)
    return Cells(
        keys=(*groups, *columns.keys),
        passes=_joined([one[0] for one in published], local.passes),
        cost=_joined([one[1] for one in published], local.cost),
        turns=_joined([one[2] for one in published], local.turns),
        attempts=np.concatenate([[float(one[3]) for one in published], local.attempts]),
    )


def _key_of(row: Aggregate) -> Key:
    return Key(row.arm, row.category, row.harness, f"{row.source} {row.date}", row.self_reported)


Pair = tuple[float, float]
"""Weight and mean."""


def _published(rows: list[Aggregate], newest: str) -> tuple[Pair, Pair, Pair, int]:
    """Return weight and mean of pass rate, cost and turns, and the attempts behind them."""
    ages = [_age_weight(row.date, newest) for row in rows]
    passes = [(age * row.n_trials / _repeat_discount(row), row.pass_rate) for age, row in zip(ages, rows, strict=True)]
    # The mean cost of repeated attempts says little new about a task: the tasks are the sample.
    samples = [age * min(row.n_tasks, row.n_trials) for age, row in zip(ages, rows, strict=True)]
    cost = [(n, row.cost_usd) for n, row in zip(samples, rows, strict=True) if row.cost_usd and row.cost_usd > 0]
    turns = [(n, row.turns_mean) for n, row in zip(samples, rows, strict=True) if row.turns_mean and row.turns_mean > 0]
    return _mean(passes), _mean(cost), _mean(turns), sum(row.n_trials for row in rows)


def _repeat_discount(row: Aggregate) -> float:
    repeats = max(row.n_trials / row.n_tasks, 1.0)
    return 1 + (repeats - 1) * REPEAT_CORRELATION


def _mean(pairs: list[Pair]) -> Pair:
    weight = sum(n for n, _ in pairs)
    return weight, sum(n * value for n, value in pairs) / weight if weight else 1.0


def _age_weight(row_date: str, newest: str) -> float:
    """Halve the weight of a published row every `HALF_LIFE_DAYS`; an unreadable date counts as new."""
    try:
        days = (date.fromisoformat(newest[:10]) - date.fromisoformat(row_date[:10])).days
    except ValueError:
        return 1.0
    return float(0.5 ** (max(days, 0) / HALF_LIFE_DAYS))


def _joined(published: list[Pair], local: Sums) -> Sums:
    table = np.array(published, dtype=float).reshape(-1, 2)
    unknown = np.full(len(table), np.nan)
    return Sums(
        n=np.concatenate([table[:, 0], local.n]),
        mean=np.concatenate([table[:, 1], local.mean]),
        mean_log=np.concatenate([unknown, local.mean_log]),
        log_variance=np.concatenate([unknown, local.log_variance]),
        cut_n=None if local.cut_n is None else np.concatenate([np.zeros(len(table)), local.cut_n]),
        cut_mean=None if local.cut_mean is None else np.concatenate([np.ones(len(table)), local.cut_mean]),
    )


def _local(columns: Columns) -> Cells:
    weight = repeat_weights(columns)
    cells = len(columns.keys)
    # An escalated attempt saw a task known to be hard, so it would bias the pass rate; its cost is scaled back.
    outcome = np.where(columns.escalated, np.nan, columns.outcome)
    trust = weight * np.where(columns.guessed, GUESS_WEIGHT, 1.0)
    cost = columns.cost_usd / np.where(columns.escalated, ESCALATED_COST, 1.0)
    return Cells(
        keys=columns.keys,
        passes=_sums(outcome, trust, columns.cell, cells, logs=False),
        cost=_with_cut(cost, columns, weight),
        turns=_with_cut(columns.turns, columns, weight),
        attempts=np.bincount(columns.cell, minlength=cells).astype(float),
    )


def _with_cut(amounts: Array, columns: Columns, weight: Array) -> Sums:
    """Sum the amounts of attempts that ended by themselves, and apart from them of those that their budget cut."""
    cells = len(columns.keys)
    whole = _sums(np.where(columns.whole, amounts, np.nan), weight, columns.cell, cells)
    if not columns.capped.any():
        return whole
    cut = _sums(np.where(columns.capped, amounts, np.nan), weight, columns.cell, cells)
    return replace(whole, cut_n=cut.n, cut_mean=cut.mean)


def repeat_weights(columns: Columns) -> Array:
    """Return what each attempt counts: 1 / (1 + (m - 1) * correlation) for m attempts of one arm at one task."""
    if not len(columns.cell):
        return np.zeros(0)
    pair = columns.task * len(columns.keys) + columns.cell
    _, which, times = np.unique(pair, return_inverse=True, return_counts=True)
    return np.asarray(1 / (1 + (times[which] - 1) * REPEAT_CORRELATION))


def _sums(values: Array, weight: Array, cell: NDArray[np.int64], cells: int, *, logs: bool = True) -> Sums:
    known = ~np.isnan(values)
    w, x, c = weight[known], values[known], cell[known]
    n = np.bincount(c, w, cells).astype(float)
    some = n > 0
    safe = np.where(some, n, 1.0)

    def mean(of: Array, empty: float) -> Array:
        return np.where(some, np.bincount(c, w * of, cells) / safe, empty)

    log = np.log(x) if logs else np.full(len(x), np.nan)
    mean_log = mean(log, np.nan)
    return Sums(n=n, mean=mean(x, 1.0), mean_log=mean_log, log_variance=mean((log - mean_log[c]) ** 2, np.nan))
