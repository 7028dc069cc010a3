"""`doctor`: each row of each level, with real Codex; every row that is not ok says what to do."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from call import call
from plans import PLAN
from quick import listing

from codex_router.codex.render import router_text
from codex_router.records import Arm, Plan

pytestmark = pytest.mark.codex
NEW, OLD = "0.163.0", "0.133.0"
FIELDS = ["level", "name", "message", "hint"]
LEVELS = {"ok", "info", "warning", "error"}


@pytest.fixture
def home(own_home: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[str], None]) -> Path:
    """A Codex home in which everything is as it should be, and somewhere else to stand."""
    home = own_home / ".codex"
    home.mkdir()
    (home / "codex-router.toml").write_text(router_text(PLAN))
    (home / "config.toml").write_text('model = "gpt-5.5"\n')
    (own_home / "project").mkdir()
    monkeypatch.chdir(own_home / "project")
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    use(NEW)
    assert call("apply", "--yes").status == 0
    return home


def doctor(status: int | None = None) -> list[dict[str, str]]:
    """Return doctor's rows; the exit status follows from them, and each one that is not ok has a hint."""
    said = call("doctor", "--json")
    document: dict[str, Any] = json.loads(said.out)
    rows: list[dict[str, str]] = document["rows"]
    assert document["schema"] == 1
    assert all(list(row) == FIELDS and row["level"] in LEVELS for row in rows)
    assert said.status == (1 if any(row["level"] == "error" for row in rows) else 0)
    assert [row for row in rows if row["level"] != "ok" and not row["hint"]] == []
    assert status is None or said.status == status
    return rows


def find(level: str, name: str) -> str:
    """Return message and hint of the rows of that level and name; there must be one."""
    found = [f"{row['message']} / {row['hint']}" for row in doctor() if (row["level"], row["name"]) == (level, name)]
    assert found, f"no {level} row about {name} in {doctor()}"
    return "\n".join(found)


def levels() -> set[tuple[str, str]]:
    """Return (level, name) of the rows that are warnings or errors."""
    return {(row["level"], row["name"]) for row in doctor() if row["level"] in {"warning", "error"}}


def plan(home: Path, **changes: Any) -> None:
    """Write another plan and apply it."""
    tiers = tuple(tier._replace(**changes) if tier.name == "bulk" else tier for tier in PLAN.tiers)
    (home / "codex-router.toml").write_text(router_text(Plan(tiers, PLAN.routes)))
    assert call("apply", "--yes").status == 0


def test_all_is_well_and_nothing_is_changed(home: Path, own_home: Path) -> None:
    was = {name: what for name, what in listing(own_home).items() if name.endswith(".toml")}

    rows = doctor(status=0)

    assert {row["level"] for row in rows} <= {"ok", "info"}
    names = {row["name"] for row in rows}
    tiers = {f"profile {tier.name}" for tier in PLAN.tiers}
    assert names == {"codex", "config", "plan", "files", "prices", "budget", "policy", "ledger", *tiers}
    assert {name: what for name, what in listing(own_home).items() if name.endswith(".toml")} == was
    assert f"Codex {NEW} (" in find("ok", "codex")
    assert "layout profile-files" in find("ok", "codex")
    assert "accepted by Codex; runs gpt-5.5 high" in find("ok", "profile precision")
    assert "370 turns, $0.66" in find("ok", "budget")
    assert "gpt-5.5: $5 in, $30 out per million tokens" in find("ok", "prices")


def test_for_people_it_is_a_table(home: Path) -> None:
    said = call("doctor")
    assert said.status == 0
    assert "profile bulk" in said.out
    (home / "bulk.config.toml").unlink()
    said = call("doctor")
    assert said.status == 1
    assert "hint: run `codex-router apply`" in said.out


def test_no_codex(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_ROUTER_CODEX", "/nowhere/codex")
    assert "there is no such file / mend or unset CODEX_ROUTER_CODEX; without it" in find("error", "codex")
    assert "not proven, since there is no Codex to ask" in find("info", "profile bulk")


def test_a_codex_that_cannot_be_run_or_is_something_else(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = home.parent / "codex"
    program.write_text("#!/bin/sh\necho hello\n")
    monkeypatch.setenv("CODEX_ROUTER_CODEX", str(program))
    assert "not executable / try `chmod +x" in find("error", "codex")
    program.chmod(0o755)
    assert "did not print a version but 'hello'" in find("error", "codex")


def test_a_codex_newer_than_any_measured(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = home.parent / "codex"
    real = os.environ["CODEX_ROUTER_CODEX"]
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo codex-cli 1.2.3 && exit\nexec {real} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("CODEX_ROUTER_CODEX", str(program))
    assert "newer than 0.169.0" in find("info", "codex")
    assert levels() == set()


def test_not_logged_in(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("CODEX_API_KEY", raising=False)
    assert "login`" in find("warning", "login")
    (home / "auth.json").write_text("{}")
    (home / "auth.json").chmod(0o600)
    assert levels() == set()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"model = = 3\n", "config.toml:1: not valid TOML"),
        (b'model = "\xff"\n', "config.toml:1: not UTF-8 (byte 0xff)"),
        (b"\n\nx = " + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_configuration_that_cannot_be_read(home: Path, content: bytes, message: str) -> None:
    (home / "config.toml").write_bytes(content)
    assert message in find("error", "config")


def test_a_configuration_that_is_a_folder(home: Path) -> None:
    (home / "config.toml").unlink()
    (home / "config.toml").mkdir()
    assert "cannot be read: Is a directory" in find("error", "config")


def test_a_configuration_that_codex_refuses_is_told_in_its_words(home: Path) -> None:
    (home / "config.toml").write_text("model = 3\n")
    told = find("error", "config")
    assert "Codex does not start: Error" in told
    assert "invalid type: integer `3`" in told


def test_no_configuration_at_all(home: Path) -> None:
    (home / "config.toml").unlink()
    assert "Codex runs with its defaults" in find("ok", "config")
    assert levels() == set()


@pytest.mark.parametrize(
    ("text", "level", "message"),
    [
        ('[profile.x]\nmodel = "y"\n', "error", "[profile.*] tables in"),
        ('profile = "x"\n', "error", "Codex 0.134 and later does not start with it"),
        ('profile = "x"\n[profile.x]\nmodel = "y"\n', "error", "which no longer parses"),
        ('[profiles.x]\nmodel = "y"\n', "warning", "is not read since 0.134 (x)"),
    ],
)
def test_what_articles_and_older_versions_left(home: Path, text: str, level: str, message: str) -> None:
    (home / "config.toml").write_text(text)
    told = find(level, "legacy")
    assert message in told
    assert "run `codex-router migrate`" in told


def test_our_own_tables_after_an_upgrade(home: Path, use: Callable[[str], None]) -> None:
    use(OLD)
    assert call("apply", "--yes").status == 0
    assert levels() == set()
    use(NEW)
    assert "(bulk, precision, standard) / run `codex-router apply`" in find("warning", "legacy")


def test_no_plan_yet(home: Path) -> None:
    (home / "codex-router.toml").unlink()
    assert "not there yet / run `codex-router init` first" in find("warning", "plan")
    doctor(status=0)


def test_a_plan_that_cannot_be_read(home: Path) -> None:
    (home / "codex-router.toml").write_text("[profile.bulk]\nmodel = 3\n")
    assert "3 cannot be the name of a model" in find("error", "plan")


def test_a_profile_that_is_missing(home: Path) -> None:
    (home / "bulk.config.toml").unlink()
    told = find("error", "profile bulk")
    assert "is missing; Codex would silently run on its base configuration / run `codex-router apply`" in told
    assert "bulk.config.toml" in find("warning", "files")


def test_a_profile_that_codex_refuses(home: Path) -> None:
    (home / "bulk.config.toml").write_text('model = "gpt-5.5"\nno_such_key = 1\n')
    told = find("error", "profile bulk")
    assert "Codex does not accept it" in told
    assert "unknown configuration field `no_such_key`" in told
    assert "changed by somebody else" in find("warning", "files")


def test_a_profile_that_says_something_else(home: Path) -> None:
    path = home / "bulk.config.toml"
    path.write_text(path.read_text().replace('"medium"', '"xhigh"'))
    assert "runs gpt-5.5 xhigh" in find("ok", "profile bulk")
    assert "codex-router.toml says gpt-5.5 medium / run `codex-router apply`" in find("warning", "profile bulk")


def test_an_unknown_key_of_the_users_own(home: Path, use: Callable[[str], None]) -> None:
    (home / "config.toml").write_text("my_key = 1\n")
    assert "a key of your own is unknown to Codex" in find("info", "profile bulk")
    assert levels() == set()
    use(OLD)
    assert call("apply", "--yes").status == 0
    assert "`my_key`" in find("info", "profile bulk")
    assert levels() == set()


def test_a_model_that_is_not_on_offer(home: Path) -> None:
    plan(home, arm=Arm("gpt-5-codex", "high"))
    told = find("warning", "profile bulk")
    assert "gpt-5-codex is not on offer (codex debug models) / edit codex-router.toml" in told


def test_an_effort_that_the_model_does_not_have(home: Path) -> None:
    path = home / "codex-router.toml"
    path.write_text(path.read_text().replace('"medium"', '"ultra"'))
    assert "gpt-5.5 has no effort 'ultra'" in find("error", "profile bulk")


def test_a_model_without_a_price(home: Path) -> None:
    plan(home, arm=Arm("my-own-model", "high"))
    assert "no list price is known for my-own-model" in find("warning", "prices")


def test_budgets_that_are_none_or_a_squeeze(home: Path) -> None:
    from codex_router.records import Budget

    plan(home, budget=Budget())
    assert "bulk has none: a runaway run is stopped by nobody" in find("warning", "budget")
    plan(home, budget=Budget(max_turns=5))
    assert "5 turns stop many runs that would succeed" in find("warning", "budget")


def test_a_project_that_overrules_the_profile(home: Path, own_home: Path) -> None:
    project = own_home / "project" / ".codex"
    project.mkdir()
    (project / "config.toml").write_text('model = "gpt-5.2"\n[tui]\nnotifications = true\n')
    told = find("warning", "project")
    assert f"`{project}/config.toml` sets model; when trusted, it beats the profile" in told
    assert "use `codex-router exec`" in told
    (project / "config.toml").write_text("= no\n")
    assert "not valid TOML" in find("warning", "project")
    (project / "config.toml").write_text("[tui]\nnotifications = true\n")
    assert levels() == set()


def test_permissions(home: Path) -> None:
    (home / "bulk.config.toml").chmod(0o666)
    assert f"anybody can write `{home}/bulk.config.toml` / run `chmod o-w" in find("error", "permissions")
    (home / "bulk.config.toml").chmod(0o644)
    (home / "config.toml").write_text('[mcp_servers.x]\ncommand = "x"\n[mcp_servers.x.env]\nAPI_KEY = "hunter2"\n')
    (home / "config.toml").chmod(0o644)
    told = find("warning", "permissions")
    assert "holds a secret / run `chmod 600" in told
    assert "hunter2" not in json.dumps(doctor())
    (home / "config.toml").chmod(0o600)
    assert levels() == set()


def test_a_policy_that_is_wrong(home: Path, own_home: Path) -> None:
    policy = own_home / ".config" / "codex-router" / "policy.toml"
    policy.parent.mkdir(parents=True)
    policy.write_text("[tiers.bulk]\ntask_value_usd = -1\n")
    assert "task_value_usd" in find("error", "policy")


def test_a_journal_that_cannot_be_read(home: Path, own_home: Path) -> None:
    (own_home / "router" / "journal" / "000001" / "entry.json").write_text("{")
    assert "this journal entry cannot be read" in find("error", "journal")


def test_a_ledger_that_is_none(home: Path, own_home: Path) -> None:
    from codex_router.evidence.ledger import FILE, Ledger

    assert "is not there yet" in find("ok", "ledger")
    with Ledger.open():
        pass
    assert "0 runs" in find("ok", "ledger")
    (own_home / "router" / FILE).write_text("not a database, but long enough to be taken for one" * 100)
    assert FILE in find("error", "ledger")


def test_a_home_that_is_not_there(home: Path) -> None:
    shutil.rmtree(home)
    assert levels() == {("warning", "plan")}
