"""`init` as people use it, with OpenAI's own binary judging the result."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from call import call
from quick import listing

from codex_router.codex.router_file import read_plan
from codex_router.shipped import shipped

pytestmark = pytest.mark.codex
NEW, OLD = "0.163.0", "0.133.0"
TYPICAL = b"""\
# My configuration, \xe2\x98\x95\r
model    =   "gpt-5.5"      # odd spacing stays\r
model_reasoning_effort='medium'\r
\r
[tui]\r
  notifications=true\r
[projects."/home/me/code"]\r
trust_level   = "trusted"\r
[mcp_servers.docs]\r
command = "docs-server"\r
args = [\r
  "--port", "1234", # a comment inside\r
]"""
TIERS = ("precision", "standard", "bulk")


@pytest.fixture
def home(own_home: Path, monkeypatch: pytest.MonkeyPatch, codex: Callable[[str], str]) -> Path:
    """A Codex home that is not there yet, and the newest Codex."""
    monkeypatch.setenv("CODEX_ROUTER_CODEX", codex(NEW))
    monkeypatch.chdir(own_home)
    return own_home / ".codex"


def typical(home: Path) -> Path:
    home.mkdir()
    (home / "config.toml").write_bytes(TYPICAL)
    (home / "config.toml").chmod(0o600)
    return home / "config.toml"


def ours(home: Path) -> set[str]:
    """Return the files in a Codex home that Codex itself did not put there."""
    return {path.name for path in home.iterdir() if path.suffix == ".toml"} if home.is_dir() else set()


def test_a_newcomer_gets_three_proven_profiles_and_a_second_run_has_nothing_to_do(home: Path) -> None:
    said = call("init", "--yes")

    assert said.status == 0, said.err
    assert [line for line in said.err.splitlines() if line.startswith("Codex accepts")] == [
        f"Codex accepts profile `{tier}`" for tier in TIERS
    ]
    assert ours(home) == {"codex-router.toml", *(f"{tier}.config.toml" for tier in TIERS)}
    for tier in read_plan(home).tiers:
        profile = tomllib.loads((home / f"{tier.name}.config.toml").read_text())
        assert (profile["model"], profile["model_reasoning_effort"]) == tier.arm
        assert {"model_verbosity", "model_auto_compact_token_limit"} < profile.keys()
    assert "next: `codex-router exec" in said.err
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    was = listing(home)

    again = call("init", "--yes")

    assert (again.status, "nothing to do" in again.err) == (0, True)
    assert {name: what for name, what in listing(home).items() if name.endswith(".toml")} == {
        name: what for name, what in was.items() if name.endswith(".toml")
    }


def test_an_existing_configuration_is_not_touched_by_a_byte_and_undo_removes_ours(home: Path) -> None:
    config = typical(home)
    assert call("init", "--yes").status == 0
    assert (config.read_bytes(), stat.S_IMODE(config.stat().st_mode)) == (TYPICAL, 0o600)
    assert call("undo").status == 0
    assert ours(home) == {"config.toml"}
    assert config.read_bytes() == TYPICAL


def test_an_older_codex_gets_its_tables_behind_what_is_there(
    home: Path, monkeypatch: pytest.MonkeyPatch, codex: Callable[[str], str]
) -> None:
    config = typical(home)
    monkeypatch.setenv("CODEX_ROUTER_CODEX", codex(OLD))

    said = call("init", "--yes")

    assert said.status == 0, said.err
    after = config.read_bytes()
    assert after.startswith(TYPICAL)
    assert not after.endswith(b"\n")
    assert after.count(b"\n") == after.count(b"\r\n")
    assert ours(home) == {"config.toml", "codex-router.toml"}
    added = tomllib.loads(after[len(TYPICAL) :].decode())
    assert added.keys() == {"profiles"}
    assert added["profiles"].keys() == set(TIERS)
    assert said.err.count("Codex accepts profile") == 3
    assert "nothing to do" in call("init", "--yes").err
    assert call("undo").status == 0
    assert (config.read_bytes(), stat.S_IMODE(config.stat().st_mode)) == (TYPICAL, 0o600)
    assert ours(home) == {"config.toml"}


def test_dry_run_and_no_terminal_write_nothing(home: Path) -> None:
    typical(home)
    was = listing(home)

    dry = call("init", "--dry-run")
    unasked = call("init")

    assert (dry.status, unasked.status) == (0, 2)
    assert "+++" in dry.out
    assert "nothing was written (--dry-run)" in dry.err
    assert "no terminal" in unasked.err
    assert "hint: add `--yes` to write" in unasked.err
    assert {name: what for name, what in listing(home).items() if name.endswith(".toml")} == was
    assert call("undo").err.startswith("error: nothing to undo")


@pytest.mark.parametrize(("answer", "written"), [(b"y\n", True), (b"\n", False)])
def test_a_person_at_a_terminal_is_asked(home: Path, answer: bytes, written: bool) -> None:
    person, terminal = pty.openpty()
    os.write(person, answer)
    program = [sys.executable, "-m", "codex_router", "init"]
    done = subprocess.run(program, stdin=terminal, capture_output=True, text=True, timeout=60, check=False)
    os.close(person)
    os.close(terminal)
    assert done.returncode == (0 if written else 1)
    assert "write this? [y/N]" in done.stderr
    assert bool(ours(home)) == written


def test_models_restrict_the_choice(home: Path) -> None:
    said = call("init", "--yes", "--models", "gpt-5.5:low,gpt-5.5:high")
    assert said.status == 0, said.err
    assert {tier.arm.model for tier in read_plan(home).tiers} == {"gpt-5.5"}
    assert {tier.arm.effort for tier in read_plan(home).tiers} <= {"low", "high"}


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ("gpt-5-codex", "model 'gpt-5-codex' is not on offer (codex debug models)"),
        ("gpt-5.5:turbo", "model gpt-5.5 has no effort 'turbo'"),
        ("", "model '' is not on offer"),
        ('"\nx', "is not on offer"),
    ],
)
def test_models_not_on_offer_are_refused(home: Path, models: str, message: str) -> None:
    said = call("init", "--yes", "--models", models) if models else call("init", "--yes", "--models", ",")
    assert said.status == 1
    assert message in said.err
    assert "hint: choose from: " in said.err
    assert ours(home) == set()


def test_a_name_that_is_taken_is_refused_and_a_prefix_solves_it(home: Path) -> None:
    typical(home)
    (home / "bulk.config.toml").write_text('model = "mine"\n')
    refused = call("init", "--yes")
    assert refused.status == 1
    assert f"{home}/bulk.config.toml: this profile exists, and codex-router did not write it" in refused.err
    assert "hint: choose other names with `codex-router init --prefix my-`" in refused.err
    assert ours(home) == {"config.toml", "bulk.config.toml"}

    said = call("init", "--yes", "--prefix", "my-")

    assert said.status == 0, said.err
    assert [tier.name for tier in read_plan(home).tiers] == [f"my-{tier}" for tier in TIERS]
    assert (home / "bulk.config.toml").read_text() == 'model = "mine"\n'
    assert "Codex accepts profile `my-bulk`" in said.err


@pytest.mark.parametrize("prefix", ["../", "a.b", "x y", "é"])
def test_a_prefix_that_codex_would_not_take_is_refused(home: Path, prefix: str) -> None:
    said = call("init", "--yes", "--prefix", prefix)
    assert said.status == 2
    assert "cannot be the name of a Codex profile" in said.err
    assert "hint: use only A-Z, a-z, 0-9" in said.err
    assert ours(home) == set()
    assert sorted(path.name for path in home.parent.iterdir() if "config" in path.name) == []


def test_json_is_one_document_and_writes_only_with_yes(home: Path) -> None:
    looked = json.loads(call("init", "--json").out)
    assert looked["schema"] == 1
    assert looked["codex"]["version"] == NEW
    assert looked["codex"]["layout"] == "profile-files"
    assert [tier["name"] for tier in looked["tiers"]] == list(TIERS)
    assert {Path(change["path"]).name for change in looked["changes"]} == {
        "codex-router.toml",
        *(f"{tier}.config.toml" for tier in TIERS),
    }
    assert looked["proofs"] == []
    assert ours(home) == set()

    written = json.loads(call("init", "--json", "--yes").out)
    assert written["proofs"] == [{"tier": tier, "accepted": True, "said": ""} for tier in TIERS]
    assert len(ours(home)) == 4


@pytest.mark.parametrize("command", [("apply", "--yes"), ("init", "--yes")])
def test_profiles_that_were_migrated_stay_the_users_own(home: Path, command: tuple[str, ...]) -> None:
    """They are in the journal, and they are no tier: that makes them no leftovers of ours."""
    assert call("init", "--yes").status == 0
    (home / "config.toml").write_text('[profile.fast]\nmodel = "gpt-5.4-mini" # quick\nreasoning_effort = "low"\n')
    assert call("migrate", "--yes").status == 0
    moved = (home / "fast.config.toml").read_bytes()
    assert (home / "config.toml").read_bytes() == b""
    said = call(*command)
    assert said.status == 0
    assert (home / "fast.config.toml").read_bytes() == moved
    assert (home / "config.toml").read_bytes() == b""
    assert "Codex's files say what codex-router.toml says" in call("doctor").out


def test_a_migrated_profile_keeps_its_name_from_a_tier(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text('[profile.bulk]\nmodel = "gpt-5.4-mini"\n')
    assert call("migrate", "--yes").status == 0
    moved = (home / "bulk.config.toml").read_bytes()
    said = call("init", "--yes")
    assert said.status == 1
    assert "this profile exists, and codex-router did not write it" in said.err
    assert (home / "bulk.config.toml").read_bytes() == moved


def test_an_unknown_key_of_the_users_own_does_not_count_against_us(
    home: Path, monkeypatch: pytest.MonkeyPatch, codex: Callable[[str], str]
) -> None:
    home.mkdir()
    (home / "config.toml").write_text("my_own_key = 1\n")
    for version in (NEW, OLD):
        monkeypatch.setenv("CODEX_ROUTER_CODEX", codex(version))
        said = call("init", "--yes")
        assert said.status == 0, said.err
        assert "a key of your own is unknown to Codex" in said.err
        assert "my_own_key" in said.err
        assert call("undo").status == 0


def test_what_codex_refuses_is_taken_back_and_told_in_its_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template that this Codex does not understand, as after a release that drops a key."""
    templates = home.parent / "profiles"
    templates.mkdir()
    for file in shipped("profiles").iterdir():
        (templates / file.name).write_bytes(file.read_bytes())
    (templates / "bulk.toml").write_text("# A key that no Codex has.\nno_such_key = true\n")
    monkeypatch.setattr("codex_router.codex.render.shipped", lambda _folder: templates)
    typical(home)

    said = call("init", "--yes")

    assert said.status == 1
    assert "Codex does not accept what was written, so the old bytes are back" in said.err
    assert "unknown configuration field `no_such_key`" in said.err
    assert "hint: " in said.err
    assert ours(home) == {"config.toml"}
    assert (home / "config.toml").read_bytes() == TYPICAL
    assert "nothing to undo" in call("undo").err


@pytest.mark.parametrize("broken", ["model = 3\n", 'profile = "bulk"\n', '[profile.bulk]\nmodel = "x"\n'])
def test_a_configuration_that_codex_refuses_is_not_built_upon(home: Path, broken: str) -> None:
    home.mkdir()
    (home / "config.toml").write_text(broken)
    said = call("init", "--yes")
    assert said.status == 1
    assert f"{home}/config.toml: Codex does not start with its configuration as it is" in said.err
    assert "hint: " in said.err
    assert ours(home) == {"config.toml"}


def test_a_codex_that_is_named_and_not_there_is_no_reason_to_write_for_another(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_ROUTER_CODEX", "/nowhere/codex")
    said = call("init", "--yes")
    assert said.status == 127
    assert "/nowhere/codex: there is no such file" in said.err
    assert "unset CODEX_ROUTER_CODEX" in said.err
    assert ours(home) == set()


def test_without_any_codex_the_newest_known_is_written_for(home: Path, without_codex: None) -> None:
    said = call("init", "--yes")
    assert said.status == 0, said.err
    assert "no Codex found: writing for 0.169.0, the newest known version; not proven" in said.err
    assert len(ours(home)) == 4
    assert "Codex accepts" not in said.err


def test_a_home_that_cannot_be_made_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_HOME", "/proc/self/no/such/folder")
    said = call("init", "--yes")
    assert said.status == 1
    assert "/proc/self/no/such/folder: cannot be created" in said.err
    assert "hint: " in said.err
