"""What sequences of arms would solve, let through and spend, in every plausible world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from codex_router.decide import normal
from codex_router.decide.difficulty import (
    COMMON_NODES,
    OWN_NODES,
    common_share,
    cost_factor,
    own_share,
    solve_given_both,
    solve_given_common,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from codex_router.decide.policy import Check

    Array = NDArray[np.float64]

Steps = tuple[int, ...]
"""A sequence, as indices of arms."""


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Shares and spend of sequences, arrays of shape (sequences, draws)."""

    sequences: tuple[Steps, ...]
    checked: tuple[bool, ...]
    """Whether results are checked; a single attempt may go unchecked."""
    resolved: Array
    """Share of tasks solved and accepted."""
    wrong_accepted: Array
    """Share of tasks with a wrong result accepted."""
    spend_usd: Array
    """Cost of all attempts and checks per task, USD."""


class _Reach(NamedTuple):
    """A sequence so far: what its steps did, and the chance of getting beyond them, by draw and node of u."""

    steps: Steps
    left: Array
    resolved: Array
    wrong: Array
    spend: Array


def exact(solve: Array, rate: Array) -> Array:
    """Return P(solved | u) corrected so that its mean is exactly the rate; quadrature alone is a little off.

    Chances of success, or of failure, are scaled down, so they stay between 0 and 1.
    """
    mean = solve @ normal.nodes(solve.shape[-1])[1]
    down = rate / np.maximum(mean, 1e-300)
    up = (1 - rate) / np.maximum(1 - mean, 1e-300)
    lower = (mean > rate)[..., None]
    return np.where(lower, solve * down[..., None], 1 - (1 - solve) * up[..., None])


class Forecaster:
    """Forecasts for a set of arms in one category.

    Args:
        models: the model of each arm; arms of one model share what that model finds hard.
        p_pass: pass rates, shape (draws, arms).
        cost_usd: mean costs of an attempt, shape (draws, arms).
        common, same: latent correlations (`codex_router.decide.difficulty.Difficulty`), one each or one per draw.
        check: what decides whether a result is accepted.
    """

    def __init__(
        self,
        models: Sequence[str],
        p_pass: Array,
        cost_usd: Array,
        common: Array | float,
        same: Array | float,
        check: Check,
    ) -> None:
        self.models = tuple(models)
        self.check = check
        draws = len(p_pass)
        self._mu = normal.quantile(p_pass).T
        self._own = own_share(self._mu, np.broadcast_to(np.asarray(same, dtype=float), (draws,)))
        level = np.broadcast_to(np.asarray(common, dtype=float), (draws,))
        self._share = common_share(self._mu, level, self._own)
        self._solve = exact(solve_given_common(self._mu, self._share), p_pass.T)
        self._cost = cost_usd.T[..., None] * cost_factor()
        self._weight = normal.nodes(COMMON_NODES)[1]
        self._own_weight = normal.nodes(OWN_NODES)[1]
        self._both: dict[int, Array] = {}

    def singles(self) -> Forecasts:
        """Return one attempt of each arm without a check: pass rate and cost as estimated."""
        resolved = self._solve @ self._weight
        arms = tuple((index,) for index in range(len(self.models)))
        return Forecasts(arms, (False,) * len(arms), resolved, 1 - resolved, self._cost @ self._weight)

    def sequences(self, longest: int, arms: Sequence[int] | None = None, *, retries: bool = True) -> Forecasts:
        """Return every sequence of up to `longest` of `arms`, each attempt checked; retries of an arm if wanted."""
        pool = np.arange(len(self.models)) if arms is None else np.array(arms, dtype=int)
        found = list(self._extend(self._start(), longest, pool, retries=retries))
        stack = [np.array([getattr(one, name) for one in found]) for name in ("resolved", "wrong", "spend")]
        return Forecasts(tuple(one.steps for one in found), (True,) * len(found), *stack)

    def _start(self) -> _Reach:
        zero = np.zeros(self._mu.shape[1])
        return _Reach((), np.ones(self._solve.shape[1:]), zero, zero, zero)

    def _extend(self, so_far: _Reach, longest: int, pool: NDArray[np.int64], *, retries: bool) -> Iterator[_Reach]:
        if len(so_far.steps) == longest:
            return
        for longer in self._steps(so_far, pool if retries else pool[~np.isin(pool, so_far.steps)]):
            yield longer
            yield from self._extend(longer, longest, pool, retries=retries)

    def _steps(self, so_far: _Reach, pool: NDArray[np.int64]) -> list[_Reach]:
        """Try each arm of `pool` next, on the tasks whose results were rejected so far."""
        check, left = self.check, so_far.left
        solve = self._solve_after(so_far.steps, pool)
        solved, reach = (left * solve) @ self._weight, left @ self._weight
        accepted = check.sensitivity * solve + check.false_accept * (1 - solve)
        beyond = left * (1 - accepted)
        resolved = so_far.resolved + check.sensitivity * solved
        wrong = so_far.wrong + check.false_accept * (reach - solved)
        spend = so_far.spend + (left * self._cost[pool]) @ self._weight + check.cost_usd * reach
        return [
            _Reach((*so_far.steps, int(arm)), beyond[i], resolved[i], wrong[i], spend[i]) for i, arm in enumerate(pool)
        ]

    def _solve_after(self, steps: Steps, pool: NDArray[np.int64]) -> Array:
        """Return P(solved | u, earlier results rejected): efforts and retries of one model share its own factor."""
        solve = self._solve[pool]
        tried = {self.models[step] for step in steps}
        for position, arm in enumerate(pool):
            if self.models[arm] in tried:
                solve[position] = self._solve_like(steps, int(arm))
        return np.asarray(solve)

    def _solve_like(self, steps: Steps, arm: int) -> Array:
        left = np.ones((1, 1, 1))
        for step in steps:
            if self.models[step] == self.models[arm]:
                solve = self._given_both(step)
                left = left * (1 - self.check.sensitivity * solve - self.check.false_accept * (1 - solve))
        reach = left @ self._own_weight
        solved = (left * self._given_both(arm)) @ self._own_weight
        return np.asarray(np.divide(solved, reach, out=np.zeros_like(solved), where=reach > 0))

    def _given_both(self, arm: int) -> Array:
        if arm not in self._both:
            self._both[arm] = solve_given_both(self._mu[arm], self._share[arm], self._own[arm])
        return self._both[arm]
