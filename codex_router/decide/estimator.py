"""The estimator: pass rate, cost and turns of every arm in every category, with what is not known kept wide.

A hierarchical generalised linear model for three responses (pass: binomial, logit; cost and turns: gamma, log), with
effects of model, effort steps, category, harness and their interactions. Published rows and local attempts enter one
fit; figures of other harnesses count as much as harnesses are known to differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from codex_router.decide import kernel
from codex_router.decide.cells import LOCAL, Cells, Key, Sums, cells_of
from codex_router.decide.laplace import Likelihood, Mode, binomial, find_mode, gamma
from codex_router.decide.priors import (
    COST_DISPERSION,
    COST_PRIOR,
    PASS_PRIOR,
    TURNS_DISPERSION,
    TURNS_PRIOR,
)
from codex_router.records import Estimate, Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from numpy.typing import NDArray

    from codex_router.records import Aggregate, Arm, Attempt

    Array = NDArray[np.float64]
    Family = Callable[[Array, Array], Likelihood]

Z90 = 1.6448536269514722
"""Standard normal quantile of .95: half a 90 % interval in standard deviations."""


@dataclass(frozen=True, slots=True)
class Fit:
    """One fitted response."""

    prior: kernel.Prior
    keys: tuple[Key, ...]
    """Cells with data on this response."""
    mode: Mode

    def predict(self, keys: Sequence[Key]) -> tuple[Array, Array]:
        """Return mean, shape (keys,), and covariance, shape (keys, keys), of the linear predictor."""
        mean, covariance = self.before(keys)
        if self.keys:
            cross = _covariance(self.prior, keys, self.keys)
            mean = mean + cross @ self.mode.alpha
            covariance = covariance - cross @ self.mode.precision @ cross.T
        return mean, covariance

    def before(self, keys: Sequence[Key]) -> tuple[Array, Array]:
        """Return the same before any data: the prior."""
        return kernel.prior_mean(self.prior, keys), _covariance(self.prior, keys, keys)


def _covariance(prior: kernel.Prior, left: Sequence[Key], right: Sequence[Key]) -> Array:
    learnt = kernel.covariance(prior.scales, kernel.shared(left, right))
    return kernel.fixed_covariance(prior, left, right) + learnt


class Estimator:
    """Estimates for one target harness.

    Args:
        target_harness: the agent program that estimates are wanted for.
        today: ISO date that the age of published rows is counted from; the newest row's date without it.
    """

    def __init__(self, target_harness: str = "codex", *, today: str | None = None) -> None:
        self.target_harness = target_harness
        self.today = today

    def fit(self, aggregates: Sequence[Aggregate], attempts: Sequence[Attempt] = ()) -> Self:
        """Learn from published rows and local attempts; a second fit forgets the first."""
        self.cells_: Cells = cells_of(aggregates, attempts, self.today)
        self.pass_ = _fit(PASS_PRIOR, self.cells_, self.cells_.passes, _start_logit, binomial)
        self.cost_ = _fit(COST_PRIOR, self.cells_, self.cells_.cost, np.log, partial(gamma, COST_DISPERSION))
        self.turns_ = _fit(TURNS_PRIOR, self.cells_, self.cells_.turns, np.log, partial(gamma, TURNS_DISPERSION))
        return self

    def estimate(self, arms: Sequence[Arm], categories: Sequence[str]) -> list[Estimate]:
        """Return one estimate per category and arm, categories outermost."""
        keys = [Key(arm, category, self.target_harness, LOCAL) for category in categories for arm in arms]
        if not keys:
            return []
        passes, costs, turns = self.pass_.predict(keys), self.cost_.predict(keys), self.turns_.predict(keys)
        worth = self._worth(keys, passes)
        p_pass, cost_usd, turns_ = rate_intervals(*passes), amount_intervals(*costs), amount_intervals(*turns)
        return [
            Estimate(
                arm=key.arm,
                category=key.category,
                harness=key.harness,
                p_pass=p_pass[index],
                cost_usd=cost_usd[index],
                turns=turns_[index],
                n_published=self._count(key, local=False),
                n_local=self._count(key, local=True),
                n_effective=worth[index],
                guess=not (self._count(key, local=False) or self._count(key, local=True)),
                n_model=self._count_model(key.arm.model),
            )
            for index, key in enumerate(keys)
        ]

    def _count(self, key: Key, *, local: bool) -> int:
        """Count attempts of this arm in this category, of any harness for published ones."""
        return round(
            sum(
                float(n)
                for other, n in zip(self.cells_.keys, self.cells_.attempts, strict=True)
                if other.arm == key.arm and other.category == key.category and (other.source == LOCAL) == local
            )
        )

    def _count_model(self, model: str) -> int:
        pairs = zip(self.cells_.keys, self.cells_.attempts, strict=True)
        return round(sum(float(n) for other, n in pairs if other.arm.model == model))

    def _worth(self, keys: Sequence[Key], passes: tuple[Array, Array]) -> list[float]:
        """Return how many attempts of one's own would teach as much as all the evidence did.

        An attempt adds p (1 - p) to the precision of the logit.
        """
        mean, covariance = passes
        before = np.diag(self.pass_.before(keys)[1])
        p = 1 / (1 + np.exp(-mean))
        gain = 1 / np.diag(covariance) - 1 / before
        return [float(max(n, 0.0)) for n in gain / (p * (1 - p))]


def _start_logit(rate: Array) -> Array:
    held = np.clip(rate, 0.02, 0.98)
    return np.asarray(np.log(held / (1 - held)))


def _fit(prior: kernel.Prior, cells: Cells, sums: Sums, start: Callable[[Array], Array], family: Family) -> Fit:
    """Fit one response to the cells that know something about it."""
    known = np.flatnonzero(sums.n > 0)
    keys = tuple(cells.keys[index] for index in known)
    covariance = _covariance(prior, keys, keys) + np.diag(kernel.row_variance(prior, keys))
    n, value = sums.n[known], sums.mean[known]
    mode = find_mode(covariance, kernel.prior_mean(prior, keys), family(n, value), start(value))
    return Fit(prior=prior, keys=keys, mode=mode)


def rate_intervals(mean: Array, covariance: Array) -> list[Interval]:
    """Return pass rates from logits: mean by MacKay's approximation of E[sigmoid], 90 % interval of the quantiles."""
    variance = np.diag(covariance)
    half = Z90 * np.sqrt(variance)
    middle = _sigmoid(mean / np.sqrt(1 + np.pi * variance / 8))
    return [
        Interval(*map(float, row)) for row in zip(middle, _sigmoid(mean - half), _sigmoid(mean + half), strict=True)
    ]


def amount_intervals(mean: Array, covariance: Array) -> list[Interval]:
    """Return means of log-normal amounts from their logs, with the 90 % interval of the quantiles."""
    variance = np.diag(covariance)
    half = Z90 * np.sqrt(variance)
    rows = zip(np.exp(mean + variance / 2), np.exp(mean - half), np.exp(mean + half), strict=True)
    return [Interval(*map(float, row)) for row in rows]


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))
