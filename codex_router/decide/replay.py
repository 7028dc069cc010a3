"""Per-task results as a table of tasks by arms, and what choices would have cost and solved on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from codex_router.decide.policy import Check
    from codex_router.records import Arm, Attempt

    Array = NDArray[np.float64]
    Codes = NDArray[np.int64]

WHOLE = 0.9
"""An arm takes part when it tried this share of the tasks that the busiest arm tried."""


@dataclass(frozen=True, slots=True)
class Table:
    """Tasks that all arms attempted."""

    tasks: tuple[str, ...]
    arms: tuple[Arm, ...]
    category: tuple[str, ...]
    """Of each task."""
    solved: Array
    """Share of an arm's attempts that solved the task, shape (tasks, arms)."""
    cost_usd: Array
    """Mean cost of an arm's attempts at the task; its overall mean where unknown."""

    def rows(self, category: str) -> Codes:
        """Return the positions of the tasks of a category."""
        return np.flatnonzero(np.array([name == category for name in self.category])).astype(np.int64)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories, most tasks first."""
        return tuple(name for name, _ in Counter(self.category).most_common())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a choice did on average over tasks."""

    cost_usd: float
    solved: float
    wrong_accepted: float


def table_of(attempts: Sequence[Attempt]) -> Table:
    """Arrange attempts of known outcome by task and arm; tasks that an arm did not try are left out."""
    cells: dict[tuple[str, str], dict[Arm, list[Attempt]]] = defaultdict(lambda: defaultdict(list))
    for attempt in attempts:
        if attempt.outcome != "unknown":
            cells[attempt.category, attempt.task_id][attempt.arm].append(attempt)
    tried = Counter(arm for by_arm in cells.values() for arm in by_arm)
    most = max(tried.values(), default=0)
    arms = tuple(sorted((arm for arm, n in tried.items() if n >= WHOLE * most), key=str))
    whole = [key for key, by_arm in cells.items() if all(arm in by_arm for arm in arms)]
    solved = np.array([[_solved(cells[key][arm]) for arm in arms] for key in whole]).reshape(len(whole), len(arms))
    cost = np.array([[_cost(cells[key][arm]) for arm in arms] for key in whole]).reshape(len(whole), len(arms))
    return Table(
        tasks=tuple(task for _, task in whole),
        arms=arms,
        category=tuple(category for category, _ in whole),
        solved=solved,
        cost_usd=_filled(cost),
    )


def _solved(attempts: list[Attempt]) -> float:
    return sum(attempt.outcome == "yes" for attempt in attempts) / len(attempts)


def _cost(attempts: list[Attempt]) -> float:
    known = [attempt.cost_usd for attempt in attempts if attempt.cost_usd]
    return sum(known) / len(known) if known else float("nan")


def _filled(cost: Array) -> Array:
    """Fill unknown costs with the arm's mean; an arm without any cost keeps NaN."""
    known = ~np.isnan(cost)
    mean = np.divide(
        np.where(known, cost, 0.0).sum(axis=0),
        known.sum(axis=0),
        out=np.full(cost.shape[1], np.nan),
        where=known.any(axis=0),
    )
    return np.where(known, cost, mean)


def replay(table: Table, rows: Codes, sequence: Sequence[int], check: Check | None) -> Outcome:
    """Return what a sequence does on `rows`, in expectation over the check's errors.

    `check` None: one attempt, taken as it is.
    """
    solved, cost = table.solved[rows], table.cost_usd[rows]
    if check is None:
        first = sequence[0]
        rate = float(solved[:, first].mean())
        return Outcome(float(cost[:, first].mean()), rate, 1 - rate)
    left = np.ones(len(rows))
    good = wrong = spend = 0.0
    for arm in sequence:
        spend += float((left * (cost[:, arm] + check.cost_usd)).mean())
        right = solved[:, arm]
        good += float((left * check.sensitivity * right).mean())
        wrong += float((left * check.false_accept * (1 - right)).mean())
        left = left * (1 - check.sensitivity * right - check.false_accept * (1 - right))
    return Outcome(spend, good, wrong)


def oracle(table: Table, rows: Codes) -> Outcome:
    """Return what a clairvoyant would get: per task the cheapest arm that solves it, nothing spent on the others."""
    possible = np.where(table.solved[rows] > 0, table.cost_usd[rows], np.inf)
    cheapest = possible.min(axis=1)
    solved = np.isfinite(cheapest)
    return Outcome(float(np.where(solved, cheapest, 0.0).mean()), float(solved.mean()), 0.0)


def oracle_cost_of(table: Table, rows: Codes, reference: int) -> float:
    """Return the least cost of solving just what `reference` solves: the most that could be saved without loss."""
    possible = np.where(table.solved[rows] > 0, table.cost_usd[rows], np.inf).min(axis=1)
    return float(np.where(table.solved[rows, reference] > 0, possible, 0.0).mean())


def joined(parts: Sequence[tuple[int, Outcome]]) -> Outcome:
    """Return the mean of outcomes weighted by their numbers of tasks."""
    total = sum(n for n, _ in parts)
    return Outcome(
        cost_usd=sum(n * one.cost_usd for n, one in parts) / total,
        solved=sum(n * one.solved for n, one in parts) / total,
        wrong_accepted=sum(n * one.wrong_accepted for n, one in parts) / total,
    )
