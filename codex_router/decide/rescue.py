"""How often another arm solves what one has just failed at: what escalating is worth.

After a failure a task is probably a hard one, so this is well below the other arm's pass rate: on Terminal-Bench 2,
arms that pass 60 to 80 % solve 42 % of what an equally good one failed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codex_router.decide.association import associate_category
from codex_router.decide.forecast import Forecaster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_router.decide.difficulty import Difficulty
    from codex_router.decide.estimator import Draws, Estimator
    from codex_router.decide.policy import Check
    from codex_router.records import Arm


@dataclass(frozen=True, slots=True)
class Rescue:
    """What is needed to tell how often one arm solves what another failed at."""

    draws: Mapping[str, Draws]
    """By category."""
    alike: Mapping[str, Difficulty]
    """How alike attempts are, by category."""
    shares: Mapping[str, float]
    """How common categories are; they sum to 1."""
    check: Check

    def chance(self, failed: Arm, arm: Arm) -> float:
        """Return P(`arm` solves a task | the result of `failed` was rejected), averaged over the categories."""
        solved = rejected = 0.0
        for category, share in self.shares.items():
            one, both = self._after(category, failed, arm)
            rejected += share * one
            solved += share * both
        return solved / rejected if rejected > 0 else 0.0

    def _after(self, category: str, failed: Arm, arm: Arm) -> tuple[float, float]:
        """Return the shares of tasks whose first result is rejected, and of those that `arm` then solves."""
        draws, alike = self.draws[category], self.alike[category]
        p = draws.p_pass.mean(axis=0)[[draws.arms.index(failed), draws.arms.index(arm)]]
        models = [failed.model, arm.model]
        forecaster = Forecaster(models, p[None, :], np.ones((1, 2)), alike.common, alike.same, self.check)
        found = forecaster.sequences(2, retries=False)
        first, then = found.sequences.index((0,)), found.sequences.index((0, 1))
        rejected = 1 - found.resolved[first, 0] - found.wrong_accepted[first, 0]
        accepted = found.resolved[then, 0] - found.resolved[first, 0]
        return float(rejected), float(accepted / self.check.sensitivity) if self.check.sensitivity else 0.0


def rescue_for(estimator: Estimator, draws: Mapping[str, Draws], shares: Mapping[str, float], check: Check) -> Rescue:
    """Learn how alike attempts are in every category, and be ready to answer."""
    alike = {name: associate_category(estimator, name).middle() for name in shares}
    return Rescue(draws, alike, shares, check)
