"""Folders and files that may not be read or written, for real: also root is held to them here."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from call import Said, call
from plans import PLAN
from powers import without_powers
from quick import listing

from codex_router.codex.render import router_text

ordinary = pytest.mark.skipif(
    not Path("/").stat().st_mode & 0o001, reason="the root folder of this machine is closed to ordinary users"
)


def run(*argv: str) -> Said:
    """Run a verb as somebody whom permissions hold."""
    call(*argv[:1], "--help")
    with without_powers():
        return call(*argv)


@pytest.fixture
def home(own_home: Path, monkeypatch: pytest.MonkeyPatch, without_codex: None) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(own_home))  # the system's own may be closed to an ordinary user
    home = own_home / ".codex"
    home.mkdir()
    (home / "codex-router.toml").write_text(router_text(PLAN))
    (home / "config.toml").write_text('model = "x"\n')
    (own_home / "router").mkdir()
    return home


@ordinary
@pytest.mark.parametrize(
    ("path", "mode", "message"),
    [
        (".codex", 0o500, "cannot be written: Permission denied; everything is as it was"),
        (".codex/config.toml", 0o000, "config.toml: cannot be read: Permission denied"),
        (".codex/codex-router.toml", 0o000, "codex-router.toml: cannot be read"),
        ("router", 0o500, "codex-router's own folder cannot be written: Permission denied"),
    ],
)
def test_what_may_not_be_touched_is_told_and_nothing_is_written(
    home: Path, own_home: Path, path: str, mode: int, message: str
) -> None:
    was = listing(home)
    (own_home / path).chmod(mode)

    done = run("apply", "--yes")

    (own_home / path).chmod(0o700 if (own_home / path).is_dir() else was[Path(path).name][1])
    assert done.status in {1, 2}, done.err
    assert message in done.err
    assert "hint: " in done.err
    assert listing(home) == was
    assert run("apply", "--yes").status == 0


@ordinary
def test_a_home_that_cannot_be_made(home: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = own_home / "locked"
    parent.mkdir(mode=0o500)
    monkeypatch.setenv("CODEX_HOME", str(parent / "codex"))
    done = run("init", "--yes")
    assert done.status == 1
    assert f"{parent}/codex: cannot be created: Permission denied" in done.err
    assert list(parent.iterdir()) == []


@ordinary
def test_a_private_file_of_somebody_else_in_the_way_of_the_journal(home: Path, own_home: Path) -> None:
    assert run("apply", "--yes").status == 0
    (own_home / "router" / "journal").chmod(0o000)
    for argv in (("undo",), ("apply", "--yes"), ("doctor",)):
        done = run(*argv)
        assert done.status == 1
        assert "Permission denied" in done.out + done.err
        assert "hint" in done.out + done.err
    (own_home / "router" / "journal").chmod(0o700)
    assert run("undo").status == 0


def test_a_link_to_where_not_even_root_can_write(home: Path, own_home: Path) -> None:
    """The second of three files fails for real, so the first one goes again."""
    (home / "standard.config.toml").symlink_to("/proc/no-such-file")
    was = listing(home)
    said = call("apply", "--yes")
    assert said.status == 1
    assert "/proc/" in said.err
    assert "everything is as it was" in said.err
    assert "hint: check free space and permissions" in said.err
    assert listing(home) == was
    assert "nothing to undo" in call("undo").err
