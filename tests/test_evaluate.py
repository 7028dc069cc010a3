"""`codex-router evaluate`: replays of tables with known truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from tables import RATES, attempts_table

from codex_router.__main__ import main as run
from codex_router.decide.evaluation import coverage
from codex_router.decide.forecast_error import pair_errors, retry_errors
from codex_router.decide.policy import Check
from codex_router.decide.replay import Table, oracle, oracle_cost_of, replay, table_of
from codex_router.literals import Outcome
from codex_router.records import Arm, Attempt

A, B = Arm("a"), Arm("b")
TINY = Table(
    tasks=("1", "2", "3", "4"),
    arms=(A, B),
    category=("bugfix",) * 4,
    solved=np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]),
    cost_usd=np.array([[1.0, 5.0], [2.0, 6.0], [3.0, 7.0], [4.0, 8.0]]),
)
ALL = np.arange(4)


def test_a_sequence_is_counted_by_hand() -> None:
    outcome = replay(TINY, ALL, [0, 1], Check(0.5, 1.0, 0.0))

    assert outcome.solved == 3 / 4
    assert outcome.cost_usd == pytest.approx((1 + 2 + 6 + 3 + 4 + 8) / 4 + 0.5 * 6 / 4)
    assert outcome.wrong_accepted == 0.0


def test_an_erring_check_is_counted_in_expectation() -> None:
    outcome = replay(TINY, np.array([1]), [0, 1], Check(0.0, 0.9, 0.2))

    assert outcome.wrong_accepted == pytest.approx(0.2)
    assert outcome.solved == pytest.approx(0.8 * 0.9)
    assert outcome.cost_usd == pytest.approx(2 + 0.8 * 6)


def test_without_a_check_the_first_result_stands() -> None:
    outcome = replay(TINY, ALL, [0], None)

    assert (outcome.solved, outcome.cost_usd, outcome.wrong_accepted) == (0.5, 2.5, 0.5)


def test_the_oracle_pays_the_cheapest_that_solves_and_nothing_else() -> None:
    best = oracle(TINY, ALL)

    assert (best.solved, best.cost_usd) == (0.75, (1 + 6 + 3) / 4)
    assert oracle_cost_of(TINY, ALL, reference=1) == (1 + 6) / 4


def attempt(task: str, arm: Arm, outcome: Outcome, cost: float | None = 1.0) -> Attempt:
    name = f"{task}{arm}{outcome}{cost}"
    return Attempt(name, task, "ops", arm, "h", outcome, cost, 9, 1.0, "completed", "2026-09-01")


def test_only_tasks_that_all_arms_tried_are_replayed() -> None:
    rows = [attempt("1", A, "yes"), attempt("1", B, "no", None), attempt("2", A, "no"), attempt("2", B, "yes", 3.0)]

    table = table_of([*rows, attempt("1", A, "no", 2.0), attempt("2", B, "unknown")])

    assert table.tasks == ("1", "2")
    assert table.solved.tolist() == [[0.5, 0.0], [0.0, 1.0]]
    assert table.cost_usd.tolist() == [[1.5, 3.0], [1.0, 3.0]]


def test_identical_arms_are_foretold_badly_by_independence_and_well_by_difficulty() -> None:
    rng = np.random.default_rng(0)
    u = rng.standard_normal(4000)
    latent = np.sqrt(0.8) * u[:, None] + np.sqrt(0.2) * rng.standard_normal((4000, 4))
    solved = (latent + np.array([0.2, 0.4, 0.5, 0.6]) > 0).astype(float)
    cost = np.ones_like(solved)
    arms = tuple(Arm(name) for name in "abcd")
    table = Table(tuple(map(str, range(4000))), arms, ("bugfix",) * 4000, solved, cost)

    errors = pair_errors(table, "bugfix")

    assert errors.pairs == 12
    assert errors.resolved_rmse < 0.02
    assert errors.independent_resolved_rmse > 0.08


def test_retries_are_foretold_from_the_pass_rate() -> None:
    rng = np.random.default_rng(1)
    rows = []
    for task in range(800):
        score = 0.4 + np.sqrt(0.85) * rng.standard_normal()
        for again in range(3):
            solved = score + np.sqrt(0.15) * rng.standard_normal() > 0
            rows.append(attempt(str(task), A, "yes" if solved else "no", 1.0 + again))

    errors = retry_errors(rows, "ops")

    assert [one.k for one in errors] == [2, 3]
    assert max(one.rmse for one in errors) < 0.03
    assert min(one.independent_rmse for one in errors) > 0.1


def test_intervals_of_a_known_world_hold() -> None:
    from codex_router.decide.estimator import Estimator

    rng = np.random.default_rng(2)
    held = []
    for _ in range(30):
        rates, tasks = rng.uniform(0.3, 0.8, 4), 260
        solved = (rng.random((tasks, 4)) < rates).astype(float)
        cost = rng.gamma(1.0, 1.0, (tasks, 4))
        arms = tuple(Arm(name) for name in "abcd")
        table = Table(tuple(map(str, range(tasks))), arms, ("ops",) * tasks, solved, cost)
        runs = [
            attempt(str(task), arm, "yes" if solved[task, i] else "no", float(cost[task, i]))
            for task in range(60)
            for i, arm in enumerate(arms)
        ]
        held += coverage(Estimator("h").fit([], runs), table, np.arange(60, tasks))

    assert 0.84 <= np.mean([passes for passes, _ in held]) <= 0.97
    assert 0.84 <= np.mean([costs for _, costs in held]) <= 0.98


def evaluated(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    assert run(["evaluate", *argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_table_is_replayed_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, picture = attempts_table(tmp_path / "t.csv"), tmp_path / "t.svg"

    document = evaluated(
        capsys, str(table), "--splits", "3", "--train", "80", "--attempts", "2", "--plot", str(picture)
    )

    rows = {row["name"]: row for row in document["policies"]}
    assert {name for name in rows if rows[name]["kind"] == "single"} == {arm.replace(":", " ") for arm in RATES}
    assert document["reference"] == {"model": "large", "effort": "high"}
    assert rows["large high"]["saved_share"] == 0.0
    best = rows["no-loss plan, up to 2 attempts, perfect check"]
    assert best["saved_share"] > 0.2
    assert best["predicted"]["resolved"] == pytest.approx(best["resolved"], abs=0.1)
    naive = rows["no-loss, 2 attempts, taken for independent (a warning)"]
    assert naive["predicted"]["resolved"] > naive["resolved"]
    oracle_row = rows["oracle: the cheapest arm that solves"]
    assert oracle_row["cost_usd"] < best["cost_usd"]
    assert oracle_row["resolved"] >= best["resolved"]
    assert document["interval_coverage"]["intervals"] == 3 * 4
    assert document["forecast_error"][0]["pairs"] == 12
    assert ET.parse(picture).getroot().tag.endswith("svg")


def test_the_results_are_shown_as_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = attempts_table(tmp_path / "t.csv")

    assert run(["evaluate", str(table), "--splits", "2", "--attempts", "2"]) == 0

    shown = capsys.readouterr().out
    assert "oracle: the cheapest arm that solves" in shown
    assert "cascades of two foretold from pass rates within" in shown


def test_the_ledger_can_be_replayed_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = attempts_table(tmp_path / "t.csv")
    assert run(["ingest", str(table)]) == 0
    capsys.readouterr()

    document = evaluated(capsys, "--splits", "1", "--attempts", "2")

    assert document["tasks"] == 160


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--train", "500"], "too few to learn from 500"),
        (["--reference", "unheard-of:high"], "did not try all tasks"),
        (["--models", "small:low"], "tried by all of 1 arms"),
    ],
)
def test_what_cannot_be_replayed_is_told(
    argv: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = attempts_table(tmp_path / "t.csv")

    assert run(["evaluate", str(table), *argv]) in {1, 2}
    assert message in capsys.readouterr().err


def test_nothing_to_replay_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--no-ledger"]) == 2
    assert "nothing to replay" in capsys.readouterr().err
