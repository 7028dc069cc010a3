"""Train on some tasks, choose, and see on the others what the choices would have cost and solved."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from codex_router.decide.estimator import Estimator
from codex_router.decide.per_category import choose_arms
from codex_router.decide.planning import Planner, SequencePlan, Stakes
from codex_router.decide.policy import Check
from codex_router.decide.replay import Outcome, Table, joined, oracle, oracle_cost_of, replay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from codex_router.decide.planning import Objective
    from codex_router.records import Aggregate, Arm, Attempt

    Codes = NDArray[np.int64]

CHECKS: dict[str, Check] = {
    "perfect": Check(0.0, 1.0, 0.0),
    "good": Check(0.0, 0.95, 0.10),
    "weak": Check(0.0, 0.90, 0.30),
}
"""Checks that plans are replayed under."""
LOSS = 0.01
"""A split has lost when it solves this much less than the reference."""


class Policy(NamedTuple):
    """A way to choose; what is compared."""

    kind: str
    """``single``, ``static``, ``per category``, ``plan``, ``independence`` or ``oracle``."""
    arm: Arm | None = None
    attempts: int = 1
    check: str | None = None
    objective: Objective | None = None


class Score(NamedTuple):
    """What one choice did in one split."""

    outcome: Outcome
    predicted: Outcome | None
    chosen: str


@dataclass(frozen=True, slots=True)
class Split:
    """Results of one split."""

    reference: Outcome
    oracle_cost_usd: float
    """Least cost of solving what the reference solved."""
    scores: dict[Policy, Score]
    covered: list[tuple[bool, bool]] = field(default_factory=list)
    """Per arm and category: do the 90 % intervals hold the pass rate, and the mean cost, of the test tasks."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What to replay."""

    train: int = 100
    """Tasks to learn from."""
    value_usd: float = 5.0
    attempts: tuple[int, ...] = (2, 3)
    reference: Arm | None = None
    """What savings and losses are measured against; the arm of the highest pass rate in the table without it."""
    published: tuple[Aggregate, ...] = ()
    """Figures to start from besides the training tasks."""


class Evaluation:
    """Replays a table.

    Args:
        table: tasks by arms.
        attempts: what the table was made from; those of training tasks are learnt from.
        setting: what to replay.
    """

    def __init__(self, table: Table, attempts: Sequence[Attempt], setting: Setting) -> None:
        self.table = table
        self.setting = setting
        self.harness = Counter(attempt.harness for attempt in attempts).most_common(1)[0][0]
        known = set(table.arms)
        self._by_task: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
        for attempt in attempts:
            if attempt.arm in known:
                self._by_task[attempt.category, attempt.task_id].append(attempt)
        best = int(np.argmax(table.solved.mean(axis=0)))
        self.reference = table.arms.index(setting.reference) if setting.reference else best

    def split(self, seed: int) -> Split:
        """Replay one random split."""
        order = np.random.default_rng(seed).permutation(len(self.table.tasks))
        train, test = order[: self.setting.train], order[self.setting.train :]
        runs = [one for i in train for one in self._by_task[self.table.category[i], self.table.tasks[i]]]
        estimator = Estimator(self.harness).fit(self.setting.published, runs)
        scores = {**self._fixed(test), **self._arms(estimator, test), **self._plans(estimator, test, seed)}
        return Split(
            reference=replay(self.table, test, [self.reference], None),
            oracle_cost_usd=oracle_cost_of(self.table, test, self.reference),
            scores=scores,
            covered=coverage(estimator, self.table, test),
        )

    def _fixed(self, test: Codes) -> dict[Policy, Score]:
        """Score what needs no learning: each arm, and the oracle."""
        scores = {
            Policy("single", arm): Score(replay(self.table, test, [index], None), None, str(arm))
            for index, arm in enumerate(self.table.arms)
        }
        return {**scores, Policy("oracle"): Score(oracle(self.table, test), None, "cheapest that solves")}

    def _arms(self, estimator: Estimator, test: Codes) -> dict[Policy, Score]:
        """Score the best single arm, for all categories and per category."""
        shares = {name: float(len(self.table.rows(name))) for name in self.table.categories}
        choice = choose_arms(estimator, self.table.arms, shares, self.setting.value_usd)
        by_category = {"static": dict.fromkeys(shares, choice.everywhere), "per category": choice.by_category}
        return {Policy(kind): Score(self._mixed(test, arms), None, _named(arms)) for kind, arms in by_category.items()}

    def _mixed(self, test: Codes, arms: Mapping[str, Arm]) -> Outcome:
        parts = [
            (rows, replay(self.table, rows, [self.table.arms.index(arms[name])], None))
            for name, rows in self._by_category(test)
        ]
        return joined([(len(rows), outcome) for rows, outcome in parts])

    def _by_category(self, rows: Codes) -> list[tuple[str, Codes]]:
        names = np.array(self.table.category, dtype=object)[rows]
        return [(name, rows[names == name]) for name in self.table.categories if (names == name).any()]

    def _plans(self, estimator: Estimator, test: Codes, seed: int) -> dict[Policy, Score]:
        objectives: tuple[Objective, ...] = ("no-loss", "value")
        scores = {
            Policy("plan", None, attempts, check, objective): self._plan(
                estimator, test, seed, attempts, CHECKS[check], objective
            )
            for attempts in self.setting.attempts
            for check in CHECKS
            for objective in objectives
        }
        warning = self._plan(estimator, test, seed, 2, CHECKS["perfect"], "no-loss", naive=True)
        return {**scores, Policy("independence", None, 2, "perfect", "no-loss"): warning}

    def _plan(
        self,
        estimator: Estimator,
        test: Codes,
        seed: int,
        attempts: int,
        check: Check,
        objective: Objective,
        *,
        naive: bool = False,
    ) -> Score:
        # The naive choice believes its own mean forecast: no margin, no confidence.
        margin = {"tolerance": 0.0, "confidence": 0.5} if naive else {}
        stakes = Stakes(self.setting.value_usd, check, **margin)
        real, expected, names = [], [], {}
        for category, rows in self._by_category(test):
            reference = self.table.arms[self.reference]
            planner = Planner(
                estimator, self.table.arms, category, stakes, attempts=attempts, reference=reference, seed=seed
            )
            plan = planner.plan(objective, naive=naive)
            steps = [self.table.arms.index(arm) for arm in plan.chosen.arms]
            real.append((len(rows), replay(self.table, rows, steps, check if plan.chosen.checked else None)))
            expected.append((len(rows), _expected(plan)))
            names[category] = " > ".join(str(arm) for arm in plan.chosen.arms)
        return Score(joined(real), joined(expected), "; ".join(dict.fromkeys(names.values())))


def _expected(plan: SequencePlan) -> Outcome:
    chosen = plan.chosen
    return Outcome(chosen.spend_usd.mean, chosen.resolved.mean, chosen.wrong_accepted.mean)


def _named(arms: Mapping[str, Arm]) -> str:
    return "; ".join(dict.fromkeys(str(arm) for arm in arms.values()))


FEWEST_TEST = 10
"""Test tasks that a mean must rest on to judge an interval by it."""


def coverage(estimator: Estimator, table: Table, test: Codes) -> list[tuple[bool, bool]]:
    """Tell per arm and category whether the test tasks' pass rate and mean cost lie in their 90 % intervals.

    The intervals are widened by the noise of the test means themselves, which no estimate can foresee.
    """
    names = np.array(table.category, dtype=object)[test]
    found: list[tuple[bool, bool]] = []
    for category in table.categories:
        rows = test[names == category]
        if len(rows) < FEWEST_TEST:
            continue
        estimates = estimator.estimate(table.arms, [category])
        for index, one in enumerate(estimates):
            solved, cost = table.solved[rows, index], table.cost_usd[rows, index]
            found.append(
                (
                    _holds(one.p_pass, float(solved.mean()), _noise(solved)),
                    _holds(one.cost_usd, float(cost.mean()), _noise(cost)),
                )
            )
    return found


def _noise(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _holds(interval: tuple[float, float, float], value: float, noise: float) -> bool:
    mean, low, high = interval
    side = low - mean if value < mean else high - mean
    return abs(value - mean) <= float(np.hypot(side, 1.645 * noise))
