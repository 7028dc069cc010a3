"""Empirical-Bayes scales: the EM step against the same step with the effects spelt out, and learning in simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codex_router.decide import kernel
from codex_router.decide.cells import Sums
from codex_router.decide.columns import LOCAL, Key
from codex_router.decide.laplace import binomial, find_mode
from codex_router.decide.priors import COST_PRIOR, PASS_PRIOR, TURNS_PRIOR
from codex_router.decide.response import fit_amount, fit_pass
from codex_router.decide.scales import PRIOR_WEIGHT, updated_scales
from codex_router.records import Arm


def keys(models: int, categories: int) -> list[Key]:
    return [Key(Arm(f"m{m}", "high"), f"c{c}", "h", LOCAL) for m in range(models) for c in range(categories)]


def test_one_em_step_equals_the_one_with_every_effect_spelt_out() -> None:
    rng = np.random.default_rng(2)
    cells = keys(3, 2)
    n, rate = rng.integers(5, 60, len(cells)).astype(float), rng.uniform(0.2, 0.9, len(cells))
    groups = {"model": kernel.shared(cells, cells)["model"], "category": kernel.shared(cells, cells)["category"]}
    scales = {"model": 0.7, "category": 0.4}
    covariance, mean = kernel.covariance(scales, groups), np.zeros(len(cells))
    mode = find_mode(covariance, mean, binomial(n, rate), mean)

    found = updated_scales(scales, scales, groups, {"model": 3, "category": 2}, mode)

    design = np.array(
        [[key.arm.model == f"m{m}" for m in range(3)] + [key.category == f"c{c}" for c in range(2)] for key in cells],
        float,
    )
    prior = np.diag([1 / 0.7**2] * 3 + [1 / 0.4**2] * 2)
    effects, hessian = np.zeros(5), prior
    for _ in range(50):
        gradient, weight = binomial(n, rate)(design @ effects)
        hessian = design.T @ (weight[:, None] * design) + prior
        effects += np.linalg.solve(hessian, design.T @ gradient - prior @ effects)
    squares = effects**2 + np.diag(np.linalg.inv(hessian))
    expected = {
        "model": (PRIOR_WEIGHT * 0.7**2 + squares[:3].sum()) / (PRIOR_WEIGHT + 3),
        "category": (PRIOR_WEIGHT * 0.4**2 + squares[3:].sum()) / (PRIOR_WEIGHT + 2),
    }
    assert {name: scale**2 for name, scale in found.items()} == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("truth", [0.2, 1.2])
def test_how_much_models_differ_is_learnt(truth: float) -> None:
    rng = np.random.default_rng(4)
    cells = keys(60, 2)
    effect = dict(zip([f"m{m}" for m in range(60)], truth * rng.standard_normal(60), strict=True))
    n = np.full(len(cells), 400.0)
    rate = np.array([rng.binomial(400, 1 / (1 + np.exp(-effect[key.arm.model]))) / 400 for key in cells])

    unknown = np.full(len(cells), np.nan)
    fitted = fit_pass(PASS_PRIOR, cells, Sums(n, rate, unknown, unknown), np.eye(len(cells)))

    learnt = np.hypot(fitted.prior.scales["model"], fitted.prior.scales["model:harness"])
    assert learnt == pytest.approx(truth, abs=0.13 if truth < 1 else 0.3)


def test_cost_of_one_cell_follows_its_mean_when_there_is_much_of_it() -> None:
    cells = keys(1, 1)
    sums = Sums(np.array([1e6]), np.array([0.37]), np.log([0.3]), np.array([0.7]))

    fitted = fit_amount(COST_PRIOR, cells, sums, 0.7)

    assert np.exp(fitted.predict_each(cells)[0]) == pytest.approx([0.37], rel=1e-3)


def test_runs_that_a_budget_cut_count_as_longer_than_the_cut() -> None:
    rng = np.random.default_rng(6)
    spread = np.sqrt(np.log1p(0.35))
    turns = np.exp(np.log(40) - spread**2 / 2 + spread * rng.standard_normal(20_000))
    cut = turns > 50
    cells = keys(1, 1)
    whole = turns[~cut]
    sums = Sums(
        np.array([float(len(whole))]),
        np.array([whole.mean()]),
        np.array([np.nan]),
        np.array([np.nan]),
        cut_n=np.array([float(cut.sum())]),
        cut_mean=np.array([50.0]),
    )

    naive = fit_amount(TURNS_PRIOR, cells, replace(sums, cut_n=None, cut_mean=None), spread**2)
    honest = fit_amount(TURNS_PRIOR, cells, sums, spread**2)

    assert np.exp(naive.predict_each(cells)[0][0]) < 32
    assert np.exp(honest.predict_each(cells)[0][0]) == pytest.approx(40, rel=0.05)
