"""Sufficient statistics: published rows and local attempts summed per cell.

A *cell* is an arm in a category under a harness from one source. The estimator never sees single attempts, so a
million of them cost what a thousand do.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from codex_router.records import Aggregate, Arm, Attempt

LOCAL = "local"
"""The source of the user's own attempts."""
REPEAT_CORRELATION = 0.6
"""Of outcomes of repeated attempts at one task; an attempt repeated k times counts 1 + (k-1) * this times less."""
HALF_LIFE_DAYS = 180.0
"""Age at which a published row counts half; a judgement (models and harnesses change within months)."""


class Key(NamedTuple):
    """What a cell is about; the levels of the hierarchical model."""

    arm: Arm
    category: str
    harness: str
    source: str
    self_reported: bool = False


@dataclass(frozen=True, slots=True)
class Sums:
    """One measured quantity per cell: arrays of the same length as the keys."""

    n: NDArray[np.float64]
    """Effective number of attempts; 0 where nothing is known."""
    mean: NDArray[np.float64]
    """Share of successes, mean cost in USD, or mean turns; 1 where `n` is 0."""
    mean_square: NDArray[np.float64]
    """Mean of squares of single local attempts; NaN where only a mean is known."""


@dataclass(frozen=True, slots=True)
class Cells:
    """All evidence, ready for the estimator."""

    keys: tuple[Key, ...]
    passes: Sums
    cost: Sums
    turns: Sums
    attempts: NDArray[np.float64]
    """Attempts behind each cell, as counted, without any discount."""


class _Sum:
    """Running weight, sum and sum of squares of one quantity in one cell."""

    __slots__ = ("n", "square", "total")

    def __init__(self) -> None:
        self.n = self.total = self.square = 0.0

    def add(self, value: float, weight: float) -> None:
        self.n += weight
        self.total += weight * value
        self.square += weight * value * value


def cells_of(aggregates: Iterable[Aggregate], attempts: Iterable[Attempt], today: str | None = None) -> Cells:
    """Sum published rows and local attempts into cells.

    `today` (ISO date) sets the age of published rows; without it the newest row is taken to be of today.
    """
    rows = list(aggregates)
    newest = today or max((row.date for row in rows), default="")
    table: dict[Key, tuple[_Sum, _Sum, _Sum, _Sum]] = defaultdict(lambda: (_Sum(), _Sum(), _Sum(), _Sum()))
    for row in rows:
        _add_aggregate(table[_key_of(row)], row, _age_weight(row.date, newest))
    _add_attempts(table, attempts)
    keys = tuple(table)
    return Cells(
        keys=keys,
        passes=_sums([table[key][0] for key in keys], local=[False] * len(keys)),
        cost=_sums([table[key][1] for key in keys], local=[key.source == LOCAL for key in keys]),
        turns=_sums([table[key][2] for key in keys], local=[key.source == LOCAL for key in keys]),
        attempts=np.array([table[key][3].n for key in keys]),
    )


def _key_of(row: Aggregate) -> Key:
    return Key(row.arm, row.category, row.harness, f"{row.source} {row.date}", row.self_reported)


def _age_weight(row_date: str, newest: str) -> float:
    """Halve the weight of a published row every `HALF_LIFE_DAYS`; an unreadable date counts as new."""
    try:
        days = (date.fromisoformat(newest[:10]) - date.fromisoformat(row_date[:10])).days
    except ValueError:
        return 1.0
    return float(0.5 ** (max(days, 0) / HALF_LIFE_DAYS))


def _add_aggregate(sums: tuple[_Sum, _Sum, _Sum, _Sum], row: Aggregate, age: float) -> None:
    passes, cost, turns, attempts = sums
    repeats = max(row.n_trials / row.n_tasks, 1.0)
    passes.add(row.pass_rate, age * row.n_trials / (1 + (repeats - 1) * REPEAT_CORRELATION))
    # Mean costs of repeated attempts say little new about a task: the tasks are the sample.
    sample = age * min(row.n_tasks, row.n_trials)
    if row.cost_usd is not None and row.cost_usd > 0:
        cost.add(row.cost_usd, sample)
    if row.turns_mean is not None and row.turns_mean > 0:
        turns.add(row.turns_mean, sample)
    attempts.add(1.0, row.n_trials)


def _add_attempts(table: dict[Key, tuple[_Sum, _Sum, _Sum, _Sum]], attempts: Iterable[Attempt]) -> None:
    by_task: dict[tuple[Key, str], list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_task[Key(attempt.arm, attempt.category, attempt.harness, LOCAL), attempt.task_id].append(attempt)
    for (key, _task), group in by_task.items():
        weight = 1 / (1 + (len(group) - 1) * REPEAT_CORRELATION)
        for attempt in group:
            _add_attempt(table[key], attempt, weight)


def _add_attempt(sums: tuple[_Sum, _Sum, _Sum, _Sum], attempt: Attempt, weight: float) -> None:
    passes, cost, turns, attempts = sums
    attempts.add(1.0, 1.0)
    stopped = attempt.end in {"timeout", "abort", "error"}
    # A run that ended for reasons of its own says nothing about the arm unless it had solved the task by then.
    if attempt.outcome == "yes" or (attempt.outcome == "no" and not stopped):
        passes.add(float(attempt.outcome == "yes"), weight)
    if attempt.end != "completed":
        return  # the cost and turns of a cut run are lower bounds only
    if attempt.cost_usd is not None and attempt.cost_usd > 0:
        cost.add(attempt.cost_usd, weight)
    if attempt.turns is not None and attempt.turns > 0:
        turns.add(float(attempt.turns), weight)


def _sums(column: Sequence[_Sum], local: Sequence[bool]) -> Sums:
    n = np.array([one.n for one in column])
    safe = np.where(n > 0, n, 1.0)
    mean = np.where(n > 0, np.array([one.total for one in column]) / safe, 1.0)
    square = np.where(np.array(local, dtype=bool) & (n > 0), np.array([one.square for one in column]) / safe, np.nan)
    return Sums(n=n, mean=mean, mean_square=square)
