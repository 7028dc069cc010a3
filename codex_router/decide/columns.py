"""Local attempts as columns of numbers: one pass over the records, everything after it is numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from codex_router.records import Arm, Attempt

    Array = NDArray[np.float64]
    Codes = NDArray[np.int64]
    Flags = NDArray[np.bool_]

LOCAL = "local"
"""The source of the user's own attempts."""
PARALLEL_SHARE = 0.2
"""Share of later attempts that follow a success, above which a table was not made by escalation."""
OUTCOMES = {"yes": 1.0, "no": 0.0, "unknown": float("nan")}
BROKEN = 2
ENDS = {"completed": 0, "budget": 1, "timeout": BROKEN, "abort": BROKEN, "error": BROKEN}


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
    """Cells."""
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
    guessed: Flags
    """The outcome is a guess: half a vote on the pass rate, and no witness of how attempts go together."""
    escalated: Flags
    """Made because an earlier attempt at the same task had failed: a look at a task known to be hard."""


def columns_of(attempts: Sequence[Attempt], also: Iterable[Key] = ()) -> Columns:
    """Turn attempts into columns; `also` names further cells, of which there are no rows."""
    # One plain list per field: a tuple per attempt would cost more than everything else.
    arms, arm = _codes([one.arm for one in attempts])
    categories, category = _codes([one.category for one in attempts])
    harnesses, harness = _codes([one.harness for one in attempts])
    task = _many_codes([one.task_id for one in attempts])
    keys, cell = _cells(arms, categories, harnesses, (arm, category, harness))
    order = np.lexsort((task, category))
    task = (category * max(len(task), 1) + task)[order]
    task = np.cumsum(_starts(task)) - 1
    ends = np.array([ENDS[one.end] for one in attempts], dtype=np.int64)[order]
    outcome = np.array([OUTCOMES[one.outcome] for one in attempts], dtype=float)[order]
    # A run that was broken off says nothing about the arm unless it had solved the task by then.
    outcome[(ends == BROKEN) & (outcome == 0.0)] = np.nan
    dates = np.empty(len(order), dtype=object)
    dates[:] = [one.date for one in attempts]
    return Columns(
        keys=tuple(dict.fromkeys((*keys, *also))),
        cell=cell[order],
        task=task,
        outcome=outcome,
        cost_usd=_positive([one.cost_usd for one in attempts])[order],
        turns=_positive([one.turns for one in attempts])[order],
        whole=ends == ENDS["completed"],
        capped=ends == ENDS["budget"],
        guessed=np.array([one.outcome_source == "heuristic" for one in attempts], dtype=bool)[order],
        escalated=_escalated(task, outcome, dates[order]),
    )


def _codes(values: Sequence[Any]) -> tuple[list[Any], Codes]:
    """Number values by first appearance; return the distinct ones and the number of each."""
    table = {value: code for code, value in enumerate(dict.fromkeys(values))}
    return list(table), np.array([table[value] for value in values], dtype=np.int64)


def _many_codes(values: Sequence[str]) -> Codes:
    """Number values of which most are different; a 64-bit hash tells a million of them apart."""
    hashes = np.fromiter(map(hash, values), dtype=np.int64, count=len(values))
    _, first, which = np.unique(hashes, return_index=True, return_inverse=True)
    # Numbers follow the first appearance: the hashes themselves differ from process to process.
    return np.argsort(np.argsort(first))[which].astype(np.int64)


def _cells(
    arms: Sequence[Arm], categories: Sequence[str], harnesses: Sequence[str], codes: tuple[Codes, Codes, Codes]
) -> tuple[tuple[Key, ...], Codes]:
    """Number the combinations that occur; return their keys and the number of each attempt."""
    arm, category, harness = codes
    sizes = max(len(categories), 1), max(len(harnesses), 1)
    found, cell = np.unique((arm * sizes[0] + category) * sizes[1] + harness, return_inverse=True)
    keys = tuple(
        Key(arms[one // sizes[1] // sizes[0]], categories[one // sizes[1] % sizes[0]], harnesses[one % sizes[1]], LOCAL)
        for one in found.tolist()
    )
    return keys, cell.astype(np.int64)


def _starts(task: Codes) -> Flags:
    """Mark where a new task begins in sorted numbers."""
    return np.concatenate([np.ones(min(len(task), 1), dtype=bool), task[1:] != task[:-1]])


def _positive(values: Sequence[float | None]) -> Array:
    array = np.array(values, dtype=float)  # None becomes NaN
    return np.where(array > 0, array, np.nan)


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
