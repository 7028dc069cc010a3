"""One arm for everything, or another one where that credibly pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from codex_router.decide.estimator import Draws, Estimator
    from codex_router.records import Arm

    Array = NDArray[np.float64]

GAIN = 0.02
"""Least share of utility that a choice of one's own must gain; raw choices per category are no better than one arm."""
BELIEF = 0.80
"""Least probability that it gains at all."""


@dataclass(frozen=True, slots=True)
class ArmChoice:
    """The best single arms."""

    everywhere: Arm
    by_category: dict[str, Arm]
    belief: dict[str, float]
    """Probability that the category's arm beats the one chosen for everything."""


def utility(draws: Draws, value_usd: float, wrong_accepted_usd: float = 0.0) -> Array:
    """Return V p - L (1 - p) - c of one unchecked attempt, shape (draws, arms)."""
    return np.asarray(value_usd * draws.p_pass - wrong_accepted_usd * (1 - draws.p_pass) - draws.cost_usd)


def choose_arms(
    estimator: Estimator,
    arms: Sequence[Arm],
    shares: Mapping[str, float],
    value_usd: float,
    *,
    wrong_accepted_usd: float = 0.0,
    seed: int = 0,
) -> ArmChoice:
    """Choose the arm of the highest expected utility over all categories, and others only where credible.

    Args:
        estimator: fitted.
        arms: candidates.
        shares: weight of each category.
        value_usd: of a solved task.
        wrong_accepted_usd: loss of an unsolved one.
        seed: of the draws.
    """
    worth = {name: utility(estimator.draws(arms, name, seed=seed), value_usd, wrong_accepted_usd) for name in shares}
    total = sum(shares.values())
    overall = np.sum([share / total * worth[name].mean(axis=0) for name, share in shares.items()], axis=0)
    everywhere = int(np.argmax(overall))
    by_category, belief = {}, {}
    for name in shares:
        best = int(np.argmax(worth[name].mean(axis=0)))
        gain = worth[name][:, best] - worth[name][:, everywhere]
        chance = float((gain > 0).mean())
        credible = chance > BELIEF and gain.mean() > GAIN * abs(worth[name][:, everywhere].mean())
        by_category[name] = arms[best if credible else everywhere]
        belief[name] = chance
    return ArmChoice(arms[everywhere], by_category, belief)
