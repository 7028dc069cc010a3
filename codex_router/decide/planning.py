"""Which arms to try in which order, for one category: every sequence forecast, then one chosen.

`value` maximises what a plan is worth: value of what is solved, minus losses and spend. `no-loss` minimises the spend
among the sequences that very probably solve as much as a reference arm, on a pessimistic view of how alike attempts
are. No arm is tried twice on a task: another arm, or a person, helps more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from codex_router.decide.association import Association, associate_category
from codex_router.decide.cases import Replay, cases_of
from codex_router.decide.forecast import Forecaster, Forecasts
from codex_router.errors import RouterError
from codex_router.records import Arm, Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from codex_router.decide.estimator import Estimator
    from codex_router.decide.policy import Check

    Array = NDArray[np.float64]

Objective = Literal["value", "no-loss"]
DRAWS, DRAWS_MANY = 400, 200
"""Plausible worlds that a plan is judged in; fewer when there are many sequences."""
FEW_ARMS = 16
CHEAPER = 0.8
"""An arm is left out when another passes at least as often for this share of its cost."""
LONG_POOL = 12
"""Arms considered for sequences of three and more."""


@dataclass(frozen=True, slots=True)
class Stakes:
    """What results are worth, USD, and how they are judged."""

    value_usd: float
    check: Check
    wrong_accepted_usd: float = 0.0
    hand_over_usd: float = 0.0
    tolerance: float = 0.01
    """Share of tasks that a promise of no loss may fall short by."""
    confidence: float = 0.80
    """Probability that such a promise is kept."""


@dataclass(frozen=True, slots=True)
class Option:
    """A sequence and what is expected of it."""

    arms: tuple[Arm, ...]
    checked: bool
    """Whether results are checked; a single attempt may go unchecked."""
    resolved: Interval
    """Share of tasks solved and accepted."""
    wrong_accepted: Interval
    """Share of tasks with a wrong result accepted."""
    handed_over: Interval
    """Share of tasks whose every result was rejected."""
    spend_usd: Interval
    """Attempts and checks per task."""
    worth_usd: Interval
    """Value minus losses and spend per task."""
    p_no_loss: float
    """Probability that it resolves as much as the reference, within the tolerance."""


@dataclass(frozen=True, slots=True)
class SequencePlan:
    """The choice for one category."""

    category: str
    objective: Objective
    chosen: Option
    first: Option
    """One unchecked attempt of the chosen sequence's first arm, to compare with."""
    reference: Option
    runners_up: tuple[tuple[Option, float], ...]
    """Next best options, and the probability that each is at least as good as the chosen one."""
    considered: tuple[Option, ...]
    """All sequences, when asked for."""
    association: Association

    @property
    def clear(self) -> bool:
        """Whether no runner-up is better with a probability above one in five."""
        return all(probability <= 0.2 for _, probability in self.runners_up)


class Planner:
    """Plans for one category.

    Args:
        estimator: fitted.
        arms: candidates; the reference is added when missing.
        category: kind of task.
        stakes: values, losses, check.
        attempts: longest sequence.
        reference: the arm that a promise of no loss is measured against; the highest pass rate without it.
        seed: of all draws; the same seed gives the same plan.
    """

    def __init__(
        self,
        estimator: Estimator,
        arms: Sequence[Arm],
        category: str,
        stakes: Stakes,
        *,
        attempts: int = 2,
        reference: Arm | None = None,
        seed: int = 0,
    ) -> None:
        self.estimator = estimator
        self.arms = tuple(dict.fromkeys([*arms, *([reference] if reference else [])]))
        self.category = category
        self.stakes = stakes
        self.attempts = attempts
        self.seed = seed
        if not self.arms:
            raise RouterError("no arms to choose from", hint="name measured models with `--models`")
        count = DRAWS if attempts <= 2 and len(self.arms) <= FEW_ARMS else DRAWS_MANY
        self.draws = estimator.draws(self.arms, category, count, seed)
        self.association = associate_category(estimator, category)
        mean = self.draws.p_pass.mean(axis=0)
        self.reference = self.arms.index(reference) if reference else int(np.argmax(mean))
        cases = cases_of(estimator.columns_, self.arms, category, estimator.target_harness)
        self.replay = Replay(cases, count, seed)

    def plan(self, objective: Objective, *, everything: bool = False, naive: bool = False) -> SequencePlan:
        """Choose.

        Args:
            objective: what is wanted.
            everything: `considered` holds sequences of dominated arms too.
            naive: take attempts for independent, as a warning example.
        """
        forecaster = self._naive() if naive else self._forecaster(objective)
        pool = self._pool()
        wanted = range(len(self.arms)) if everything and self.attempts <= 2 else pool
        parts = [forecaster.singles(), forecaster.sequences(self.attempts, list(wanted), retries=everything)]
        table = self._table(parts, replayed=not naive)
        fair = {*pool, self.reference}
        eligible = np.array([set(steps) <= fair and len(set(steps)) == len(steps) for steps in table.sequences])
        worth = self._worth(table)
        safe = table.resolved >= table.resolved[self.reference] - self.stakes.tolerance
        chosen, order, better = self._choose(objective, table, worth, safe, eligible)
        best = [index for index in order if index != chosen][:3]
        shown = [chosen, table.sequences[chosen][0], self.reference, *best]
        options = self._options(table, worth, safe, shown)
        return SequencePlan(
            category=self.category,
            objective=objective,
            chosen=options[0],
            first=options[1],
            reference=options[2],
            runners_up=tuple(zip(options[3:], better[best].tolist(), strict=True)),
            considered=tuple(self._options(table, worth, safe, range(len(table.sequences)))) if everything else (),
            association=self.association,
        )

    def _forecaster(self, objective: Objective) -> Forecaster:
        common: Array | float
        same: Array | float
        if objective == "no-loss":
            hard = self.association.pessimistic()
            common, same = hard.common, hard.same
        else:
            common, same = self.association.draws(len(self.draws.p_pass), self.seed)
        models = [arm.model for arm in self.arms]
        return Forecaster(models, self.draws.p_pass, self.draws.cost_usd, common, same, self.stakes.check)

    def _naive(self) -> Forecaster:
        models = [arm.model for arm in self.arms]
        return Forecaster(models, self.draws.p_pass, self.draws.cost_usd, 0.0, 0.0, self.stakes.check)

    def _pool(self) -> list[int]:
        """Return the arms that are not dominated; for long sequences the most useful of them only."""
        p, c = self.draws.p_pass.mean(axis=0), self.draws.cost_usd.mean(axis=0)
        dominated = (p[None, :] >= p[:, None]) & (c[None, :] <= CHEAPER * c[:, None])
        pool = [index for index in range(len(p)) if not dominated[index].any()]
        if self.attempts <= 2 or len(pool) <= LONG_POOL:
            return pool
        by_cost = sorted(pool, key=lambda index: (c[index], index))
        picked = np.unique(np.linspace(0, len(by_cost) - 1, LONG_POOL).round().astype(int))
        return sorted(by_cost[index] for index in picked)

    def _table(self, parts: Sequence[Forecasts], *, replayed: bool) -> Forecasts:
        """Join forecasts and mix each with its replay."""
        names = ("resolved", "wrong_accepted", "spend_usd")
        joined = Forecasts(
            tuple(steps for part in parts for steps in part.sequences),
            tuple(flag for part in parts for flag in part.checked),
            *(np.concatenate([getattr(part, name) for part in parts]) for name in names),
        )
        return self.replay.mix(joined, self.stakes.check) if replayed else joined

    def _worth(self, table: Forecasts) -> Array:
        stakes = self.stakes
        handed_over = 1 - table.resolved - table.wrong_accepted
        losses = stakes.wrong_accepted_usd * table.wrong_accepted + stakes.hand_over_usd * handed_over
        return np.asarray(stakes.value_usd * table.resolved - losses - table.spend_usd)

    def _choose(
        self, objective: Objective, table: Forecasts, worth: Array, safe: Array, eligible: NDArray[np.bool_]
    ) -> tuple[int, list[int], Array]:
        """Return the chosen option, the best ones in order, and the chance of each to beat the chosen one."""
        if objective == "value":
            order = sorted(np.flatnonzero(eligible).tolist(), key=lambda index: (-worth[index].mean(), index))
            return order[0], order[:4], np.asarray((worth >= worth[order[0]]).mean(axis=1))
        keeps = eligible & (safe.mean(axis=1) >= self.stakes.confidence)
        keeps[self.reference] = True
        spend = table.spend_usd.mean(axis=1)
        order = sorted(np.flatnonzero(keeps).tolist(), key=lambda index: (spend[index], index))
        return order[0], order[:4], np.asarray((table.spend_usd <= table.spend_usd[order[0]]).mean(axis=1))

    def _options(self, table: Forecasts, worth: Array, safe: Array, rows: Sequence[int]) -> list[Option]:
        index = list(rows)
        resolved, wrong = table.resolved[index], table.wrong_accepted[index]
        shares = (resolved, wrong, np.maximum(1 - resolved - wrong, 0.0), table.spend_usd[index], worth[index])
        columns = [intervals(one) for one in shares]
        return [
            Option(
                arms=tuple(self.arms[step] for step in table.sequences[row]),
                checked=table.checked[row],
                resolved=columns[0][at],
                wrong_accepted=columns[1][at],
                handed_over=columns[2][at],
                spend_usd=columns[3][at],
                worth_usd=columns[4][at],
                p_no_loss=float(safe[row].mean()),
            )
            for at, row in enumerate(index)
        ]


def intervals(draws: Array) -> list[Interval]:
    """Return mean and 90 % interval over the draws, one per row."""
    low, high = np.quantile(draws, [0.05, 0.95], axis=1)
    rows = zip(draws.mean(axis=1).tolist(), low.tolist(), high.tolist(), strict=True)
    return [Interval(*row) for row in rows]
