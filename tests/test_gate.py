"""The gate before each model request: by itself, and with the newest Codex, which has the hook for it."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from codex_binary import NEWEST
from waiting import wait_for
from world import GO, World

from codex_router.codex.gate import KEY, Gate, trusted_hash

MakeWorld = Callable[..., World]
ENDLESS = {"cmds": ["true", "echo again >> log.txt"], "say": "I look again."}


def test_requests_wait_until_they_are_let_go() -> None:
    with Gate() as gate:

        def all_wait() -> bool:
            gate.look()
            return gate.waiting == 3

        assert not gate.look()
        waiting = [subprocess.Popen(["sh", "-c", gate.command]) for _ in range(3)]
        wait_for(all_wait)
        assert [one.poll() for one in waiting] == [None] * 3
        gate.let_go(2)
        wait_for(lambda: sum(one.poll() == 0 for one in waiting) == 2)
        assert (gate.waiting, gate.passed) == (1, 2)
        gate.let_go(2)
        assert [one.wait(60) for one in waiting] == [0] * 3
        assert (gate.waiting, gate.passed) == (0, 3)


def test_when_we_are_gone_nobody_waits_for_ever() -> None:
    with Gate() as gate:
        waiting = subprocess.Popen(["sh", "-c", gate.command])
        wait_for(gate.look)
    assert waiting.wait(60) == 1  # the pipe has ended


def test_nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Gate():
        (folder,) = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not list(tmp_path.iterdir())


def test_what_codex_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "a 'b' \"c\""
    odd.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(odd))
    with Gate() as gate:
        flag, hooks, other_flag, state = gate.words
        read = tomllib.loads(f"{hooks}\n{state}\n")["hooks"]
        assert (flag, other_flag) == ("-c", "-c")
        assert read["PreModelRequest"] == [{"hooks": [{"type": "command", "command": gate.command, "timeout": 600}]}]
        assert read["state"] == {KEY: {"trusted_hash": trusted_hash(gate.command)}}


@pytest.mark.codex
@pytest.mark.parametrize("version", [NEWEST])
@pytest.mark.parametrize("limit", [1, 4])
def test_n_turns_allowed_means_n_requests(make_world: MakeWorld, version: str, limit: int) -> None:
    world = make_world(version, ENDLESS)
    world.write_profiles()
    done = world.run("exec", "--gate", "--max-turns", str(limit), *GO, "go on")
    assert done.status == 124
    assert len(world.server.requests) == limit
    assert done.stderr.count("PreModelRequest Completed") == limit
    wait_for(lambda: not world.processes())


@pytest.mark.codex
@pytest.mark.parametrize("version", [NEWEST])
@pytest.mark.parametrize("limit", [2, 5, 8])
def test_sub_agents_share_the_turns(make_world: MakeWorld, version: str, limit: int) -> None:
    """Several of them ask at once for what is left; without the gate one too many is made."""
    world = make_world(version, {"call": ["spawn_agent", {"message": "help", "task_name": "help"}]}, ENDLESS)
    world.write_profiles()
    done = world.run("exec", "--gate", "--max-turns", str(limit), "-m", "gpt-6-luna", *GO, "go on")
    assert done.status == 124
    assert len(world.server.requests) == limit
    assert len(list(world.codex_home.glob("sessions/**/rollout-*.jsonl"))) > 1
    wait_for(lambda: not world.processes())


@pytest.mark.codex
@pytest.mark.parametrize("version", [NEWEST])
def test_a_review_waits_at_the_gate_too(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, ENDLESS)
    world.write_profiles()
    subprocess.run(["git", "init", "-q"], cwd=world.folder, env=world.env, check=True)
    (world.folder / "new.txt").write_text("new\n")
    done = world.run("exec", "--gate", "--max-turns", "3", "review", "--uncommitted")
    assert done.status == 124
    assert "did not heed" not in done.stderr
    assert len(world.server.requests) == 3


@pytest.mark.codex
@pytest.mark.parametrize("version", [NEWEST])
def test_a_lost_connection_is_no_turn(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, {"cmd": "true"}, {"disconnect": True}, {"final": "done"})
    world.write_profiles()
    done = world.run("exec", "--gate", "--max-turns", "2", "--json", "-s", "read-only", GO[0], "go on")
    assert done.status == 0, done.stderr
    assert len(world.server.requests) == 3


@pytest.mark.codex
def test_an_older_codex_has_no_such_hook(make_world: MakeWorld) -> None:
    world = make_world("0.163.0")
    world.write_profiles()
    done = world.run("exec", "--gate", *GO, "go on")
    assert done.status == 125
    assert "--gate needs Codex 0.165.0 or later" in done.stderr
    assert world.server.requests == []
