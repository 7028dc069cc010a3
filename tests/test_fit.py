"""`codex-router fit` and `plan`, as a user and a script meet them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from session_corpus import plain
from tables import RATES, attempts_table

from codex_router.__main__ import main as run

ONLY = ["--no-bundled", "--no-ledger", "--harness", "h"]


def as_json(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    assert run([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_fit_tells_per_arm_and_category_what_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = attempts_table(tmp_path / "t.csv")

    document = as_json(capsys, "fit", "--evidence", str(table), *ONLY)

    assert document["schema"] == 1
    assert [f"{row['model']}:{row['effort']}" for row in document["arms"]] == sorted(
        RATES, key=lambda arm: (arm.split(":")[0], arm.endswith("high"))
    )
    for row in document["arms"]:
        rate, cost = RATES[f"{row['model']}:{row['effort']}"]
        assert set(row) >= {
            "category",
            "harness",
            "p_pass",
            "cost_usd",
            "turns",
            "n_published",
            "n_local",
            "n_effective",
        }
        assert row["p_pass"]["ci90"][0] < row["p_pass"]["mean"] < row["p_pass"]["ci90"][1]
        assert row["p_pass"]["mean"] == pytest.approx(rate, abs=0.15)
        assert row["cost_usd"]["mean"] == pytest.approx(cost, rel=0.2)
        assert (row["n_published"], row["n_local"], row["guess"]) == (0, 160, False)


def test_an_arm_that_was_never_measured_is_inferred_when_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = attempts_table(tmp_path / "t.csv")

    document = as_json(capsys, "fit", "--evidence", str(table), *ONLY, "--models", "small:medium,large")

    assert [(row["model"], row["effort"], row["guess"]) for row in document["arms"]] == [
        ("small", "medium", True),
        ("large", "low", False),
        ("large", "high", False),
    ]
    low, medium = RATES["small:low"][0], document["arms"][0]["p_pass"]["mean"]
    assert low - 0.05 < medium < RATES["small:high"][0] + 0.08


def test_the_turns_of_sessions_tell_of_cost_and_turns(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    thread = plain("new", tasks=0)
    for number in range(30):
        thread.task(f"fix the failing test in module {number}", 4)
    thread.save(own_home / ".codex")
    before = as_json(capsys, "fit", "--models", "gpt-5.5:medium", "--category", "test")["arms"][0]
    assert run(["ingest", "--sessions"]) == 0
    capsys.readouterr()
    (after,) = as_json(capsys, "fit", "--models", "gpt-5.5:medium", "--category", "test")["arms"]
    (without,) = as_json(capsys, "fit", "--models", "gpt-5.5:medium", "--category", "test", "--no-ledger")["arms"]
    assert without == before
    assert (before["n_local"], after["n_local"]) == (0, 30)
    assert after["turns"]["mean"] == pytest.approx(4, rel=0.1)
    assert after["n_effective"] == pytest.approx(before["n_effective"], rel=0.01)  # nobody said whether they solved it


def test_several_tables_follow_one_evidence_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = attempts_table(tmp_path / "1.csv")
    two = attempts_table(tmp_path / "2.csv", category="docs", seed=1)

    document = as_json(capsys, "fit", "--evidence", str(one), str(two), *ONLY)

    assert {row["category"] for row in document["arms"]} == {"bugfix", "docs"}


def test_fit_shows_tables_and_break_even_values(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = attempts_table(tmp_path / "t.csv")

    assert run(["fit", "--evidence", str(table), *ONLY]) == 0

    shown = capsys.readouterr().out
    assert "cost / pass rate (lower bound)" in " ".join(shown.split())
    assert "pays only if a solved task is worth more than $" in shown


def test_fit_without_options_uses_what_ships_with_us(
    capsys: pytest.CaptureFixture[str], without_codex: None
) -> None:  # so the models are those of the shipped list
    document = as_json(capsys, "fit", "--category", "feature")

    known = {row["model"]: row for row in document["arms"] if row["effort"] == "high"}
    assert not known["gpt-5.6-sol"]["guess"]
    assert known["gpt-6.1-terra"]["n_model"] == 0


def test_without_evidence_there_is_nothing_to_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "--no-bundled", "--no-ledger"]) == 1
    assert "no evidence and no models" in capsys.readouterr().err


def plan(capsys: pytest.CaptureFixture[str], tmp_path: Path, *argv: str) -> Any:
    table = attempts_table(tmp_path / "t.csv")
    return as_json(capsys, "plan", "--evidence", str(table), *ONLY, "--category", "bugfix", *argv)


def test_plan_predicts_a_sequence_with_intervals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = plan(
        capsys, tmp_path, "--objective", "no-loss", "--reference", "large:high", "--attempts", "2",
        "--check-sensitivity", "1", "--check-false-accept", "0",
    )  # fmt: skip

    assert document["objective"] == "no-loss"
    assert document["reference"]["sequence"] == [{"model": "large", "effort": "high"}]
    assert 1 <= len(document["sequence"]) <= 2
    for name in ("resolved", "spend_usd", "wrong_accepted", "unsolved"):
        low, high = document["predicted"][name]["ci90"]
        assert low <= document["predicted"][name]["mean"] <= high
    assert document["predicted"]["wrong_accepted"]["mean"] == pytest.approx(0.0, abs=1e-12)
    assert document["predicted"]["spend_usd"]["mean"] < document["reference"]["predicted"]["spend_usd"]["mean"]
    assert "sequences" not in document


def test_plan_lists_every_sequence_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = plan(capsys, tmp_path, "--all", "--attempts", "2")

    assert len(document["sequences"]) == 4 + 4 + 16
    assert sum(len(row["sequence"]) == 2 for row in document["sequences"]) == 16


def test_a_higher_value_buys_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    low, high = (plan(capsys, tmp_path, "--value", value)["predicted"] for value in ("0.05", "50"))

    assert low["resolved"]["mean"] < high["resolved"]["mean"]
    assert low["spend_usd"]["mean"] < high["spend_usd"]["mean"]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (plan(capsys, tmp_path, "--seed", "7") for _ in range(2))

    assert first == second


def test_plan_shows_the_three_numbers_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = attempts_table(tmp_path / "t.csv")

    assert run(["plan", "--evidence", str(table), *ONLY, "--category", "bugfix"]) == 0

    shown = capsys.readouterr().out
    assert "cost of one attempt by" in shown
    assert "a lower bound: tasks that failed once fail again" in shown
    assert "of tasks stay unsolved" in shown


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--reference", "large"], "`large` has several efforts"),
        (["--models", "unheard-of:high"], "no figures for any of the models"),
        (["--models", ","], "names no model"),
    ],
)
def test_what_cannot_be_planned_is_told(
    argv: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = attempts_table(tmp_path / "t.csv")

    assert run(["plan", "--evidence", str(table), *ONLY, "--category", "bugfix", *argv]) in {1, 2}
    assert message in capsys.readouterr().err
