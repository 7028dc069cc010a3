"""A job folder as Harbor writes it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from codex_router.errors import RouterError
from codex_router.evidence.harbor import is_job_folder, read_harbor
from codex_router.records import Arm, Usage

TRIAL: dict[str, Any] = {
    "id": "49e2fbe7-6dd7-4a18-8113-929281e6a144",
    "task_name": "fix-git",
    "trial_name": "fix-git__gmpg6m3",
    "trial_uri": "file:///jobs/j/fix-git__gmpg6m3",
    "source": "terminal-bench",
    "config": {
        "agent": {
            "name": "terminus-2",
            "model_name": "anthropic/claude-opus-4-6",
            "kwargs": {"reasoning_effort": "high", "temperature": 1},
        },
        "job_id": "725b4261",
    },
    "agent_info": {
        "name": "terminus-2",
        "version": "2.0.0",
        "model_info": {"name": "claude-opus-4-6", "provider": "anthropic"},
    },
    "agent_result": {
        "n_input_tokens": 374728,
        "n_cache_tokens": 336274,
        "n_output_tokens": 16544,
        "cost_usd": 0.820142,
        "metadata": {"n_episodes": 17},
    },
    "verifier_result": {"rewards": {"reward": 1.0}},
    "exception_info": None,
    "started_at": "2026-02-06T00:14:04.584422Z",
    "finished_at": "2026-02-06T00:26:20.360874Z",
    "agent_execution": {"started_at": "2026-02-06T00:14:33Z", "finished_at": "2026-02-06T00:26:03.5Z"},
}


def job(tmp_path: Path, *trials: dict[str, Any]) -> Path:
    """Write a job of trials; each argument changes dotted keys of `TRIAL`."""
    folder = tmp_path / "2026-02-05__16-08-28"
    folder.mkdir(exist_ok=True)
    (folder / "result.json").write_text('{"id": "725b4261", "n_total_trials": 9, "stats": {}}')
    (folder / "config.json").write_text("{}")
    for number, changes in enumerate(trials):
        trial = copy.deepcopy(TRIAL) | {"trial_name": f"t__{number}"}
        for key, value in changes.items():
            *path, last = key.split(".")
            part = trial
            for name in path:
                part = part[name]
            part[last] = value
        (folder / f"t__{number}").mkdir(exist_ok=True)
        (folder / f"t__{number}" / "result.json").write_text(json.dumps(trial))
    return folder


def test_every_trial_becomes_a_run(tmp_path: Path) -> None:
    table = read_harbor(job(tmp_path, {}, {"verifier_result.rewards.reward": 0.0}))
    first, second = table.runs
    attempt = first.attempt
    assert (attempt.attempt_id, attempt.task_id, attempt.harness) == ("t__0", "terminal-bench/fix-git", "terminus-2")
    assert attempt.arm == Arm("claude-opus-4-6", "high")
    assert (attempt.outcome, attempt.outcome_source, attempt.end) == ("yes", "tests", "completed")
    assert (attempt.cost_usd, attempt.turns, attempt.seconds) == (0.820142, 17, 690.5)
    assert attempt.category == "mixed:terminal-bench-2"
    assert attempt.date.startswith("2026-02-06T00:14:04")
    assert first.usage == Usage(374728, 336274, 0, 16544)
    assert second.attempt.outcome == "no"
    assert {run.source for run in table.runs} == {"harbor:725b4261"}
    assert (table.kind, table.rows_read, table.cost_units) == ("attempts", 2, ("per_attempt",))
    assert table.unknown_models == ()


@pytest.mark.parametrize(
    ("changes", "outcome", "end"),
    [
        ({"exception_info": {"exception_type": "AgentTimeoutError"}}, "yes", "timeout"),
        ({"exception_info": {"exception_type": "AgentTimeoutError"}, "verifier_result": None}, "unknown", "timeout"),
        ({"exception_info": {"exception_type": "VerifierTimeoutError"}, "verifier_result": None}, "unknown", "error"),
        ({"exception_info": {"exception_type": "CancelledError"}, "verifier_result": None}, "unknown", "abort"),
        ({"verifier_result.rewards": {"reward": 0.5}}, "no", "completed"),
        ({"verifier_result.rewards": {"accuracy": 1}}, "yes", "completed"),
        ({"verifier_result.rewards": {"a": 1, "b": 1}}, "unknown", "completed"),
        ({"verifier_result.rewards": None}, "unknown", "completed"),
    ],
)
def test_outcome_and_end(tmp_path: Path, changes: dict[str, Any], outcome: str, end: str) -> None:
    (run,) = read_harbor(job(tmp_path, changes)).runs
    assert (run.attempt.outcome, run.attempt.end) == (outcome, end)
    assert run.attempt.outcome_source == (None if outcome == "unknown" else "tests")


def test_what_a_trial_may_lack(tmp_path: Path) -> None:
    bare: dict[str, Any] = {
        "agent_result": None,
        "agent_execution": None,
        "agent_info.model_info": None,
        "config.agent.kwargs": {},
    }
    (run,) = read_harbor(job(tmp_path, bare | {"finished_at": "2026-02-06T00:15:04.584422"})).runs
    assert run.usage is None
    assert (run.attempt.cost_usd, run.attempt.turns, run.attempt.seconds) == (None, None, 60)
    assert run.attempt.arm == Arm("claude-opus-4-6")


def test_a_cost_of_zero_is_unknown(tmp_path: Path) -> None:
    table = read_harbor(job(tmp_path, {"agent_result.cost_usd": 0}))
    assert table.runs[0].attempt.cost_usd is None
    assert table.conversions == ("costs of 0 taken as unknown: 1",)
    assert table.cost_units == ()


def test_trials_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    folder = job(tmp_path, {}, {"agent_info.model_info": None, "config.agent.model_name": None}, {"started_at": None})
    (folder / "unfinished").mkdir()
    table = read_harbor(folder)
    assert dict(table.skipped) == {
        "unfinished": "no result.json: not finished?",
        "t__1": "no model is named",
        "t__2": "it has not started",
    }
    assert (table.rows_read, table.rows) == (3, 1)


@pytest.mark.parametrize(
    ("source", "category"),
    [
        ("terminal-bench/terminal-bench-2-1", "mixed:terminal-bench-2"),
        ("swebench-verified", "bugfix"),
        ("org/My Tasks!", "mixed:my-tasks"),
        (None, "mixed:harbor"),
    ],
)
def test_the_data_set_tells_the_category(tmp_path: Path, source: str | None, category: str) -> None:
    folder = job(tmp_path, {"source": source})
    assert read_harbor(folder).runs[0].attempt.category == category
    assert read_harbor(folder, "lint").runs[0].attempt.category == "lint"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"agent_result.cost_usd": -1}, "`cost_usd`"),
        ({"agent_info": 3}, "`agent_info`"),
        ({"trial_name": "a\nb"}, "`trial_name` holds a line break"),
        ({"started_at": "yesterday"}, "`started_at`"),
    ],
)
def test_one_broken_trial_refuses_the_job(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RouterError) as caught:
        read_harbor(job(tmp_path, {}, changes))
    assert words in caught.value.what
    assert str(caught.value.where).endswith("t__1/result.json")


def test_a_folder_without_trials_is_no_job(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    assert not is_job_folder(tmp_path)
    assert is_job_folder(job(tmp_path, {}))
    with pytest.raises(RouterError, match="no trial folder"):
        read_harbor(tmp_path / "x")
    assert not is_job_folder(tmp_path)  # a folder of jobs


def test_the_same_job_has_the_same_hash_until_a_trial_changes(tmp_path: Path) -> None:
    first = read_harbor(job(tmp_path, {}, {})).sha256
    assert read_harbor(job(tmp_path)).sha256 == first
    assert read_harbor(job(tmp_path, {"agent_result.cost_usd": 9})).sha256 != first
