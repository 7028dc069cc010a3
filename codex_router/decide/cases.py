"""Tasks that several arms attempted: what a sequence would have done, seen rather than inferred.

Where a table holds the same tasks for many arms, a sequence can be replayed on them. Its forecast then is the posterior
of a Dirichlet process whose base measure is the task-difficulty model, worth `MODEL_WEIGHT` tasks: in each plausible
world the replay under Bayesian-bootstrap weights (Rubin, Annals of Statistics 9, 1981) is mixed with the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from codex_router.decide.columns import Columns
    from codex_router.decide.forecast import Forecasts
    from codex_router.decide.policy import Check
    from codex_router.records import Arm

    Array = NDArray[np.float64]

MODEL_WEIGHT = 20.0
"""Replayed tasks that the model's forecast counts for; a judgement between 0 and 50, where results hardly differ."""
FEWEST = 20
"""Below this many replayed tasks the model stands alone."""
MOST = 500
"""Only the last tasks are replayed, to bound the time."""


@dataclass(frozen=True, slots=True)
class Cases:
    """Outcomes of tasks by arm."""

    solved: Array
    """Share of successes, shape (tasks, arms); NaN where the arm did not try."""

    def replay(self, sequences: NDArray[np.int64], check: Check | None) -> tuple[Array, Array]:
        """Return the chance of each task to be resolved, and to have a wrong result accepted; NaN where unknown.

        `sequences` has the shape (sequences, steps), the results (sequences, tasks). Without a check the first attempt
        stands as it is.
        """
        if check is None:
            solved = self.solved[:, sequences[:, 0]].T
            return solved, 1 - solved
        left = np.ones((len(sequences), len(self.solved)))
        resolved, wrong = np.zeros_like(left), np.zeros_like(left)
        for arm in sequences.T:
            solved = self.solved[:, arm].T
            resolved += left * check.sensitivity * solved
            wrong += left * check.false_accept * (1 - solved)
            left = left * (1 - check.sensitivity * solved - check.false_accept * (1 - solved))
        return resolved, wrong


def cases_of(columns: Columns, arms: Sequence[Arm], category: str, harness: str) -> Cases:
    """Gather the tasks of `category` that at least half of the arms in use attempted under `harness`.

    Tasks with escalated attempts are left out: they were looked at again because they had failed.
    """
    position = {arm: index for index, arm in enumerate(arms)}
    arm_of_cell = np.array(
        [
            position.get(key.arm, -1) if (key.category, key.harness) == (category, harness) else -1
            for key in columns.keys
        ],
        dtype=np.int64,
    )
    escalated = np.zeros(int(columns.task[-1]) + 1 if len(columns.task) else 0, dtype=bool)
    escalated[columns.task[columns.escalated]] = True
    arm = arm_of_cell[columns.cell] if len(columns.cell) else columns.cell
    use = (arm >= 0) & ~np.isnan(columns.outcome) & ~columns.guessed & ~escalated[columns.task]
    pair = columns.task[use] * len(arms) + arm[use]
    pairs, which, times = np.unique(pair, return_inverse=True, return_counts=True)
    rates = np.bincount(which, columns.outcome[use], len(pairs)) / times
    task, arm = pairs // max(len(arms), 1), pairs % max(len(arms), 1)
    enough = max(2.0, len(np.unique(arm)) / 2)
    tasks, row, arms_of_task = np.unique(task, return_inverse=True, return_counts=True)
    kept = np.flatnonzero(arms_of_task >= enough)[-MOST:]
    position_of = np.full(len(tasks), -1)
    position_of[kept] = np.arange(len(kept))
    solved = np.full((len(kept), len(arms)), np.nan)
    inside = position_of[row] >= 0
    solved[position_of[row[inside]], arm[inside]] = rates[inside]
    return Cases(solved)


class Replay:
    """Mixes forecasts of the model with what cases show, world by world.

    Args:
        cases: tasks by arms.
        draws: number of plausible worlds.
        seed: of the bootstrap weights.
    """

    def __init__(self, cases: Cases, draws: int, seed: int) -> None:
        self.cases = cases
        rng = np.random.default_rng([seed, 1])
        self._weights = rng.standard_exponential((len(cases.solved), draws))
        self._model = rng.standard_gamma(MODEL_WEIGHT, draws)

    def mix(self, forecasts: Forecasts, check: Check) -> Forecasts:
        """Mix forecasts with the replay of their sequences, where enough tasks tell.

        A retry is left to the model: a task's several attempts by one arm are stored as a share.
        """
        if len(self.cases.solved) < FEWEST:
            return forecasts
        resolved, wrong = forecasts.resolved.copy(), forecasts.wrong_accepted.copy()
        groups: dict[tuple[int, bool], list[int]] = {}
        for index, (steps, checked) in enumerate(zip(forecasts.sequences, forecasts.checked, strict=True)):
            if len(set(steps)) == len(steps):
                groups.setdefault((len(steps), checked), []).append(index)
        for (_, checked), rows in groups.items():
            sequences = np.array([forecasts.sequences[row] for row in rows], dtype=np.int64)
            seen = self.cases.replay(sequences, check if checked else None)
            for target, shares in zip((resolved, wrong), seen, strict=True):
                target[rows] = self._mixed(target[rows], shares)
        return replace(forecasts, resolved=resolved, wrong_accepted=wrong)

    def _mixed(self, model: Array, seen: Array) -> Array:
        """Return the weighted mean of the model's shares and the tasks seen, by sequence and draw."""
        known = ~np.isnan(seen)
        told = np.where(known, seen, 0.0) @ self._weights
        total = known.astype(float) @ self._weights
        mixed = (told + self._model * model) / (total + self._model)
        return np.asarray(np.where(known.sum(axis=1, keepdims=True) >= FEWEST, mixed, model))
