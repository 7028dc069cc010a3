"""Learn how alike attempts at one task are: the two latent correlations of the task-difficulty model.

A grid posterior per category. The prior is what published per-task results show; the likelihood is the 2 x 2 tables of
outcomes of pairs of attempts at one task, with pass rates held at their estimates. Pairs made by escalating (a second
attempt only after a failure) need no correction: given the first outcome, the second is looked at or not whatever the
correlation. Third attempts are left out, since what was looked at then depended on two outcomes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codex_router.decide import normal
from codex_router.decide.difficulty import (
    COMMON_NODES,
    OWN_NODES,
    Difficulty,
    common_share,
    own_share,
    solve_given_both,
    solve_given_common,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from codex_router.decide.columns import Key
    from codex_router.decide.estimator import Estimator
    from codex_router.decide.overlap import Overlap
    from codex_router.records import Aggregate

    Array = NDArray[np.float64]

GRID = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.96])
"""Correlations considered."""
KNOWN: dict[str, Difficulty] = {
    "bugfix": Difficulty(common=0.82, same=0.90),  # SWE-bench Verified .83, Multilingual .78, OpenHands swe-bench .88
    "feature": Difficulty(common=0.45, same=0.66),  # DeepSWE .31-.50, retries .66
    "test": Difficulty(common=0.60, same=0.80),  # OpenHands swt-bench .60, same model in another harness .67-.92
    "ops": Difficulty(common=0.62, same=0.85),  # Terminal-Bench 2 .62, retries .85
}
"""What published per-task results show, by category."""
UNKNOWN = Difficulty(common=0.60, same=0.80)
SPREAD_KNOWN, SPREAD_UNKNOWN = 0.5, 0.75
"""Standard deviation of the logit of a correlation, between suites of one category and between categories."""
PESSIMISTIC = 0.80
"""Quantile of the posterior that a promise of no loss rests on: the more alike attempts are, the less another helps."""


@dataclass(frozen=True, slots=True)
class Association:
    """Posterior of both correlations in one category."""

    common: Array
    """Weights on `GRID`, summing to 1."""
    same: Array
    pairs: float
    """Weight of pairs of attempts that it was learnt from."""

    def draws(self, n: int, seed: int) -> tuple[Array, Array]:
        """Return `n` draws of (common, same), evenly spread over the posterior and in random order."""
        rng = np.random.default_rng(seed)
        return tuple(rng.permutation(_quantiles(w, (np.arange(n) + 0.5) / n)) for w in (self.common, self.same))  # type: ignore[return-value]

    def pessimistic(self) -> Difficulty:
        """Return the pair that a promise of no loss should be made with."""
        common, same = (float(_quantiles(w, np.array([PESSIMISTIC]))[0]) for w in (self.common, self.same))
        return Difficulty(common=common, same=max(common, same))

    def middle(self) -> Difficulty:
        """Return the posterior medians."""
        common, same = (float(_quantiles(w, np.array([0.5]))[0]) for w in (self.common, self.same))
        return Difficulty(common=common, same=max(common, same))


def _quantiles(weights: Array, at: Array) -> Array:
    """Return quantiles of a distribution on `GRID`, straight lines between its points."""
    below = np.cumsum(weights) - 0.5 * weights
    return np.asarray(np.interp(at, below, GRID))


def associate(
    category: str, keys: Sequence[Key], overlap: Overlap, rates: Array, published: Sequence[Aggregate] = ()
) -> Association:
    """Learn the correlations of `category`.

    Args:
        category: pairs of this category are used.
        keys: the local cells, in the order of `overlap`.
        overlap: outcomes of pairs of attempts at one task.
        rates: fitted pass rate of each local cell.
        published: rows; those of the category with a pass@k inform the correlation of retries.
    """
    chosen = np.array([index for index, key in enumerate(keys) if key.category == category], dtype=int)
    models = np.array([keys[index].arm.model for index in chosen], dtype=object)
    alike = models[:, None] == models[None, :]
    mu = normal.quantile(rates[chosen])
    tables = [table[np.ix_(chosen, chosen)] for table in (overlap.both, overlap.first, overlap.neither)]
    prior = KNOWN.get(category, UNKNOWN)
    spread = SPREAD_KNOWN if category in KNOWN else SPREAD_UNKNOWN
    common = np.array([_pairs_fit(tables, ~alike, _both_of_two(mu, level), mu) for level in GRID])
    same = np.array([_pairs_fit(tables, alike, _both_of_one(mu, prior.common, level), mu) for level in GRID])
    again = [table[chosen] for table in (overlap.again_both, overlap.again_one, overlap.again_neither)]
    same += [_again_fit(again, _both_of_one(mu, prior.common, level), mu) for level in GRID]
    rows = [row for row in published if row.category == category and row.pass_at_k is not None and row.k]
    same += [sum((_pass_at_k_fit(row, level) for row in rows), 0.0) for level in GRID]
    return Association(
        common=_posterior(prior.common, spread, common),
        same=_posterior(prior.same, spread, same),
        pairs=float(sum(table.sum() for table in (*tables, tables[1].T)) / 2 + sum(one.sum() for one in again)),
    )


def associate_category(estimator: Estimator, category: str) -> Association:
    """Learn how alike attempts at tasks of `category` are, from a fitted estimator's evidence."""
    first = len(estimator.cells_.keys) - len(estimator.columns_.keys)
    rates = estimator.fitted_rates()[first:]
    return associate(category, estimator.columns_.keys, estimator.overlap_, rates, estimator.published_)


def _posterior(centre: float, spread: float, log_likelihood: Array) -> Array:
    logit = np.log(GRID / (1 - GRID))
    width = np.gradient(logit)  # the prior is a density in the logit; grid points stand for unequal stretches of it
    log = -0.5 * ((logit - np.log(centre / (1 - centre))) / spread) ** 2 + np.log(width) + log_likelihood
    weights = np.exp(log - log.max())
    return np.asarray(weights / weights.sum())


def _both_of_two(mu: Array, common: float) -> Array:
    """Return P(both solve) for all pairs of arms of different models."""
    solve = solve_given_common(mu, common_share(mu, common))
    return np.asarray((solve * normal.nodes(COMMON_NODES)[1]) @ solve.T)


def _both_of_one(mu: Array, common: float, same: float) -> Array:
    """Return P(both solve) for all pairs of arms of one model, retries on the diagonal."""
    weight = np.outer(normal.nodes(COMMON_NODES)[1], normal.nodes(OWN_NODES)[1]).ravel()
    own = own_share(mu, same)
    solve = solve_given_both(mu, common_share(mu, common, own), own).reshape(len(mu), len(weight))
    return np.asarray((solve * weight) @ solve.T)


def _pairs_fit(tables: list[Array], mask: Array, both: Array, mu: Array) -> float:
    rate = normal.cdf(mu)
    first = np.maximum(rate[:, None] - both, 1e-9)
    neither = np.maximum(1 - rate[:, None] - rate[None, :] + both, 1e-9)
    n11, n10, n00 = tables
    # Each unordered pair stands twice in the symmetric tables; n10 holds each of its two orders once.
    terms = 0.5 * n11 * np.log(np.maximum(both, 1e-9)) + n10 * np.log(first) + 0.5 * n00 * np.log(neither)
    return float(terms[mask].sum())


def _again_fit(again: list[Array], both: Array, mu: Array) -> float:
    rate, twice = normal.cdf(mu), np.maximum(np.diag(both), 1e-9)
    one, neither = np.maximum(2 * (rate - twice), 1e-9), np.maximum(1 - 2 * rate + twice, 1e-9)
    return float(np.sum(again[0] * np.log(twice) + again[1] * np.log(one) + again[2] * np.log(neither)))


def _pass_at_k_fit(row: Aggregate, same: float) -> float:
    mu = normal.quantile(np.array([row.pass_rate]))
    solve = solve_given_common(mu, own_share(mu, same))[0]
    failed = float(np.clip(((1 - solve) ** (row.k or 1)) @ normal.nodes(COMMON_NODES)[1], 1e-9, 1 - 1e-9))
    solved = row.pass_at_k or 0.0
    return float(row.n_tasks * (solved * np.log1p(-failed) + (1 - solved) * np.log(failed)))
