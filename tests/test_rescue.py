"""How often an arm solves what another failed at: closed forms at the ends, simulation in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import norm

from codex_router.decide.difficulty import Difficulty
from codex_router.decide.estimator import Draws
from codex_router.decide.policy import Check
from codex_router.decide.rescue import Rescue
from codex_router.records import Arm

if TYPE_CHECKING:
    from collections.abc import Mapping

CHEAP, DEAR = Arm("a", "low"), Arm("b", "high")
PERFECT = Check(0.0, 1.0, 0.0)


def rescue(rates: Mapping[str, tuple[float, float]], alike: Difficulty, check: Check = PERFECT) -> Rescue:
    draws = {name: Draws((CHEAP, DEAR), name, np.array([pair, pair]), np.ones((2, 2))) for name, pair in rates.items()}
    return Rescue(draws, dict.fromkeys(rates, alike), {name: 1 / len(rates) for name in rates}, check)


def test_when_attempts_have_nothing_in_common_it_is_the_pass_rate() -> None:
    assert rescue({"bugfix": (0.4, 0.7)}, Difficulty(0.0, 0.0)).chance(CHEAP, DEAR) == pytest.approx(0.7, abs=1e-6)


def test_it_agrees_with_simulated_tasks() -> None:
    rng = np.random.default_rng(1)
    alike = Difficulty(common=0.6, same=0.8)
    p = 0.674  # where both correlations are stated: at this pass rate the share of the common part is .6 itself
    u, own = rng.standard_normal(2_000_000), rng.standard_normal((2, 2_000_000))
    score = np.sqrt(0.6) * u + np.sqrt(0.4) * own + norm.ppf(p)
    failed = score[0] <= 0

    found = rescue({"test": (p, p)}, alike).chance(CHEAP, DEAR)

    assert found == pytest.approx((score[1][failed] > 0).mean(), abs=0.005)


def test_right_results_that_the_check_rejected_are_solved_again_more_often() -> None:
    alike = Difficulty(common=0.6, same=0.8)
    strict = rescue({"test": (0.6, 0.7)}, alike, Check(0.0, 0.8, 0.0)).chance(CHEAP, DEAR)

    assert rescue({"test": (0.6, 0.7)}, alike).chance(CHEAP, DEAR) < strict < 0.7


def test_categories_count_by_how_many_of_their_tasks_are_rejected() -> None:
    independent = Difficulty(0.0, 0.0)
    both = rescue({"a": (0.9, 0.9), "b": (0.1, 0.3)}, independent).chance(CHEAP, DEAR)

    assert both == pytest.approx((0.1 * 0.9 + 0.9 * 0.3) / (0.1 + 0.9), abs=1e-6)
