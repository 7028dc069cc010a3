"""The estimator: pass rate, cost and turns of every arm in every category, with what is not known kept wide.

A hierarchical generalised linear model for three responses (pass: binomial, logit; cost and turns: gamma, log), with
effects of model, effort steps, category, harness and their interactions. Published rows and local attempts enter one
fit; figures of other harnesses count as much as harnesses are known to differ.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codex_router.decide import priors
from codex_router.decide.budgets import TurnsShape, shape_of
from codex_router.decide.cells import Cells, cells_of
from codex_router.decide.columns import LOCAL, Columns, Key, columns_of
from codex_router.decide.kernel import prior_variance
from codex_router.decide.overlap import Overlap, error_correlation, overlap_of
from codex_router.decide.response import Response, fit_amount, fit_pass
from codex_router.decide.summed import key_of
from codex_router.records import Estimate, Interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from numpy.typing import NDArray

    from codex_router.records import Aggregate, Arm, Attempt, Summed

    Array = NDArray[np.float64]

Z90 = 1.6448536269514722
"""Standard normal quantile of .95: half a 90 % interval in standard deviations."""


@dataclass(frozen=True, slots=True)
class Draws:
    """Plausible worlds: joint draws from the posterior for arms in one category."""

    arms: tuple[Arm, ...]
    category: str
    p_pass: Array
    """Shape (draws, arms)."""
    cost_usd: Array
    """Mean cost of an attempt, shape (draws, arms)."""


class Estimator:
    """Estimates for one target harness.

    Args:
        target_harness: the agent program that estimates are wanted for.
        today: ISO date that the age of published rows is counted from; the newest row's date without it.
    """

    def __init__(self, target_harness: str = "codex", *, today: str | None = None) -> None:
        self.target_harness = target_harness
        self.today = today

    def fit(
        self, aggregates: Sequence[Aggregate], attempts: Sequence[Attempt] = (), summed: Sequence[Summed] = ()
    ) -> Self:
        """Learn from published rows and local attempts; a second fit forgets the first.

        Args:
            aggregates: published rows.
            attempts: local ones, one by one.
            summed: further local ones, as sums; the estimates are those of the same attempts one by one.
        """
        self.published_: tuple[Aggregate, ...] = tuple(aggregates)
        self.columns_: Columns = columns_of(attempts, map(key_of, summed))
        self.overlap_: Overlap = overlap_of(self.columns_)
        self.cells_: Cells = cells_of(aggregates, self.columns_, self.today, summed)
        self.turns_shape_: TurnsShape = shape_of(self.columns_, summed)
        keys = self.cells_.keys
        self.pass_: Response = fit_pass(priors.PASS_PRIOR, keys, self.cells_.passes, self._error_correlation())
        self.cost_: Response = fit_amount(priors.COST_PRIOR, keys, self.cells_.cost, priors.COST_LOG_VARIANCE)
        self.turns_: Response = fit_amount(priors.TURNS_PRIOR, keys, self.cells_.turns, priors.TURNS_LOG_VARIANCE)
        return self

    def estimate(self, arms: Sequence[Arm], categories: Sequence[str]) -> list[Estimate]:
        """Return one estimate per category and arm, categories outermost."""
        keys = self._targets(arms, categories)
        passes = self.pass_.predict_each(keys)
        columns = zip(
            keys,
            rate_intervals(*passes),
            amount_intervals(*self.cost_.predict_each(keys)),
            amount_intervals(*self.turns_.predict_each(keys)),
            self._worth(keys, *passes),
            strict=True,
        )
        published, local, of_model = self._counts()
        return [
            Estimate(
                arm=key.arm,
                category=key.category,
                harness=key.harness,
                p_pass=p_pass,
                cost_usd=cost_usd,
                turns=turns,
                n_published=published[key.arm, key.category],
                n_local=local[key.arm, key.category],
                n_effective=worth,
                guess=not (published[key.arm, key.category] or local[key.arm, key.category]),
                n_model=of_model[key.arm.model],
            )
            for key, p_pass, cost_usd, turns, worth in columns
        ]

    def draws(self, arms: Sequence[Arm], category: str, n: int = 200, seed: int = 0) -> Draws:
        """Draw `n` plausible worlds; they come in pairs mirrored about the mean, which keeps averages exact."""
        keys = self._targets(arms, [category])
        rng = np.random.default_rng(seed)
        logit = _gaussian(rng, n, *self.pass_.predict(keys))
        log_cost = _gaussian(rng, n, *self.cost_.predict(keys))
        return Draws(tuple(arms), category, p_pass=_sigmoid(logit), cost_usd=np.exp(log_cost))

    def fitted_rates(self) -> Array:
        """Return the fitted pass rate of every cell; of cells without outcomes, the predicted one."""
        return _sigmoid(self.pass_.predict_each(self.cells_.keys)[0]) if self.cells_.keys else np.zeros(0)

    def _targets(self, arms: Sequence[Arm], categories: Sequence[str]) -> list[Key]:
        return [Key(arm, category, self.target_harness, LOCAL) for category in categories for arm in arms]

    def _counts(self) -> tuple[Counter[object], Counter[object], Counter[object]]:
        """Count attempts by (arm, category), of any harness for published ones; and by model."""
        published, local, of_model = Counter[object](), Counter[object](), Counter[object]()
        for key, n in zip(self.cells_.keys, self.cells_.attempts, strict=True):
            (local if key.source == LOCAL else published)[key.arm, key.category] += round(float(n))
            of_model[key.arm.model] += round(float(n))
        return published, local, of_model

    def _worth(self, keys: Sequence[Key], mean: Array, variance: Array) -> list[float]:
        """Return how many attempts of one's own would teach as much as all the evidence did.

        An attempt adds p (1 - p) to the precision of the logit.
        """
        p = _sigmoid(mean)
        gain = 1 / variance - 1 / prior_variance(self.pass_.prior, keys)
        return [float(max(n, 0.0)) for n in gain / (p * (1 - p))]

    def _error_correlation(self) -> Array:
        """Return the correlation of the errors of all cells: local ones share tasks, published ones stand alone."""
        correlation = np.eye(len(self.cells_.keys))
        first_local = len(correlation) - len(self.overlap_.shared)
        correlation[first_local:, first_local:] = error_correlation(self.overlap_)
        return correlation


def _gaussian(rng: np.random.Generator, n: int, mean: Array, covariance: Array) -> Array:
    """Draw from a Gaussian, shape (n, dimensions); the second half mirrors the first."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    half = rng.standard_normal(((n + 1) // 2, len(mean))) @ root.T
    return np.asarray(mean + np.concatenate([half, -half])[:n])


def rate_intervals(mean: Array, variance: Array) -> list[Interval]:
    """Return pass rates from logits: MacKay's approximation of E[sigmoid], and the quantiles of the logit."""
    half = Z90 * np.sqrt(variance)
    middle = _sigmoid(mean / np.sqrt(1 + np.pi * variance / 8))
    return _intervals(middle, _sigmoid(mean - half), _sigmoid(mean + half))


def amount_intervals(mean: Array, variance: Array) -> list[Interval]:
    """Return means of log-normal amounts from their logs, with the 90 % interval of the quantiles."""
    half = Z90 * np.sqrt(variance)
    return _intervals(np.exp(mean + variance / 2), np.exp(mean - half), np.exp(mean + half))


def _intervals(*columns: Array) -> list[Interval]:
    return [Interval(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))
