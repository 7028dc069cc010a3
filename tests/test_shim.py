"""The shim: `codex exec` goes to the router, all else to the real Codex, and it never finds itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from world import GO, TIERS, World

from codex_router.codex.locate import find_codex, is_shim
from codex_router.codex.shim import install, remove, script
from codex_router.errors import LaunchError, RouterError

REAL = (
    '#!/bin/sh\nif [ "$1" = --version ]; then echo codex-cli 0.163.0; exit; fi\nprintf "real:"; printf " <%s>" "$@"\n'
)
ROUTER = '#!/bin/sh\nprintf "router:"; printf " <%s>" "$@"\n'


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with `shim/codex` and `real/codex`, in this order on PATH, and a router that says what it got."""
    program(tmp_path / "real" / "codex", REAL)
    install(tmp_path / "shim", str(program(tmp_path / "python", ROUTER)))
    monkeypatch.setenv("PATH", f"{tmp_path}/shim:{tmp_path}/real:{os.environ['PATH']}")
    return tmp_path


def say(*words: str) -> str:
    return subprocess.run(["codex", *words], capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize(
    "words",
    [
        ["exec", "do it"],
        ["e", "do it", ""],
        ["-a", "never", "exec", "--json", "two\nlines"],
        ["-c", "exec", "--model=e", "-mgpt", "exec", "x"],
        ["--search", "--cd", "some where", "e"],
    ],
)
def test_exec_is_routed_with_all_its_words(machine: Path, words: list[str]) -> None:
    assert say(*words) == "router: <-P> <-m> <codex_router>" + "".join(f" <{word}>" for word in words)


@pytest.mark.parametrize(
    "words",
    [
        ["login"],
        ["fix exec"],
        ["-p", "exec"],
        ["--", "exec"],
        ["-i", "a.png", "exec"],
        ["resume", "exec"],
        ["--help", "exec"],
        ["-", "exec"],
    ],
)
def test_all_else_reaches_the_real_codex(machine: Path, words: list[str]) -> None:
    assert say(*words) == "real:" + "".join(f" <{word}>" for word in words)


def test_no_word_at_all_reaches_the_real_codex(machine: Path) -> None:
    assert say() == "real: <>"


def test_two_shims_do_not_send_each_other_round(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(machine / "second", str(machine / "python"))
    monkeypatch.setenv("PATH", f"{machine}/second:{os.environ['PATH']}")
    assert say("login") == "real: <login>"
    assert find_codex().path == str(machine / "real" / "codex")


def test_a_path_that_names_the_shim_is_not_taken(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_ROUTER_CODEX", str(machine / "shim" / "codex"))
    assert say("login") == "real: <login>"
    assert find_codex().path == str(machine / "real" / "codex")


def test_a_codex_that_moved_is_found_again(machine: Path) -> None:
    assert say("login") == "real: <login>"
    elsewhere = machine / "with space" / "bin"
    program(elsewhere / "codex", REAL.replace("real:", "newer:"))
    (machine / "real" / "codex").unlink()
    (machine / "real").rmdir()
    (machine / "real").symlink_to(elsewhere)
    assert say("login") == "newer: <login>"


def test_without_the_router_codex_runs_all_the_same(machine: Path) -> None:
    (machine / "python").unlink()
    done = subprocess.run(["codex", "exec", "x"], capture_output=True, text=True, check=True)
    assert done.stdout == "real: <exec> <x>"
    assert "running Codex directly" in done.stderr


def test_without_one_on_path_the_router_is_asked_and_nothing_of_the_project_is_imported(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine / "real" / "codex").rename(machine / "extra")
    asked = '[ "$*" = "-P -m codex_router shim which" ]'  # -P: the folder one works in is no place for modules
    program(machine / "python", f'#!/bin/sh\n{asked} && echo "{machine}/extra"\n')
    monkeypatch.setenv("PATH", f"{machine}/shim:/usr/bin:/bin")
    assert say("login") == "real: <login>"


def test_without_codex_it_says_so(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "real" / "codex").unlink()
    (machine / "python").unlink()
    monkeypatch.setenv("PATH", f"{machine}/shim:/usr/bin:/bin")
    done = subprocess.run(["codex", "login"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (127, "")
    assert "no Codex found" in done.stderr


def test_a_shim_alone_is_no_codex(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{machine}/shim")
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(LaunchError, match="no Codex found"):
        find_codex()


def test_a_codex_that_is_not_ours_is_left_alone(machine: Path) -> None:
    with pytest.raises(RouterError, match="not ours"):
        install(machine / "real", "python")
    with pytest.raises(RouterError, match="not ours"):
        remove(machine / "real")
    assert (machine / "real" / "codex").read_text() == REAL
    (machine / "broken").mkdir()
    (machine / "broken" / "codex").symlink_to("gone")
    with pytest.raises(RouterError, match="not ours"):
        install(machine / "broken", "python")


@pytest.mark.parametrize("shell", [one for one in ("sh", "bash", "dash", "zsh", "busybox") if shutil.which(one)])
def test_every_shell_here_takes_the_script(shell: str, tmp_path: Path) -> None:
    path = program(tmp_path / "codex", script("/some/py'thon"))
    argv = [shell, *(["sh"] if shell == "busybox" else []), "-n", str(path)]
    assert subprocess.run(argv, capture_output=True, text=True, check=False).stderr == ""


@pytest.mark.codex
def test_the_verbs_with_real_codex(make_world: Callable[..., World]) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    bin_, real = world.home / "bin", world.home / "real"
    real.mkdir()
    (real / "codex").symlink_to(world.codex)
    del world.env["CODEX_ROUTER_CODEX"]
    world.env["PATH"] = f"{bin_}:{real}:{world.env['PATH']}"

    assert "wrote" in world.run("shim", "install", "--dir", str(bin_)).stderr
    status = json.loads(world.run("shim", "status", "--json").stdout)
    assert status["active"] is True
    assert status["codex"] == str(real / "codex")
    done = subprocess.run(
        ["codex", "-a", "never", "exec", *GO, "Update the README"],
        cwd=world.folder,
        env=world.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "done\n"
    assert [request["model"] for request in world.server.requests] == [TIERS["bulk"][0]]
    version = subprocess.run(["codex", "--version"], env=world.env, capture_output=True, text=True, check=True).stdout
    assert version.split()[-1] == "0.163.0"
    assert "removed" in world.run("shim", "remove").stderr
    assert not (bin_ / "codex").exists()
    assert "no shim" in world.run("shim", "remove").stderr


@pytest.mark.codex
def test_an_order_that_does_not_work_is_told(make_world: Callable[..., World]) -> None:
    world = make_world("0.163.0")
    bin_ = world.home / "my bin"
    told = world.run("shim", "install", "--dir", str(bin_)).stderr
    assert f"export PATH='{bin_}':\"$PATH\"" in told


@pytest.mark.codex
def test_the_alias_works_where_it_is_printed(make_world: Callable[..., World]) -> None:
    world = make_world("0.163.0")
    line = world.run("shim", "install", "--alias").stdout.decode()
    assert line.startswith("alias codex=")
    assert is_shim(world.router_home / "shim" / "codex")
    shell = f"{line}\ncodex --version\n"
    done = subprocess.run(
        ["bash", "-O", "expand_aliases"], input=shell, env=world.env, capture_output=True, text=True, check=True
    )
    assert "0.163.0" in done.stdout
