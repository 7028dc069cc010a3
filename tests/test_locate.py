from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codex_router.codex.locate import find_codex
from codex_router.errors import ExitCode, LaunchError


def program(path: Path, says: str = "codex-cli 0.163.0", rest: str = "") -> Path:
    """Write a program that prints `says` and counts its runs in `<path>.runs`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho >> '{path}.runs'\nprintf '%b\\n' '{says}'\n{rest}\n")
    path.chmod(0o755)
    return path


def runs(path: Path) -> int:
    counted = path.with_name(f"{path.name}.runs")
    return len(counted.read_text().splitlines()) if counted.exists() else 0


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Codex on PATH but what a test puts there."""
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site-packages")])


def test_the_environment_comes_first_then_path_then_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = program(tmp_path / "site-packages" / "codex_cli_bin" / "bin" / "codex", "codex-cli 0.1.0")
    found = find_codex()
    assert (found.path, found.version, found.found_by) == (str(extra), (0, 1, 0), "the codex extra")

    on_path = program(tmp_path / "bin" / "codex", "codex-cli 0.2.0")
    found = find_codex()
    assert (found.path, found.version, found.found_by) == (str(on_path), (0, 2, 0), "PATH")

    own = program(tmp_path / "my codex", "codex-cli 0.3.0-alpha.2")
    monkeypatch.setenv("CODEX_ROUTER_CODEX", str(own))
    found = find_codex()
    assert (found.path, found.version, found.found_by) == (str(own), (0, 3, 0), "$CODEX_ROUTER_CODEX")
    assert str(found) == f"Codex 0.3.0 ({own}, by $CODEX_ROUTER_CODEX)"


@pytest.mark.parametrize(
    "call", ['exec codex-router "$@"', "/opt/bin/codex-router exec -- $*", 'py -m codex_router "$@"']
)
def test_a_script_that_starts_us_is_not_taken_for_codex(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    own = program(tmp_path / "bin" / "codex", rest=call)
    monkeypatch.setenv("CODEX_ROUTER_CODEX", str(own))
    with pytest.raises(LaunchError, match="no Codex found"):
        find_codex()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{tmp_path}/codex-router:/bin")
    real = program(tmp_path / "codex-router" / "codex")
    assert find_codex().path == str(real)


def test_the_version_is_asked_once(tmp_path: Path) -> None:
    codex = program(tmp_path / "bin" / "codex")
    assert [find_codex().version for _ in range(3)] == [(0, 163, 0)] * 3
    assert runs(codex) == 1


@pytest.mark.parametrize("how", ["in place", "replaced", "through a link"])
def test_another_codex_under_the_same_path_is_asked_again(tmp_path: Path, how: str) -> None:
    codex = program(tmp_path / "versions" / "1", "codex-cli 0.133.0")
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "codex"
    link.symlink_to(codex)
    assert find_codex().version == (0, 133, 0)
    if how == "in place":
        program(codex, "codex-cli 0.163.0")
    elif how == "replaced":
        program(tmp_path / "new", "codex-cli 0.163.0").replace(codex)
    else:
        link.unlink()
        link.symlink_to(program(tmp_path / "versions" / "2", "codex-cli 0.163.0"))
    assert find_codex().version == (0, 163, 0)


@pytest.mark.parametrize(
    "memo",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff",
        b'{"key": 1, "version": 2}',
        b"KEEP KEY 0",
        b'KEEP KEY ["x", 1, 2]',
        b"[" * 9999,
    ],
)
def test_a_damaged_memory_is_asked_again(tmp_path: Path, own_home: Path, memo: bytes) -> None:
    codex = program(tmp_path / "bin" / "codex")
    find_codex()
    kept = own_home / "router" / "codex.json"
    if memo.startswith(b"KEEP KEY"):
        memo = json.dumps({**json.loads(kept.read_bytes()), "version": json.loads(memo[9:])}).encode()
    kept.write_bytes(memo)
    assert find_codex().version == (0, 163, 0)
    assert runs(codex) == 2
    assert find_codex().version == (0, 163, 0)
    assert runs(codex) == 2


def test_a_home_that_cannot_be_written_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codex = program(tmp_path / "bin" / "codex")
    (tmp_path / "file").touch()
    monkeypatch.setenv("CODEX_ROUTER_HOME", str(tmp_path / "file" / "router"))
    assert [find_codex().version, find_codex().version] == [(0, 163, 0)] * 2
    assert runs(codex) == 2


def refused(exit_code: ExitCode) -> LaunchError:
    with pytest.raises(LaunchError) as failed:
        find_codex()
    assert failed.value.exit_code == exit_code
    assert failed.value.hint
    return failed.value


def test_no_codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(ExitCode.NOT_FOUND).what == "no Codex found"
    monkeypatch.setenv("CODEX_ROUTER_CODEX", str(tmp_path / "gone"))
    assert refused(ExitCode.NOT_FOUND).where == str(tmp_path / "gone")


@pytest.mark.parametrize(
    ("says", "what"),
    [
        ("garbage", "but 'garbage'"),
        ("", "but nothing"),
        ("\\0377\\0376 bytes", "but '\ufffd\ufffd bytes'"),
        ("version one.two", "but 'version one.two'"),
    ],
)
def test_what_is_no_version(tmp_path: Path, says: str, what: str) -> None:
    program(tmp_path / "bin" / "codex", says)
    assert what in refused(ExitCode.NOT_EXECUTABLE).what


def test_a_program_that_reads_standard_input_does_not_get_ours(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "codex").symlink_to("/bin/cat")
    assert "but" in refused(ExitCode.NOT_EXECUTABLE).what


def test_what_cannot_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.write_bytes(b"\x00\x01")
    monkeypatch.setenv("CODEX_ROUTER_CODEX", str(data))
    assert f"chmod +x {data}" in (refused(ExitCode.NOT_EXECUTABLE).hint or "")
    data.chmod(0o755)
    assert "Exec format error" in refused(ExitCode.NOT_EXECUTABLE).what
    monkeypatch.setenv("CODEX_ROUTER_CODEX", str(tmp_path))
    refused(ExitCode.NOT_EXECUTABLE)


@pytest.mark.codex
@pytest.mark.parametrize("version", ["0.163.0", "0.133.0"])
def test_real_codex(codex: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setenv("CODEX_ROUTER_CODEX", codex(version))
    assert ".".join(map(str, find_codex().version)) == version
    assert os.access(find_codex().path, os.X_OK)
