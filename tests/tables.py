"""Tables of per-task results made up with known truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np

RATES = {"small:low": (0.50, 0.04), "small:high": (0.62, 0.10), "large:low": (0.66, 0.45), "large:high": (0.74, 0.90)}
"""Arm -> (pass rate, mean cost in USD)."""


def attempts_table(path: Path, tasks: int = 160, *, category: str = "bugfix", seed: int = 0) -> Path:
    """Write a table in which every arm tried every task; difficulty is mostly shared."""
    rng = np.random.default_rng(seed)
    rows = [
        "# source: made up",
        "# date: 2026-09-01",
        "attempt_id,task_id,category,model,effort,harness,outcome,cost_usd,turns",
    ]
    for task in range(tasks):
        u = rng.random()
        for arm, (rate, cost) in RATES.items():
            model, effort = arm.split(":")
            luck = u if rng.random() < 0.8 else rng.random()
            outcome = "yes" if luck < rate else "no"
            dollars = cost * rng.gamma(2.0, 0.5)
            rows.append(
                f"{task}-{arm},t{task},{category},{model},{effort},h,{outcome},{dollars:.5f},{rng.integers(10, 60)}"
            )
    path.write_text("\n".join(rows) + "\n")
    return path
