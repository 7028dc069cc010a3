"""How well pass rates alone foretell cascades and retries: a test of the task-difficulty model on a table."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from codex_router.decide.association import KNOWN, UNKNOWN
from codex_router.decide.forecast import Forecaster
from codex_router.decide.policy import Check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from codex_router.decide.replay import Table
    from codex_router.records import Attempt

    Array = NDArray[np.float64]

PERFECT = Check(0.0, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class PairErrors:
    """Errors of forecasts of all ordered pairs of arms."""

    pairs: int
    resolved_rmse: float
    """Root mean square error of the share resolved, 0 to 1."""
    spend_error: float
    """Mean absolute error of the spend, as a share of it."""
    independent_resolved_rmse: float
    independent_spend_error: float


def pair_errors(table: Table, category: str) -> PairErrors:
    """Forecast every cascade of two arms from the table's pass rates and mean costs, and compare with the table."""
    rows = table.rows(category)
    solved, cost = table.solved[rows], table.cost_usd[rows]
    pairs = list(permutations(range(len(table.arms)), 2))
    first, second = (np.array([pair[side] for pair in pairs], dtype=int) for side in (0, 1))
    left = 1 - solved[:, first]
    resolved = (solved[:, first] + left * solved[:, second]).mean(axis=0)
    spend = (cost[:, first] + left * cost[:, second]).mean(axis=0)
    known = KNOWN.get(category, UNKNOWN)
    errors = [
        _errors(table, solved.mean(axis=0), cost.mean(axis=0), pairs, resolved, spend, *levels)
        for levels in ((known.common, known.same), (0.0, 0.0))
    ]
    return PairErrors(len(pairs), *errors[0], *errors[1])


def _errors(
    table: Table,
    rates: Array,
    costs: Array,
    pairs: Sequence[tuple[int, int]],
    resolved: Array,
    spend: Array,
    common: float,
    same: float,
) -> tuple[float, float]:
    models = [arm.model for arm in table.arms]
    found = Forecaster(models, rates[None, :], costs[None, :], common, same, PERFECT).sequences(2)
    position = {steps: index for index, steps in enumerate(found.sequences)}
    chosen = [position[pair] for pair in pairs]
    miss = found.resolved[chosen, 0] - resolved
    return float(np.sqrt(np.mean(miss**2))), float(np.mean(np.abs(found.spend_usd[chosen, 0] / spend - 1)))


@dataclass(frozen=True, slots=True)
class RetryErrors:
    """Errors of forecasts of pass@k by one arm."""

    k: int
    arms: int
    rmse: float
    independent_rmse: float


def retry_errors(attempts: Sequence[Attempt], category: str, ks: Sequence[int] = (2, 3, 4, 5)) -> list[RetryErrors]:
    """Forecast pass@k of every arm with at least k attempts at most tasks, from its pass rate, and compare."""
    counts: dict[tuple[object, str], list[int]] = {}
    for attempt in attempts:
        if attempt.category == category and attempt.outcome != "unknown":
            tally = counts.setdefault((attempt.arm, attempt.task_id), [0, 0])
            tally[0] += attempt.outcome == "yes"
            tally[1] += 1
    by_arm: dict[object, list[list[int]]] = {}
    for (arm, _), tally in counts.items():
        by_arm.setdefault(arm, []).append(tally)
    known = KNOWN.get(category, UNKNOWN)
    return [errors for k in ks if (errors := _retry(k, list(by_arm.values()), known.common, known.same)) is not None]


def _retry(k: int, arms: Sequence[Sequence[Sequence[int]]], common: float, same: float) -> RetryErrors | None:
    whole = [[tally for tally in tasks if tally[1] >= k] for tasks in arms]
    whole = [tasks for tasks in whole if len(tasks) >= 20]
    if not whole:
        return None
    rates = np.array([sum(s for s, _ in tasks) / sum(n for _, n in tasks) for tasks in whole])
    seen = np.array([np.mean([1 - comb(n - s, k) / comb(n, k) for s, n in tasks]) for tasks in whole])
    forecasts = [_pass_at(k, rate, common, same) for rate in rates]
    miss, naive = np.array(forecasts) - seen, 1 - (1 - rates) ** k - seen
    return RetryErrors(k, len(whole), float(np.sqrt(np.mean(miss**2))), float(np.sqrt(np.mean(naive**2))))


def _pass_at(k: int, rate: float, common: float, same: float) -> float:
    one = Forecaster(["m"], np.array([[rate]]), np.ones((1, 1)), common, same, PERFECT)
    found = one.sequences(k)
    return float(found.resolved[-1, 0])
