"""A user's word on what kind of task it was, from the run that was mistaken to the next prompt that is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from world import GO, World

pytestmark = pytest.mark.codex

MakeWorld = Callable[..., World]
PROMPT = "Sync the quokka price feed with the warehouse"
LIKE = "Sync the quokka stock feed with the warehouse"
UNLIKE = "Fix the crash when the file is empty"


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    made = make_world("0.163.0", *[{"final": "done"}] * 4)
    made.write_profiles()
    return made


def routed(world: World, prompt: str) -> dict[str, Any]:
    done = world.run("route", "--json", prompt)
    assert (done.status, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def fit(world: World) -> str:
    done = world.run("fit", "--category", "docs")
    assert done.status == 0, done.stderr
    return done.stderr


def no_word_of_it_in(folder: Path) -> bool:
    texts = [path.read_bytes().lower() for path in folder.rglob("*") if path.is_file()]
    return bool(texts) and not any(word in text for word in (b"quokka", b"warehouse") for text in texts)


def test_an_outcome_with_a_category_teaches_the_next_routing(world: World) -> None:
    before, unlike = routed(world, LIKE), routed(world, UNLIKE)
    assert before["category"] != "lint"
    assert before["explanation"]["learnt"] == []
    for _ in range(3):
        assert world.run("exec", *GO, PROMPT).status == 0
        assert world.run("outcome", "last", "yes", "--category", "lint").status == 0
    assert routed(world, LIKE) == before  # a correction counts from the next `fit` on
    assert "the classifier learnt from 3 of your corrections" in fit(world)
    after = routed(world, LIKE)
    assert (after["category"], after["tier"]) == ("lint", "bulk")
    (moved,) = (one for one in after["explanation"]["learnt"] if one["category"] == "lint")
    assert moved["log_odds"] > moved["log_odds_shipped"]
    assert any("quokka" in one["word"] for one in moved["words"])
    assert routed(world, UNLIKE)["tier"] == unlike["tier"]
    assert no_word_of_it_in(world.router_home)


def test_a_category_named_beforehand_teaches_too(world: World) -> None:
    before = routed(world, LIKE)["probabilities"]["lint"]
    for _ in range(2):
        assert world.run("exec", "--category", "lint", *GO, PROMPT).status == 0
    assert world.run("exec", *GO, UNLIKE).status == 0  # nobody said anything about this one
    assert "the classifier learnt from 2 of your corrections" in fit(world)
    assert routed(world, LIKE)["probabilities"]["lint"] > before
    assert no_word_of_it_in(world.router_home)


def test_exec_explains_what_route_explains(world: World) -> None:
    lines = world.run("route", "--explain", PROMPT).stdout.decode().splitlines()
    told = world.run("exec", "--explain", *GO, PROMPT).stderr.splitlines()
    ours = [line.removeprefix("codex-router: ") for line in told if line.startswith("codex-router: ")]
    assert ours[1 : len(lines) - 1] == lines[1:-1]
    assert len(lines) > 4
