"""The schema is what strict mode takes, and its categories are those in force."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from world import World

from codex_router.__main__ import main
from codex_router.settings import own_file
from codex_router.shipped import shipped

STRICT = {"type", "properties", "required", "additionalProperties", "items", "enum", "description"}
"""Keywords that the API's strict mode takes in any version of it."""


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["schema"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def check_strict(schema: dict[str, Any]) -> None:
    assert set(schema) <= STRICT
    if schema["type"] == "object":
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
        for inner in schema["properties"].values():
            check_strict(inner)
    if schema["type"] == "array":
        check_strict(schema["items"])


def test_it_is_strict_throughout(capsys: pytest.CaptureFixture[str]) -> None:
    check_strict(printed(capsys))


def test_the_categories_are_the_shipped_ones(capsys: pytest.CaptureFixture[str]) -> None:
    shipped_ones = tomllib.loads((shipped("profiles") / "categories.toml").read_text())["category"]
    assert printed(capsys)["properties"]["category"]["enum"] == [one["name"] for one in shipped_ones]


def test_the_users_own_categories_win(capsys: pytest.CaptureFixture[str], own_home: Path) -> None:
    path = own_file("categories.toml")
    path.parent.mkdir(parents=True)
    path.write_text(
        'schema = 1\n[[category]]\nname = "chore"\ntier = "bulk"\nshare = 1.0\nmeans = "x"\nphrases = ["a"]\n'
    )
    assert printed(capsys)["properties"]["category"]["enum"] == ["chore"]


@pytest.mark.codex
def test_codex_sends_it_as_the_answers_format(make_world: Any) -> None:
    world: World = make_world("0.163.0", {"final": "{}"})
    world.write_profiles()
    schema = world.run("schema").stdout
    (world.folder / "schema.json").write_bytes(schema)
    done = world.run("exec", "--skip-git-repo-check", "--output-schema", "schema.json", "Update the README")
    assert done.status == 0, done.stderr
    (request,) = world.server.requests
    assert request["text"]["format"]["schema"] == json.loads(schema)
    assert request["text"]["format"]["strict"] is True
