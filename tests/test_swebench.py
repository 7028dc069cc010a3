"""The leaderboard file of the SWE-bench site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codex_router.errors import RouterError
from codex_router.evidence.swebench import looks_like_swebench, read_swebench
from codex_router.evidence.tables import Table, distinct
from codex_router.records import Arm


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "name": "GPT-5-2 (high reasoning)",
        "folder": "20260217_mini-v2.0.0_gpt-5-2-high",
        "resolved": 72.8,
        "date": "2026-02-17",
        "tags": ["Model: gpt-5-2-high", "Org: OpenAI", "System: Attempts - 1"],
        "warning": None,
        "logo": [],
        "mini-swe-agent_version": "2.0.0",
        "cost": 236.78,
        "instance_cost": 0.47357,
        "instance_calls": 35.046,
        **changes,
    }


DETAILS = {f"django__django-{n}": {"resolved": n < 3, "cost": 0.4, "api_calls": 20} for n in range(4)}
SYSTEM = {"name": "Some Agent", "date": "2025-06-05", "resolved": 41.98, "tags": ["Org: X"], "os_model": False}


def read(tmp_path: Path, *boards: tuple[str, list[Any]], indent: int | None = 2) -> Table:
    document = {"leaderboards": [{"name": name, "results": results} for name, results in boards]}
    path = tmp_path / "leaderboards.json"
    path.write_text(json.dumps(document, indent=indent), encoding="utf-8")
    return read_swebench(path)


def test_runs_of_mini_swe_agent_are_taken(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        ("Verified", [SYSTEM]),
        ("bash-only", [entry(), entry(name="o3", tags=["Model: o3-2025-04-16"], instance_cost=0, cost=150.0)]),
        ("Multilingual", [entry(tags=["Model: gpt-5-mini"], name="GPT-5 mini", resolved=39.7)]),
    )
    high, o3, mini = table.aggregates
    assert high.arm == Arm("gpt-5.2", "high")
    assert high.n_tasks == 500
    assert high.successes == pytest.approx(364)
    assert (high.cost_usd, high.turns_mean, high.harness) == (0.47357, 35.046, "mini-swe-agent-2")
    assert o3.arm == Arm("o3")
    assert o3.cost_usd == pytest.approx(0.3)
    assert (mini.n_tasks, mini.category) == (300, "bugfix")
    assert table.rows_read == 4
    assert [tuple(row) for row in table.skipped] == [("line 6", "Some Agent: a system without a cost per instance")]
    assert "costs of a whole run divided by 500 instances: 1" in table.conversions
    assert table.provenance.licence == "CC BY-NC 4.0"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tags": ["Model: a", "Model: b"]}, "no single model is named"),
        ({"tags": []}, "no single model is named"),
        ({"per_instance_details": DETAILS, "resolved": 52.8}, "its instances say 75.0% resolved, the board 52.8 %"),
    ],
)
def test_what_cannot_be_used_is_skipped_with_its_line(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    table = read(tmp_path, ("bash-only", [entry(), entry(**changes)]))
    assert table.rows == 1
    assert table.skipped[0].reason.endswith(reason)
    assert table.skipped[0].where.startswith("line ")


def test_an_unknown_board_has_the_size_of_its_instances(tmp_path: Path) -> None:
    kept = entry(per_instance_details=DETAILS, resolved=75)
    table = read(tmp_path, ("New board", [kept, entry()]), indent=None)
    assert [row.n_tasks for row in table.aggregates] == [4]
    assert "the board 'New board' is unknown" in table.skipped[0].reason


@pytest.mark.parametrize(
    ("changes", "arm", "harness"),
    [
        ({"tags": ["Model: gpt-5"], "reasoning_effort": "medium"}, Arm("gpt-5", "medium"), "mini-swe-agent-2"),
        ({"tags": ["Model: gpt-5"], "name": "GPT-5 (low reasoning)"}, Arm("gpt-5", "low"), "mini-swe-agent-2"),
        ({"mini-swe-agent_version": "1.17.2"}, Arm("gpt-5.2", "high"), "mini-swe-agent-1"),
        ({"reasoning_effort": "low"}, Arm("gpt-5.2", "high"), "mini-swe-agent-2"),
    ],
)
def test_effort_and_harness(tmp_path: Path, changes: dict[str, Any], arm: Arm, harness: str) -> None:
    (row,) = read(tmp_path, ("bash-only", [entry(**changes)])).aggregates
    assert (row.arm, row.harness) == (arm, harness)


def test_rows_that_ship_with_us_are_recognised_whatever_the_rounding(tmp_path: Path) -> None:
    (ours,) = read(tmp_path, ("bash-only", [entry()])).aggregates
    (theirs,) = read(tmp_path, ("bash-only", [entry(instance_cost=0.4735670177)])).aggregates
    assert distinct([ours, theirs]) == (ours,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"leaderboards": 1}', "no list of boards"),
        ('{"leaderboards": [{"name": "x"}]}', "no list of boards"),
        ('{"leaderboards": [{"name": "x", "results": [1]}]}', "should be"),
        ('{"leaderboards": [{"name": "x", "results": [\n{"name": "y", "resolved": 101, "date": "1"}]}]}', "2 faults"),
        ('{"leaderboards": [', "not JSON"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "leaderboards.json"
    path.write_text(text)
    assert looks_like_swebench(text)
    with pytest.raises(RouterError, match=words) as caught:
        read_swebench(path)
    assert str(caught.value.where).startswith(str(path))


def test_our_own_json_does_not_look_like_it() -> None:
    assert looks_like_swebench('[\n  {"name": "bash-only", "results": []}]')
    assert not looks_like_swebench('{"source": "leaderboards", "rows": [{"name": 1}]}')
