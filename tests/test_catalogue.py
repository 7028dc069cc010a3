"""Which arms are on offer: what Codex says, what we shipped, what the user's own providers run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codex_router.codex.catalogue import (
    Catalogue,
    Model,
    check_arm,
    offered,
    on_offer,
    restricted,
    with_own,
)
from codex_router.codex.locate import Codex, find_codex
from codex_router.codex.shipped_models import default_efforts
from codex_router.codex.versions import Version
from codex_router.errors import RouterError
from codex_router.records import Arm

TWO = Catalogue((Model("gpt-5.5", ("low", "high")), Model("o-plain", ())), "codex debug models")


@pytest.mark.codex
def test_a_codex_that_can_say_it_is_asked(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, codex: Callable[[str], str]
) -> None:
    monkeypatch.setenv("CODEX_ROUTER_CODEX", codex("0.163.0"))
    for home in (own_home / ".codex", own_home):  # the first is not there, which Codex itself would refuse
        found = offered(find_codex(), home)
        assert found.source == "codex debug models"
        model = found.model("gpt-5.5")
        assert model
        assert model.efforts == ("low", "medium", "high", "xhigh")
        assert {"gpt-6-astra", "gpt-6-luna"} < {one.name for one in found.models}
    assert not (own_home / ".codex").exists()


@pytest.mark.codex
@pytest.mark.parametrize("version", ["0.133.0", "0.149.0", "0.163.0"])
def test_the_shipped_list_is_what_that_codex_says(
    version: str, own_home: Path, monkeypatch: pytest.MonkeyPatch, codex: Callable[[str], str]
) -> None:
    monkeypatch.setenv("CODEX_ROUTER_CODEX", codex(version))
    asked = offered(find_codex(), own_home)
    silent = offered(find_codex()._replace(path="/nowhere/codex"), own_home)
    assert silent.source.startswith("the shipped list of Codex 0.1")
    assert {(one.name, one.efforts) for one in silent.models} == {(one.name, one.efforts) for one in asked.models}
    known = default_efforts()
    assert {one.name: one.default_effort for one in asked.models} == {one.name: known[one.name] for one in asked.models}


@pytest.mark.parametrize(
    ("version", "source"),
    [
        (None, "the shipped list of Codex 0.165.0"),
        ((0, 169, 0), "the shipped list of Codex 0.165.0"),
        ((0, 164, 9), "the shipped list of Codex 0.160.0"),
        ((0, 36, 0), "the shipped list of Codex 0.128.0"),
    ],
)
def test_the_newest_list_that_is_not_newer(version: Version | None, source: str, tmp_path: Path) -> None:
    codex = version and Codex("/nowhere/codex", version, "PATH")
    assert offered(codex, tmp_path).source == source


@pytest.mark.parametrize(
    "says",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"models": 3}',
        '{"models": [3]}',
        '{"models": ["x"]}',
        '{"models": [[]]}',
        '{"models": [{"visibility": "list"}]}',
        '{"models": [{"slug": "a", "visibility": "hide"}]}',
    ],
)
def test_a_codex_that_says_something_else_is_not_believed(tmp_path: Path, says: str) -> None:
    program = tmp_path / "codex"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\n")
    program.chmod(0o755)
    found = offered(Codex(str(program), (0, 163, 0), "PATH"), tmp_path)
    assert found.source == "the shipped list of Codex 0.160.0"


def config(**keys: Any) -> dict[str, Any]:
    return {"model_providers": {"proxy": {"base_url": "http://x"}}, **keys}


@pytest.mark.parametrize(
    ("document", "own"),
    [
        (config(model="mine", model_provider="proxy"), [Model("mine", ("low", "medium", "high"), None, "proxy")]),
        (config(model="mine"), []),
        (config(model="mine", model_provider="openai"), []),
        (config(model="gpt-5.5", model_provider="proxy"), []),
        (config(model=3, model_provider="proxy"), []),
        (config(model="mine", model_provider=["proxy"]), []),
        ({"model": "mine", "model_provider": "proxy", "model_providers": 3}, []),
        (
            config(model_provider="proxy", profiles={"a": {"model": "mine"}, "b": 3, "c": {"model": "mine"}}),
            [Model("mine", ("low", "medium", "high"), None, "proxy")],
        ),
        ({}, []),
    ],
)
def test_models_at_providers_of_the_users_own(document: dict[str, Any], own: list[Model]) -> None:
    assert list(with_own(TWO, document, (0, 145, 0)).models[2:]) == own


def test_before_0_145_an_own_model_has_no_efforts() -> None:
    (mine,) = with_own(TWO, config(model="mine", model_provider="proxy"), (0, 144, 9)).models[2:]
    assert mine.efforts == ()


def test_on_offer_reads_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        'model = "mine"\nmodel_provider = "proxy"\n[model_providers.proxy]\nbase_url = "http://x"\n'
    )
    assert on_offer(None, tmp_path).model("mine") == Model("mine", ("low", "medium", "high"), None, "proxy")


def test_arms_are_models_times_efforts() -> None:
    assert TWO.arms() == [Arm("gpt-5.5", "low"), Arm("gpt-5.5", "high"), Arm("o-plain")]


@pytest.mark.parametrize(
    ("words", "arms"),
    [
        (["gpt-5.5"], [Arm("gpt-5.5", "low"), Arm("gpt-5.5", "high")]),
        (["gpt-5.5:high", "o-plain"], [Arm("gpt-5.5", "high"), Arm("o-plain")]),
        (["vendor/model:free"], [Arm("vendor/model:free", "low")]),
        (["vendor/model:free:low"], [Arm("vendor/model:free", "low")]),
    ],
)
def test_models_restrict_to_what_they_name(words: list[str], arms: list[Arm]) -> None:
    catalogue = Catalogue((*TWO.models, Model("vendor/model:free", ("low",))), TWO.source)
    assert restricted(catalogue, words) == arms


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        ("gpt-5", "model 'gpt-5' is not on offer (codex debug models)", "choose from: gpt-5.5, o-plain"),
        ("gpt-5.5:max", "model gpt-5.5 has no effort 'max'", "choose from: low, high"),
        ("o-plain:low", "model o-plain has no effort 'low'", "choose from: none at all"),
        ("", "model '' is not on offer", "choose from: gpt-5.5, o-plain"),
    ],
)
def test_what_is_not_on_offer_is_refused_with_what_is(word: str, message: str, hint: str) -> None:
    with pytest.raises(RouterError) as caught:
        restricted(TWO, [word])
    assert caught.value.what.startswith(message)
    assert caught.value.hint == hint


def test_check_arm() -> None:
    assert check_arm(Arm("gpt-5.5", "high"), TWO) is None
    assert check_arm(Arm("o-plain"), TWO) is None
    assert check_arm(Arm("gpt-4"), TWO) == "gpt-4 is not on offer (codex debug models)"
    assert "it takes low, high" in (check_arm(Arm("gpt-5.5", "max"), TWO) or "")


def test_json_is_what_codex_prints(tmp_path: Path) -> None:
    says = {
        "models": [
            {
                "slug": "x",
                "visibility": "list",
                "default_reasoning_level": "low",
                "supported_reasoning_levels": [{"effort": "high"}, {"effort": "none"}, {"effort": "new"}],
            }
        ]
    }
    program = tmp_path / "codex"
    program.write_text(f"#!/bin/sh\necho '{json.dumps(says)}'\n")
    program.chmod(0o755)
    found = offered(Codex(str(program), (0, 163, 0), "PATH"), tmp_path)
    assert found.models == (Model("x", ("none", "high"), "low"),)
