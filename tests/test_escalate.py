"""`exec --check` with real Codex, a real repository and real pytest: escalated, brought back, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from world import GO, TIERS, World

from codex_router.evidence.ledger import FILE, Ledger
from codex_router.evidence.runs import Run

pytestmark = pytest.mark.codex

MakeWorld = Callable[..., World]
VERSION = "0.163.0"
PROMPT = "Fix the crash when the list is empty: it raises an IndexError"
CHECK = f"{sys.executable} -m pytest -q -p no:cacheprovider"
WRONG = "def first(items):\n    return items[0] if items else 0\n"
RIGHT = "def first(items):\n    return items[0] if items else None\n"
BROKEN = "def first(items):\n    return items[0]\n"
TEST = "from first import first\n\n\ndef test_empty():\n    assert first([]) is None\n"
VALUES = {"bulk": 1.0, "standard": 5.0, "precision": 25.0}


def git(world: World, *words: str) -> str:
    argv = ["git", "-c", "user.name=u", "-c", "user.email=u@localhost", *words]
    return subprocess.run(argv, cwd=world.folder, env=world.env, capture_output=True, text=True, check=True).stdout


def world_with(make_world: MakeWorld, *scripts: str) -> World:
    """Return a world whose n-th Codex runs the n-th script, in a repository with a bug and a test for it."""
    world = make_world(VERSION, {"cmd": "sh $HOME/agent.sh"}, {"final": "done"})
    world.write_profiles()
    config = world.codex_home / "codex-router.toml"
    text = config.read_text()
    for name, value in VALUES.items():
        head, tail = text.split(f"[profile.{name}]\n")
        text = f"{head}[profile.{name}]\n{tail.replace('task_value_usd = 1.0', f'task_value_usd = {value}', 1)}"
    config.write_text(text)
    cases = "".join(f"{number}) {script} ;;\n" for number, script in enumerate(scripts, 1))
    agent = f'echo run >> "$HOME/count"\ncase $(grep -c run "$HOME/count") in\n{cases}esac\n'
    (world.home / "agent.sh").write_text(agent)
    (world.folder / "first.py").write_text(BROKEN)
    (world.folder / "test_first.py").write_text(TEST)
    (world.folder / ".gitignore").write_text("__pycache__/\n*.log\n")
    git(world, "init", "-q", "-b", "main")
    git(world, "add", "-A")
    git(world, "commit", "-qm", "start")
    world.env["PYTHONDONTWRITEBYTECODE"] = "1"
    return world


def write(name: str, text: str) -> str:
    return f"printf '%s' '{text}' > {name}"


def runs(world: World) -> list[Run]:
    with Ledger.open(world.router_home / FILE) as ledger:
        return ledger.runs()


def models(world: World) -> list[str]:
    asked = [request["model"] for request in world.server.requests]
    return [model for place, model in enumerate(asked) if place == 0 or asked[place - 1] != model]


def kept(world: World) -> dict:  # type: ignore[type-arg]
    (path,) = (world.router_home / "runs").glob("*/run.json")
    document: dict = json.loads(path.read_bytes())  # type: ignore[type-arg]
    return document


def test_the_second_arm_starts_clean_and_is_accepted(make_world: MakeWorld) -> None:
    wrong = f"{write('first.py', WRONG)}; echo junk > junk.txt; rm test_first.py; echo more >> ignored.log"
    world = world_with(make_world, wrong, write("first.py", RIGHT))
    (world.folder / "mine.txt").write_text("my own untracked work\n")
    (world.folder / "staged.txt").write_text("my own staged work\n")
    git(world, "add", "staged.txt")
    (world.folder / "staged.txt").write_text("and changed again\n")
    before = git(world, "status", "--porcelain=v2", "--branch")

    done = world.run("exec", "--check", CHECK, *GO, PROMPT)

    assert done.status == 0, done.stderr
    assert models(world) == [TIERS["standard"][0], TIERS["precision"][0]] or models(world) == ["gpt-5.5"]
    assert [request["reasoning"]["effort"] for request in world.server.requests] == ["low", "low", "high", "high"]
    assert (world.folder / "first.py").read_text() == RIGHT
    assert (world.folder / "test_first.py").read_text() == TEST
    assert not (world.folder / "junk.txt").exists()
    assert (world.folder / "mine.txt").read_text() == "my own untracked work\n"
    assert (world.folder / "staged.txt").read_text() == "and changed again\n"
    assert git(world, "show", ":staged.txt") == "my own staged work\n"
    assert (world.folder / "ignored.log").read_text() == "more\n", "ignored files are left alone"
    after = git(world, "status", "--porcelain=v2", "--branch")
    assert [line for line in after.splitlines() if " first.py" not in line] == before.splitlines()
    assert [(run.attempt.outcome, run.outcome_source, run.tier) for run in runs(world)] == [
        ("no", "tests", "standard"),
        ("yes", "tests", "precision"),
    ]
    head = git(world, "rev-parse", "HEAD").strip()
    assert {run.git_commit for run in runs(world)} == {head}
    assert done.stdout == b"done\ndone\n"
