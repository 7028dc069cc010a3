"""Local attempts as columns of numbers: one pass over the records, everything after it is numpy."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from numpy.typing import NDArray

    from codex_router.records import Arm, Attempt

    Array = NDArray[np.float64]
    Codes = NDArray[np.int64]
    Flags = NDArray[np.bool_]

LOCAL = "local"
"""The source of the user's own attempts."""
PARALLEL_SHARE = 0.2
"""Share of later attempts that follow a success, above which a table was not made by escalation."""
_FIELDS = attrgetter("arm", "category", "harness", "task_id", "outcome", "end", "cost_usd", "turns", "date")


class Key(NamedTuple):
    """What a cell is about; the levels of the hierarchical model."""

    arm: Arm
    category: str
    harness: str
    source: str
    self_reported: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """Attempts sorted by category, then task, then as given; arrays of one length."""

    keys: tuple[Key, ...]
    """Cells, in order of first appearance."""
    cell: Codes
    """Index into `keys`."""
    task: Codes
    """Number of the task; tasks of different categories are different."""
    outcome: Array
    """1 solved, 0 not solved, NaN unknown."""
    cost_usd: Array
    """NaN where unknown or free."""
    turns: Array
    """NaN where unknown."""
    whole: Flags
    """The run ended by itself; the cost and turns of others are lower bounds."""
    capped: Flags
    """The run was stopped by its budget."""
    escalated: Flags
    """Made because an earlier attempt at the same task had failed: a look at a task known to be hard."""


def columns_of(attempts: Iterable[Attempt]) -> Columns:
    """Turn attempts into columns."""
    rows = list(map(_FIELDS, attempts))
    arms, categories, harnesses, tasks, outcomes, ends, costs, turns, dates = zip(*rows) if rows else ((),) * 9  # noqa: B905
    names, cell = _codes(zip(arms, categories, harnesses, strict=True))
    _, task = _codes(zip(tasks, categories, strict=True))
    _, category = _codes(categories)
    order = np.lexsort((task, category))
    task = np.cumsum(_starts(task[order])) - 1
    ended = np.array(ends, dtype="U9")[order]
    outcome = _outcomes(np.array(outcomes, dtype="U7")[order], ended)
    return Columns(
        keys=tuple(Key(name[0], name[1], name[2], LOCAL) for name in names),
        cell=cell[order],
        task=task,
        outcome=outcome,
        cost_usd=_positive(costs)[order],
        turns=_positive(turns)[order],
        whole=ended == "completed",
        capped=ended == "budget",
        escalated=_escalated(task, outcome, _dates(dates)[order]),
    )


def _codes(values: Iterable[Hashable]) -> tuple[list[Any], Codes]:
    """Number values by first appearance; return the distinct ones and the number of each."""
    table: dict[Hashable, int] = {}
    codes = np.array([table.setdefault(value, len(table)) for value in values], dtype=np.int64)
    return list(table), codes


def _starts(task: Codes) -> Flags:
    """Mark where a new task begins in sorted numbers."""
    return np.concatenate([np.ones(min(len(task), 1), dtype=bool), task[1:] != task[:-1]])


def _positive(values: Sequence[object]) -> Array:
    array = np.array(values, dtype=float)  # None becomes NaN
    return np.where(array > 0, array, np.nan)


def _dates(dates: Sequence[object]) -> NDArray[np.object_]:
    result = np.empty(len(dates), dtype=object)
    result[:] = dates
    return result


def _outcomes(outcome: NDArray[np.str_], ended: NDArray[np.str_]) -> Array:
    """Return outcomes; a run that was broken off says nothing about the arm unless it had solved the task by then."""
    broken = (ended == "timeout") | (ended == "abort") | (ended == "error")
    return np.where(outcome == "yes", 1.0, np.where((outcome == "no") & ~broken, 0.0, np.nan))


def _escalated(task: Codes, outcome: Array, dates: NDArray[np.object_]) -> Flags:
    """Find attempts that follow only failures at their task, where the table as a whole was made by escalating.

    Where many attempts follow a success too, or all carry one date, every arm was tried on every task: a benchmark.
    """
    later = np.zeros(len(task), dtype=bool)
    later[1:] = (task[1:] == task[:-1]) & (dates[:-1] < dates[1:]).astype(bool)
    solved = np.cumsum(outcome == 1.0)
    before_task = np.maximum.accumulate(np.where(_starts(task), solved - (outcome == 1.0), 0))
    earlier_success = solved - (outcome == 1.0) - before_task > 0
    failed_before = np.zeros(len(task), dtype=bool)
    failed_before[1:] = outcome[:-1] == 0.0
    after_failure = later & ~earlier_success & failed_before
    after_success = later & earlier_success
    total = after_failure.sum() + after_success.sum()
    parallel = total > 0 and after_success.sum() > PARALLEL_SHARE * total
    return np.zeros_like(after_failure) if parallel else after_failure
