"""Codex itself is asked whether it accepts a profile; whose fault a complaint is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from codex_router.codex.locate import Codex, find_codex
from codex_router.codex.prove import Proof, prove, starts

pytestmark = pytest.mark.codex
FIELD = "unknown configuration field"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, codex: Callable[[str], str]) -> Callable[[str], Codex]:
    def install(version: str) -> Codex:
        monkeypatch.setenv("CODEX_ROUTER_CODEX", codex(version))
        return find_codex()

    return install


@pytest.fixture
def home(own_home: Path) -> Path:
    (own_home / ".codex").mkdir()
    return own_home / ".codex"


def test_a_profile_file(home: Path, installed: Callable[[str], Codex]) -> None:
    codex, path = installed("0.163.0"), home / "bulk.config.toml"
    ours = frozenset({str(path)})
    path.write_text('model = "gpt-5.5"\n')
    assert prove(codex, home, "bulk", ours) == Proof("bulk", accepted=True, said="")
    path.write_text("no_such_key = 1\n")
    refused = prove(codex, home, "bulk", ours)
    assert (refused.accepted, FIELD in refused.said) == (False, True)
    theirs = prove(codex, home, "bulk")
    assert (theirs.accepted, "a key of your own" in theirs.said) == (True, True)
    path.write_text("model = 3\n")
    assert prove(codex, home, "bulk").accepted is False
    assert not (home / "sessions").exists()


def test_a_profile_table(home: Path, installed: Callable[[str], Codex]) -> None:
    codex, path = installed("0.133.0"), home / "config.toml"
    path.write_text('[profiles.bulk]\nmodel = "gpt-5.5"\n')
    assert prove(codex, home, "bulk") == Proof("bulk", accepted=True, said="")
    path.write_text("[profiles.bulk]\nno_such_key = 1\n")
    refused = prove(codex, home, "bulk")
    assert (refused.accepted, "`profiles.bulk.no_such_key`" in refused.said) == (False, True)
    path.write_text('[profiles.bulk]\nmodel = "gpt-5.5"\n[profiles.mine]\nno_such_key = 1\n')
    theirs = prove(codex, home, "bulk")
    assert (theirs.accepted, "`profiles.mine.no_such_key`" in theirs.said) == (True, True)
    path.write_text("")
    assert prove(codex, home, "bulk").accepted is False


def test_the_projects_own_configuration_has_no_say(
    home: Path, installed: Callable[[str], Codex], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codex = installed("0.163.0")
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text("model = 3\n")
    monkeypatch.chdir(tmp_path)
    (home / "config.toml").write_text(f'[projects."{tmp_path}"]\ntrust_level = "trusted"\n')
    (home / "bulk.config.toml").write_text('model = "gpt-5.5"\n')
    assert prove(codex, home, "bulk").accepted
    assert starts(codex, home) is None


def test_starts(home: Path, installed: Callable[[str], Codex]) -> None:
    codex = installed("0.163.0")
    assert starts(codex, home) is None
    assert starts(codex, home / "not-there") is None
    (home / "config.toml").write_text('profile = "x"\n')
    assert "no longer supported" in (starts(codex, home) or "")


def test_a_codex_that_cannot_be_asked(home: Path) -> None:
    codex = Codex("/nowhere/codex", (0, 64, 0), "PATH")
    assert prove(codex, home, "bulk").accepted is None
    assert starts(codex, home) is None
    gone = prove(codex._replace(version=(0, 163, 0)), home, "bulk")
    assert (gone.accepted, gone.said.startswith("Codex could not be asked")) == (False, True)
