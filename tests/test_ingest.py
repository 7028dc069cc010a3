"""`codex-router ingest` and `outcome`, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_harbor import job
from test_ledger import run as a_run
from test_own import ATTEMPTS, HEADER, ROW

from codex_router.__main__ import main as run
from codex_router.evidence.ledger import Ledger
from codex_router.home import router_home
from codex_router.shipped import shipped

GOOD = HEADER + ROW + "GPT-5.5,5,0.4,1\nmine,5,0.5,1\nmine,5,0.5,1\n"


def as_json(capsys: pytest.CaptureFixture[str], *argv: str, status: int = 0) -> Any:
    assert run(["ingest", "--json", *argv]) == status
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1
    return document


def stored() -> tuple[int, int]:
    with Ledger.open(create=False) as ledger:
        return len(ledger.aggregates()), len(ledger.runs())


def test_what_was_read_skipped_and_unknown_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(GOOD.replace("per_attempt", "per_suite"))
    assert run(["ingest", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: 2 of 3 rows taken (aggregates, Our nightly, 2026-06-16); stored",
        "  costs per suite pass divided by 5 tasks: 3",
        "  skipped line 11: the same as line 10",
        "  1 unknown model names kept as they are: mine",
    ]
    assert stored() == (2, 0)
    assert run(["ingest", str(path)]) == 0
    assert "ingested before: nothing changes" in capsys.readouterr().out
    assert stored() == (2, 0)


def test_one_bad_file_is_refused_and_the_others_are_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text(GOOD)
    (tmp_path / "b.csv").write_text(HEADER + ROW + "gpt-5.5,5,0.4,1\ngpt-5.5,5,40,1\n")
    (tmp_path / "c.csv").write_text(ATTEMPTS)
    assert run(["ingest", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert [line.rpartition("; ")[2] for line in told.out.splitlines() if not line.startswith(" ")] == [
        "stored",
        f"{tmp_path}/b.csv: refused: nothing of it was stored",
        "stored",
    ]
    assert told.err.startswith(f"error: {tmp_path}/b.csv:10: `pass_rate` should be less than or equal to 1: '40'\n")
    assert "\n\nhint: nothing of this file was read" in told.err
    assert stored() == (2, 2)


def test_a_dry_run_writes_nothing_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(GOOD)
    assert as_json(capsys, "--dry-run", str(path))["files"][0]["status"] == "readable"
    assert not router_home().exists()
    as_json(capsys, str(path))
    assert as_json(capsys, "--dry-run", str(path))["files"][0]["status"] == "known"


def test_json_tells_the_same_and_the_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text(GOOD)
    (tmp_path / "b.csv").write_text("")
    (tmp_path / "c.txt").write_text("x")
    document = as_json(capsys, str(tmp_path), status=1)
    good, bad = document["files"]
    assert (good["status"], good["rows_read"], good["rows_taken"], good["unknown_models"]) == ("stored", 3, 2, ["mine"])
    assert good["skipped"] == [{"where": "line 11", "reason": "the same as line 10"}]
    assert good["rows"][0]["model"] == "gpt-5.5"
    assert good["rows"][0]["cost_per_solved_usd"] == 2.5
    assert bad == {
        "path": str(tmp_path / "b.csv"),
        "status": "refused",
        "error": {
            "what": "the file is empty",
            "where": str(tmp_path / "b.csv"),
            "hint": "nothing was read; is the download complete?",
        },
    }
    assert document["passed_over"][0]["where"] == "c.txt"


def test_the_shipped_tables_are_shown_with_their_caveats(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "--list"]) == 0
    told = capsys.readouterr().out
    for path in shipped("benchmarks-data").glob("*.csv"):
        assert f"\n{path.stem} " in told
    assert "one pass over all 89 tasks" in told
    assert "left out: Kilo Auto Efficient: a router, not a model" in told
    assert not router_home().exists()


def test_kilobench_in_our_units(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(shipped("benchmarks-data") / "kilobench-2026-06-16.csv")
    (read,) = as_json(capsys, path)["files"]
    (listed,) = [t for t in as_json(capsys, "--list")["shipped"] if t["table"] == "kilobench-2026-06-16"]
    assert read["status"] == "shipped"
    assert stored() == (0, 0)
    for table in (read, listed):
        rows = {row["model"]: row for row in table["rows"]}
        gpt, mimo = rows["gpt-5.5"], rows["mimo-v2.5-pro"]
        assert round(gpt["cost_usd"], 3) == 0.816
        assert round(gpt["cost_per_solved_usd"], 2) == 1.10
        assert round(gpt["cost_per_solved_usd"] / mimo["cost_per_solved_usd"], 1) == 9.5


def test_ingested_tables_are_listed_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(GOOD)
    as_json(capsys, str(path))
    (listed,) = as_json(capsys, "--list")["ingested"]
    assert (listed["source"], listed["rows_taken"], listed["path"]) == ("Our nightly", 2, str(path))
    assert [row["model"] for row in listed["rows"]] == ["gpt-5.5", "mine"]
    assert run(["ingest", "--list"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.endswith("ingested")]
    assert line.split()[:2] == ["t", "Our"]


def test_a_harbor_job_with_a_category(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = as_json(capsys, "--category", "refactor", str(job(tmp_path, {})))
    assert document["files"][0]["rows"][0]["category"] == "refactor"
    assert stored() == (0, 1)


def test_the_command_line_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest"]) == 2
    assert run(["ingest", "--list", str(tmp_path)]) == 2
    assert run(["ingest", "--category", "Bug Fix", str(tmp_path)]) == 2
    assert capsys.readouterr().out == ""
    assert run(["ingest", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "nothing to read there\n"


def test_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["outcome", "last", "yes"]) == 1
    assert "no run is recorded yet" in capsys.readouterr().err
    with Ledger.open() as ledger:
        ledger.record(a_run("0199-a"))
    assert run(["outcome", "last", "yes"]) == 0
    assert capsys.readouterr().out == "run 0199-a (bugfix, gpt-5.5 high, $0.25) solved its task\n"
    assert run(["outcome", "0199", "no", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"]["outcome"] == "no"
    assert run(["outcome", "last", "maybe"]) == 2
    with Ledger.open() as ledger:
        assert [(r.attempt.outcome, r.attempt.outcome_source) for r in ledger.runs()] == [("no", "user")]
