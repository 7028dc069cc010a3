from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_router.decide.prompt_features import features
from codex_router.decide.weights import hashed
from codex_router.evidence.corrections import write_learnt

TIERS = """
[profile.standard]
model = "gpt-5.5"
reasoning_effort = "low"
max_turns = 40
max_cost_usd = 2.5
task_value_usd = 5.0

[profile.bulk]
model = "gpt 5.4; x"
task_value_usd = 1.0

[route]
docs = "bulk"
"""
DOCS = "Update the README with installation instructions"


@pytest.fixture
def home(own_home: Path) -> Path:
    (own_home / ".codex").mkdir()
    (own_home / ".codex" / "codex-router.toml").write_text(TIERS)
    return own_home / ".codex"


def route(*arguments: str | bytes, stdin: bytes = b"") -> tuple[int, str, str]:
    argv = [sys.executable, "-m", "codex_router", "route", *arguments]
    done = subprocess.run(argv, input=stdin, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def document(*arguments: str | bytes, stdin: bytes = b"") -> dict[str, Any]:
    status, stdout, stderr = route("--json", *arguments, stdin=stdin)
    assert (status, stderr) == (0, "")
    found: dict[str, Any] = json.loads(stdout)
    return found


@pytest.mark.usefixtures("home")
def test_the_answer_in_words() -> None:
    status, stdout, stderr = route(DOCS)
    assert (status, stderr) == (0, "")
    (line,) = stdout.splitlines()
    assert line.startswith("docs (")
    assert line.endswith("-> bulk: gpt 5.4; x · no limit")
    assert route("--tier", "standard", "x")[1] == "as told -> standard: gpt-5.5 low · <= 40 turns · <= $2.50\n"


@pytest.mark.usefixtures("home")
def test_the_answer_explained() -> None:
    short, full = route(DOCS)[1], route("--explain", DOCS)[1]
    lines = full.splitlines()
    assert f"{lines[0]}\n" == short
    assert lines[1] == "decided by: the classifier"
    assert lines[2].startswith("because of: ")
    assert "readme" in lines[2]
    assert lines[3].startswith("probabilities: docs ")
    assert lines[4] == "learnt from you: nothing about a prompt like this"
    assert lines[5].startswith("expected regret: standard $")
    assert lines[6] == "thresholds: standard rather than bulk from 0.48 on"
    assert lines[7:] == ["command: codex exec --profile bulk -m 'gpt 5.4; x' ..."]


@pytest.mark.usefixtures("home")
def test_the_tier_decision_can_be_worked_out_again() -> None:
    found = document(DOCS)["explanation"]
    standard, bulk = found["tiers"]
    assert (standard["tier"], standard["task_value_usd"]) == ("standard", 5.0)
    assert (bulk["tier"], bulk["task_value_usd"]) == ("bulk", 1.0)
    assert bulk["probability"] == pytest.approx(document(DOCS)["probabilities"]["docs"])
    assert standard["expected_regret_usd"] == pytest.approx(0.3 * (5**0.5 - 1) * bulk["probability"])
    assert bulk["expected_regret_usd"] == 0  # nothing else is routed, so nothing deserves more


@pytest.mark.usefixtures("home")
def test_a_prompt_that_tells_too_little_is_explained_by_the_rule() -> None:
    found = document("yes")
    assert (found["abstained"], found["explanation"]["decided_by"]) == (True, "abstention")
    assert found["because"][0].startswith("no task by itself: ")
    told = route("--explain", "yes")[1]
    assert f"because of: {found['because'][0]}" in told
    assert "regret" not in told  # it decided nothing
    assert document("...")["because"] == ["not a word in it"]


@pytest.mark.usefixtures("home")
def test_a_pattern_of_the_repository_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".codex-router.toml").write_text('[categories]\n"^bump " = "docs"\n')
    found = document("bump the crash handler")
    assert (found["category"], found["tier"], found["explanation"]["decided_by"]) == ("docs", "bulk", "pattern")
    file = str(tmp_path / ".codex-router.toml")
    assert found["explanation"]["pattern"] == {"expression": "^bump ", "category": "docs", "file": file}
    assert f"decided by: pattern '^bump ' in {file}\n" in route("--explain", "bump the crash handler")[1]


@pytest.mark.usefixtures("home")
def test_what_was_learnt_is_shown_apart_from_what_ships() -> None:
    before = document(DOCS)
    write_learnt({hashed("w:readme"): {"docs": -30.0, "ops": 30.0}, hashed("w:absent"): {"docs": 9.0}})
    after = document(DOCS)
    moved = {row["category"]: row for row in after["explanation"]["learnt"]}
    for name in ("docs", "ops"):
        for document_, key in ((before, "log_odds_shipped"), (after, "log_odds")):
            chance = document_["probabilities"][name]
            assert moved[name][key] == pytest.approx(math.log(chance / (1 - chance)))
    ((word, nats),) = (tuple(row.values()) for row in moved["docs"]["words"])
    assert word == "readme"
    assert nats == pytest.approx(-30 / len(features(DOCS)) ** 0.5)
    told = [line for line in route("--explain", DOCS)[1].splitlines() if line.startswith("learnt from you: ")]
    assert any(line.startswith("learnt from you: docs, log-odds +") and "readme -" in line for line in told)


@pytest.mark.usefixtures("home")
def test_the_answer_as_a_document() -> None:
    found = document(DOCS)
    assert list(found) == [
        "schema",
        "category",
        "probabilities",
        "because",
        "abstained",
        "tier",
        "model",
        "effort",
        "model_provider",
        "max_turns",
        "max_cost_usd",
        "command",
        "explanation",
    ]
    assert (found["schema"], found["category"], found["tier"], found["abstained"]) == (1, "docs", "bulk", False)
    assert sum(found["probabilities"].values()) == pytest.approx(1)
    assert max(found["probabilities"], key=found["probabilities"].get) == "docs"
    assert (found["model"], found["effort"], found["max_turns"]) == ("gpt 5.4; x", None, None)
    assert found["command"] == ["codex", "exec", "--profile", "bulk", "-m", "gpt 5.4; x"]
    assert list(found["explanation"]) == ["decided_by", "pattern", "learnt", "tiers", "thresholds"]


@pytest.mark.usefixtures("home")
def test_as_told_there_is_nothing_to_explain() -> None:
    found = document("--tier", "standard", DOCS)
    assert (found["tier"], found["probabilities"], found["because"]) == ("standard", None, None)
    assert (found["max_turns"], found["max_cost_usd"]) == (40, 2.5)
    assert (found["explanation"]["decided_by"], found["explanation"]["tiers"]) == ("user", [])
    assert document("--category", "docs", "anything")["tier"] == "bulk"
    assert "decided by: you\n" in route("--explain", "--tier", "standard", DOCS)[1]


@pytest.mark.usefixtures("home")
def test_the_prompt_may_come_on_standard_input() -> None:
    assert document(stdin=DOCS.encode()) == document("-", stdin=DOCS.encode()) == document(DOCS)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("prompt", [b"\xff\xfe", b"\x00", b"", "Upd\u00e4te \U0001f600".encode()])
def test_any_bytes_are_a_prompt(prompt: bytes) -> None:
    assert document(stdin=prompt)["tier"] == "standard"
    if prompt and b"\0" not in prompt:
        assert document(prompt)["tier"] == "standard"


@pytest.mark.usefixtures("home")
def test_what_is_wrong_is_said_on_standard_error() -> None:
    status, stdout, stderr = route("--tier", "gold", DOCS)
    assert (status, stdout) == (2, "")
    assert stderr == "error: no tier 'gold'\n\nhint: tiers are: standard, bulk\n"


def test_without_codex_router_toml(own_home: Path) -> None:
    status, stdout, stderr = route(DOCS)
    assert (status, stdout) == (2, "")
    assert f"{own_home}/.codex/codex-router.toml: not there yet" in stderr
    assert "hint: run `codex-router init` first" in stderr


def test_another_codex_home_may_be_named(home: Path, own_home: Path) -> None:
    home.rename(own_home / "elsewhere")
    assert document("--codex-home", str(own_home / "elsewhere"), DOCS)["tier"] == "bulk"
