"""The fixture itself: the binary is the version that was asked for, and a version that cannot be had is a failure."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from codex_binary import codex_binary
from world import BASE_MODEL, GO, World

pytestmark = pytest.mark.codex


@pytest.mark.parametrize("version", ["0.163.0", "0.133.0"])
def test_the_binary_is_the_version_asked_for(version: str) -> None:
    said = subprocess.run([codex_binary(version), "--version"], capture_output=True, text=True, check=True).stdout
    assert said.split()[-1] == version


def test_a_version_that_does_not_exist_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_ROUTER_TEST_CACHE", str(tmp_path))
    with pytest.raises(subprocess.CalledProcessError):
        codex_binary("0.0.1")
    assert [path.name for path in tmp_path.iterdir()] == ["0.0.1.lock"]


def test_a_world_runs_codex_against_its_script(make_world: Callable[..., World]) -> None:
    world = make_world("0.163.0", {"cmd": "echo written > out.txt"}, {"final": "all done"})
    done = world.bare("exec", *GO, "write it")
    assert (done.status, done.stdout) == (0, b"all done\n")
    assert (world.folder / "out.txt").read_text() == "written\n"
    assert [request["model"] for request in world.server.requests] == [BASE_MODEL] * 2
