from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TIERS = """
[profile.standard]
model = "gpt-5.5"
reasoning_effort = "low"
max_turns = 40
max_cost_usd = 2.5

[profile.bulk]
model = "gpt 5.4; x"

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
    lines = stdout.splitlines()
    assert lines[0].startswith("docs (")
    assert lines[0].endswith("-> bulk: gpt 5.4; x")
    assert lines[1] == "budget: no limit"
    assert lines[2].startswith("because of: ")
    assert "readme" in lines[2]
    assert lines[3].startswith("probabilities: docs ")
    assert lines[4] == "command: codex exec --profile bulk -m 'gpt 5.4; x' ..."
    assert route("--tier", "standard", "x")[1].splitlines()[1] == "budget: 40 turns and $2.50"


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
    ]
    assert (found["schema"], found["category"], found["tier"], found["abstained"]) == (1, "docs", "bulk", False)
    assert sum(found["probabilities"].values()) == pytest.approx(1)
    assert max(found["probabilities"], key=found["probabilities"].get) == "docs"
    assert (found["model"], found["effort"], found["max_turns"]) == ("gpt 5.4; x", None, None)
    assert found["command"] == ["codex", "exec", "--profile", "bulk", "-m", "gpt 5.4; x"]


@pytest.mark.usefixtures("home")
def test_as_told_there_is_nothing_to_explain() -> None:
    found = document("--tier", "standard", DOCS)
    assert (found["tier"], found["probabilities"], found["because"]) == ("standard", None, None)
    assert (found["max_turns"], found["max_cost_usd"]) == (40, 2.5)
    assert document("--category", "docs", "anything")["tier"] == "bulk"


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
