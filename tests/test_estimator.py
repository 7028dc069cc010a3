"""The estimator: closed forms, laws, and simulation with known truth."""

from __future__ import annotations

import numpy as np
import pytest

from codex_router.decide.estimator import Estimator
from codex_router.records import Aggregate, Arm, Attempt, Estimate


def published(
    model: str,
    effort: str | None,
    rate: float,
    cost: float | None,
    *,
    n: int = 400,
    harness: str = "codex",
    category: str = "bugfix",
    self_reported: bool = False,
) -> Aggregate:
    arm = Arm(model, effort)
    return Aggregate(
        "table", "2026-09-01", harness, arm, category, n, n, rate * n, cost, 30.0, self_reported=self_reported
    )


def local(index: int, arm: Arm, outcome: str, cost: float = 0.5, end: str = "completed", task: str = "") -> Attempt:
    return Attempt(
        attempt_id=str(index),
        task_id=task or str(index),
        category="bugfix",
        arm=arm,
        harness="codex",
        outcome=outcome,  # type: ignore[arg-type]
        cost_usd=cost,
        turns=30,
        seconds=60.0,
        end=end,  # type: ignore[arg-type]
        date="2026-09-02",
    )


def one(rows: list[Aggregate], arm: Arm, attempts: list[Attempt] | None = None, category: str = "bugfix") -> Estimate:
    return Estimator().fit(rows, attempts or []).estimate([arm], [category])[0]


def test_many_local_attempts_overrule_published_figures_of_another_harness() -> None:
    arm = Arm("gpt-5.5", "high")
    rows = [published("gpt-5.5", "high", 0.9, 2.0, harness="kilo")]
    runs = [local(i, arm, "yes" if i % 2 else "no", cost=0.5) for i in range(4000)]

    estimate = one(rows, arm, runs)

    assert estimate.p_pass.mean == pytest.approx(0.5, abs=0.02)
    assert estimate.cost_usd.mean == pytest.approx(0.5, rel=0.05)
    assert (estimate.n_published, estimate.n_local, estimate.guess) == (400, 4000, False)


def test_figures_of_the_own_harness_count_for_more() -> None:
    arm = Arm("gpt-5.5", "high")
    own, other = (one([published("gpt-5.5", "high", 0.95, 2.0, harness=h)], arm) for h in ("codex", "kilo"))

    assert own.p_pass.high - own.p_pass.low < other.p_pass.high - other.p_pass.low
    assert own.n_effective > other.n_effective > 0


def test_an_effort_between_two_measured_ones_is_interpolated_and_marked_as_a_guess() -> None:
    rows = [published("m", "low", 0.4, 0.2), published("m", "high", 0.7, 0.8)]

    estimate = one(rows, Arm("m", "medium"))

    assert 0.4 < estimate.p_pass.mean < 0.7
    assert 0.2 < estimate.cost_usd.mean < 0.8
    assert estimate.guess
    assert estimate.n_model == 800


def test_a_model_never_seen_has_the_widest_interval_and_no_figures() -> None:
    rows = [published("m", "high", 0.7, 0.8)]

    known, unknown = Estimator().fit(rows).estimate([Arm("m", "high"), Arm("new", "high")], ["bugfix"])

    assert unknown.n_model == 0
    assert unknown.guess
    assert unknown.p_pass.high - unknown.p_pass.low > 2 * (known.p_pass.high - known.p_pass.low)


def test_self_reported_figures_count_for_less() -> None:
    arm = Arm("m", "high")
    fair, own_praise = (one([published("m", "high", 0.9, 1.0, self_reported=flag)], arm) for flag in (False, True))

    assert own_praise.p_pass.mean < fair.p_pass.mean
    assert own_praise.n_effective < fair.n_effective


def test_unknown_outcomes_and_broken_runs_leave_the_pass_rate_alone() -> None:
    arm = Arm("m", "high")
    rows = [published("m", "high", 0.7, 0.5)]
    noise = [local(i, arm, "unknown") for i in range(50)] + [local(100 + i, arm, "no", end="abort") for i in range(50)]

    with_noise, without = one(rows, arm, noise), one(rows, arm)

    assert with_noise.p_pass == without.p_pass
    assert with_noise.n_local == 100


def test_free_rows_do_not_enter_the_cost() -> None:
    arm = Arm("m", "high")
    priced = published("m", "high", 0.7, 0.5)

    assert one([priced, published("m", "high", 0.7, None, harness="kilo")], arm).cost_usd == one([priced], arm).cost_usd


def test_repeats_on_one_task_count_less_than_as_many_tasks() -> None:
    arm = Arm("m", "high")
    tasks = [local(i, arm, "yes") for i in range(30)]
    repeats = [local(i, arm, "yes", task="same") for i in range(30)]

    assert one([], arm, repeats).n_effective < one([], arm, tasks).n_effective / 10


def test_no_evidence_gives_the_prior() -> None:
    estimate = one([], Arm("m", "medium"))

    assert estimate.p_pass.mean == pytest.approx(0.5)
    assert estimate.n_effective == pytest.approx(0.0, abs=1e-9)


def test_estimates_do_not_depend_on_the_order_of_rows() -> None:
    rows = [published("a", "low", 0.4, 0.2), published("b", "high", 0.7, 0.8), published("b", None, 0.6, 0.7)]

    first, second = one(rows, Arm("a", "high")), one(rows[::-1], Arm("a", "high"))

    assert first.p_pass == pytest.approx(second.p_pass, rel=1e-9)
    assert first.cost_usd == pytest.approx(second.cost_usd, rel=1e-9)


def test_intervals_cover_the_truth_of_a_simulated_world() -> None:
    rng = np.random.default_rng(7)
    hits = total = 0
    for _ in range(25):
        models = [f"m{i}" for i in range(8)]
        base, shift = rng.normal(0.3, 0.65, 8), rng.normal(0, 0.3, 8)
        rows = [
            published(m, "high", rng.binomial(400, 1 / (1 + np.exp(-b))) / 400, 1.0, harness="kilo")
            for m, b in zip(models, base, strict=True)
        ]
        fitted = Estimator().fit(rows).estimate([Arm(m, "high") for m in models], ["bugfix"])
        truth = 1 / (1 + np.exp(-(base + shift)))
        hits += sum(e.p_pass.low <= t <= e.p_pass.high for e, t in zip(fitted, truth, strict=True))
        total += len(models)

    assert 0.86 <= hits / total <= 1.0


def test_costs_that_a_budget_cut_count_as_more_than_the_cut() -> None:
    rng = np.random.default_rng(8)
    cost = np.exp(rng.normal(-0.35, np.sqrt(0.7), 2000))  # mean $1
    cut = cost > 1.5
    runs = [
        Attempt(str(i), str(i), "bugfix", Arm("m", "high"), "codex", "unknown", min(float(cost[i]), 1.5), None, 1.0,
                "budget" if cut[i] else "completed", "2026-09-01")
        for i in range(2000)
    ]  # fmt: skip

    honest, naive = (
        Estimator().fit([], some).estimate([Arm("m", "high")], ["bugfix"])[0].cost_usd.mean
        for some in (runs, [one for one in runs if one.end == "completed"])
    )

    assert naive < 0.75
    assert honest == pytest.approx(1.0, rel=0.08)
