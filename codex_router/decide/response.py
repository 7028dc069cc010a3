"""One fitted response: pass, cost or turns of all cells, and what it predicts for others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from codex_router.decide import kernel, normal
from codex_router.decide.amounts import Spread, efficient_means, spread_of
from codex_router.decide.laplace import Likelihood, Mode, binomial, curve, find_mode, gamma
from codex_router.decide.scales import moved, updated_scales

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from codex_router.decide.cells import Sums
    from codex_router.decide.columns import Key

    Array = NDArray[np.float64]
    Family = Callable[[Array, Array], Likelihood]

PASSES = 12
"""Rounds of learning the scales, at most."""
SETTLED = 0.02
"""Scales have settled when no variance moved by more than this share."""


ROUGH = 1e-2
"""Newton steps shorter than this do not matter while the scales still move."""


@dataclass(frozen=True, slots=True)
class Response:
    """One fitted response."""

    prior: kernel.Prior
    """With the scales learnt."""
    keys: tuple[Key, ...]
    """Cells with data on this response."""
    mode: Mode

    def predict(self, keys: Sequence[Key]) -> tuple[Array, Array]:
        """Return mean, shape (keys,), and covariance, shape (keys, keys), of the linear predictor."""
        cross = _covariance(self.prior, keys, self.keys)
        covariance = _covariance(self.prior, keys, keys) - cross @ self.mode.precision @ cross.T
        return kernel.prior_mean(self.prior, keys) + cross @ self.mode.alpha, covariance

    def predict_each(self, keys: Sequence[Key]) -> tuple[Array, Array]:
        """Return mean and variance of each linear predictor, shape (keys,) both."""
        cross = _covariance(self.prior, keys, self.keys)
        variance = kernel.prior_variance(self.prior, keys) - np.sum((cross @ self.mode.precision) * cross, axis=1)
        return kernel.prior_mean(self.prior, keys) + cross @ self.mode.alpha, np.maximum(variance, 1e-12)


def _covariance(prior: kernel.Prior, left: Sequence[Key], right: Sequence[Key]) -> Array:
    learnt = kernel.covariance(prior.scales, kernel.shared(left, right))
    return kernel.fixed_covariance(prior, left, right) + learnt


def fit_pass(prior: kernel.Prior, keys: Sequence[Key], sums: Sums, correlation: Array) -> Response:
    """Fit pass rates; `correlation` is that of the errors of the cells, which tasks they share give rise to."""
    rows = _Rows.of(prior, keys, sums)
    held = np.clip(rows.sums.mean, 0.02, 0.98)
    prior, mode = _settle(rows, prior, lambda _: binomial(rows.sums.n, rows.sums.mean), np.log(held / (1 - held)))
    ties = correlation[np.ix_(rows.known, rows.known)]
    mode = curve(rows.covariance(prior), rows.prior_mean, binomial(rows.sums.n, rows.sums.mean), mode.eta, ties)
    return Response(prior, rows.keys, mode)


def fit_amount(prior: kernel.Prior, keys: Sequence[Key], sums: Sums, log_variance: float) -> Response:
    """Fit costs or turns; `log_variance` is the default one of a single attempt."""
    rows = _Rows.of(prior, keys, sums)
    models = [key.arm.model for key in rows.keys]

    def likelihood(eta: Array) -> Likelihood:
        spread = spread_of(log_variance, models, rows.sums, eta)
        mean, variance = efficient_means(rows.sums, spread)
        return gamma(variance, *with_cut(rows.sums, mean, spread, eta))

    prior, mode = _settle(rows, prior, likelihood, np.log(rows.sums.mean))
    return Response(prior, rows.keys, mode)


def with_cut(sums: Sums, mean: Array, spread: Spread, eta: Array) -> tuple[Array, Array]:
    """Return numbers and means with cut attempts counted as what they would have come to on average.

    For a log-normal T of mean exp(eta): E[T | T > B] = E[T] Phi((m + s^2 - ln B) / s) / Phi((m - ln B) / s).
    """
    if sums.cut_n is None or sums.cut_mean is None:
        return sums.n, mean
    s = np.sqrt(spread.log_variance)
    gap = (eta - s**2 / 2 - np.log(sums.cut_mean)) / s
    beyond = np.exp(eta) * normal.cdf(gap + s) / np.maximum(normal.cdf(gap), 1e-12)
    n = sums.n + sums.cut_n
    return n, (sums.n * mean + sums.cut_n * np.maximum(beyond, sums.cut_mean)) / n


@dataclass(frozen=True, slots=True)
class _Rows:
    """The cells that know something about a response, and what they share."""

    known: NDArray[np.int64]
    keys: tuple[Key, ...]
    sums: Sums
    groups: Mapping[str, Array]
    levels: Mapping[str, int]
    fixed: Array
    prior_mean: Array

    @classmethod
    def of(cls, prior: kernel.Prior, keys: Sequence[Key], sums: Sums) -> _Rows:
        known = np.flatnonzero(sums.n + (0.0 if sums.cut_n is None else sums.cut_n) > 0).astype(np.int64)
        own = tuple(keys[index] for index in known.tolist())
        return cls(
            known=known,
            keys=own,
            sums=sums.of(known),
            groups=kernel.shared(own, own),
            levels=kernel.levels(own),
            fixed=kernel.fixed_covariance(prior, own, own) + np.diag(kernel.row_variance(prior, own)),
            prior_mean=kernel.prior_mean(prior, own),
        )

    def covariance(self, prior: kernel.Prior) -> Array:
        return self.fixed + kernel.covariance(prior.scales, self.groups)


def _settle(
    rows: _Rows, prior: kernel.Prior, likelihood: Callable[[Array], Likelihood], start: Array
) -> tuple[kernel.Prior, Mode]:
    """Alternate between the mode and the scales until the scales stay, then climb to the mode for good."""
    defaults, eta = prior.scales, start
    for _ in range(PASSES if len(rows.keys) else 0):
        mode = find_mode(rows.covariance(prior), rows.prior_mean, likelihood(eta), eta, max_steps=3, tolerance=ROUGH)
        scales = updated_scales(prior.scales, defaults, rows.groups, rows.levels, mode)
        change, eta = moved(prior.scales, scales), mode.eta
        prior = replace(prior, scales=scales)
        if change < SETTLED:
            break
    return prior, find_mode(rows.covariance(prior), rows.prior_mean, likelihood(eta), eta)
