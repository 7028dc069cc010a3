"""How long fitting and deciding take, as ratios to plain work on the same machine; asserts nothing.

Run ``python tests/benchmarks/decide_speed.py`` with ``OPENBLAS_NUM_THREADS=1`` for one core.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from codex_router.decide.estimator import Estimator
from codex_router.decide.planning import Planner, Stakes
from codex_router.decide.policy import Check
from codex_router.records import Arm, Attempt

EFFORTS = ("low", "medium", "high", "xhigh", "max")
CATEGORIES = ("bugfix", "feature", "test", "ops", "docs")
ARMS = [Arm(f"model-{index}", effort) for index in range(8) for effort in EFFORTS]


def attempts(count: int) -> list[Attempt]:
    """Make up `count` attempts of 40 arms in five categories, on tasks of which many are tried again."""
    rng = np.random.default_rng(0)
    arm, category, task = (rng.integers(n, size=count) for n in (len(ARMS), len(CATEGORIES), max(count // 2, 1)))
    solved, cost, turns = rng.random(count) < 0.6, np.exp(rng.normal(-1, 1, count)), rng.integers(10, 100, count)
    return [
        Attempt(str(i), str(task[i]), CATEGORIES[category[i]], ARMS[arm[i]], "codex", "yes" if solved[i] else "no",
                float(cost[i]), int(turns[i]), 1.0, "completed", "2026-10-01")
        for i in range(count)
    ]  # fmt: skip


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """Return the best processor time of a few runs."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def fit_and_decide(runs: list[Attempt]) -> None:
    """Fit all evidence and plan one category."""
    estimator = Estimator().fit([], runs)
    Planner(estimator, ARMS, "bugfix", Stakes(5.0, Check(0.0, 0.95, 0.1))).plan("value")


def main() -> None:
    """Print seconds, and ratios to inverting a matrix of 1,000 x 1,000 and to one pass over the attempts."""
    matrix = np.random.default_rng(1).standard_normal((1000, 1000))
    unit = seconds(lambda: np.linalg.inv(matrix))
    for count in (5_000, 1_000_000):
        runs = attempts(count)
        walk = seconds(lambda runs=runs: [one.cost_usd for one in runs])  # type: ignore[misc]
        took = seconds(lambda runs=runs: fit_and_decide(runs))  # type: ignore[misc]
        sys.stdout.write(
            f"{count:>9,} attempts, {len(ARMS)} arms: fit and decide {took:.2f} s = {took / unit:.1f} x inverting a "
            f"1,000 x 1,000 matrix, {took / walk:,.0f} x reading one field of every attempt\n"
        )


if __name__ == "__main__":
    main()
