"""Files that are wrong, broken or malicious: one clear message with the file and what to do, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from call import call
from plans import PLAN
from quick import listing

from codex_router.codex.render import router_text

GOOD = router_text(PLAN)
Spoil = Callable[[Path], None]


def text(content: str | bytes) -> Spoil:
    data = content.encode() if isinstance(content, str) else content
    return lambda path: write(path, data)


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def folder(path: Path) -> None:
    path.mkdir(parents=True)


def endless_link(path: Path) -> None:
    """Unreadable for root too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(path.name)


NO_TEXT: dict[str, Spoil] = {
    "folder": folder,
    "endless link": endless_link,
    "not UTF-8": text(b'a = "\xff\xfe"\n'),
    "binary": text(bytes(range(256))),
    "not TOML": text("a = 1\nb = = 2\n"),
    "nested without end": text("a = " + "[" * 50_000),
    "a number of 5,000 digits": text(f"a = {'9' * 5000}\n"),
    "a lone surrogate": text('a = "\\ud800"\n'),
}


def profile(line: str) -> Spoil:
    return text(f'[profile.bulk]\nmodel = "gpt-5.5"\n{line}\n')


PLANS: dict[str, Spoil] = {
    "empty": text(""),
    "no profile": text("schema = 1\n"),
    "profile is no table": text("profile = 3\n"),
    "profiles are a list": text('[[profile]]\nmodel = "x"\n'),
    "a profile is no table": text("[profile]\nbulk = 3\n"),
    "no model": text("[profile.bulk]\nmax_turns = 3\n"),
    "model with a new line": text('[profile.bulk]\nmodel = "a\\nb"\n'),
    "model with a quote and an escape": text('[profile.bulk]\nmodel = "\\u001b[31m\\""\n'),
    "model without an end": text(f'[profile.bulk]\nmodel = "{"x" * 100_000}"\n'),
    "model is a number": text("[profile.bulk]\nmodel = 3\n"),
    "name that leaves the folder": text('[profile."../../evil"]\nmodel = "gpt-5.5"\n'),
    "name that is empty": text('[profile.""]\nmodel = "gpt-5.5"\n'),
    "name with an escape": text('[profile."\\u001b[31m"]\nmodel = "gpt-5.5"\n'),
    "unknown key with an escape": profile('"\\u001b[31m" = 1'),
    "route with an escape": profile('[route]\n"\\u001b[31m" = "no"'),
    "name with a new line": text('[profile."a\\nb"]\nmodel = "gpt-5.5"\n'),
    "name in other digits": text('[profile."\u0663"]\nmodel = "gpt-5.5"\n'),
    "unknown key": profile("max_turn = 3"),
    "unknown effort": profile('reasoning_effort = "turbo"'),
    "effort is a list": profile("reasoning_effort = []"),
    "turns are text": profile('max_turns = "3"'),
    "turns are a float": profile("max_turns = 3.5"),
    "turns are true": profile("max_turns = true"),
    "turns below zero": profile("max_turns = -1"),
    "cost is NaN": profile("max_cost_usd = nan"),
    "cost is infinite": profile("max_cost_usd = inf"),
    "cost is huge": profile("max_cost_usd = 1e999"),
    "cost below zero": profile("max_cost_usd = -0.01"),
    "cost is text": profile('max_cost_usd = "1"'),
    "cost is a whole number without end": profile(f"max_cost_usd = {'9' * 400}"),
    "seconds are NaN": profile("max_seconds = nan"),
    "value is a date": profile("task_value_usd = 2026-01-01"),
    "provider is a list": profile("model_provider = []"),
    "template is a number": profile("template = 5"),
    "template leaves the folder": profile('template = "../policy"'),
    "route to nowhere": profile('[route]\ndocs = "cheap"'),
    "route to a list": profile("[route]\ndocs = []"),
    "route to a table": profile("[route.docs]\na = 1"),
    "route is a number": text('route = 3\n[profile.bulk]\nmodel = "gpt-5.5"\n'),
}
POLICIES: dict[str, Spoil] = {
    "tiers are a number": text("tiers = 3\n"),
    "no tiers": text("tiers = {}\n"),
    "value is NaN": text("[tiers.bulk]\ntask_value_usd = nan\n"),
    "value is infinite": text("[tiers.bulk]\ntask_value_usd = 1e999\n"),
    "value is a list": text("[tiers.bulk]\ntask_value_usd = []\n"),
    "attempts without end": text(f"[attempts]\nmax = {'9' * 400}\n"),
    "sensitivity is text": text('[check]\nsensitivity = "high"\n'),
    "a name that leaves the folder": text(
        '[tiers."../evil"]\ntask_value_usd = 1\n[tiers.standard]\ntask_value_usd = 2\n'
    ),
    "categories whose tier is gone": text("[tiers.mine]\ntask_value_usd = 1\n"),
}
CATEGORIES: dict[str, Spoil] = {
    "category is a number": text("category = 3\n"),
    "category is a list of numbers": text("category = [1]\n"),
    "no name": text('[[category]]\ntier = "bulk"\nshare = 1.0\n'),
    "share is NaN": text('[[category]]\nname = "docs"\ntier = "bulk"\nshare = nan\n'),
    "a tier that is none": text('[[category]]\nname = "docs"\ntier = "cheap"\nshare = 1.0\n'),
    "phrases are a number": text('[[category]]\nname = "docs"\ntier = "bulk"\nshare = 1.0\nphrases = 3\n'),
    "twice the same": text('[[category]]\nname = "docs"\ntier = "bulk"\nshare = 0.5\n' * 2),
}


@pytest.fixture
def home(own_home: Path, monkeypatch: pytest.MonkeyPatch, without_codex: None) -> Path:
    """A Codex home with a good plan, and no Codex anywhere."""
    monkeypatch.chdir(own_home)
    home = own_home / ".codex"
    home.mkdir()
    (home / "codex-router.toml").write_text(GOOD)
    return home


def refused(own_home: Path, name: str, *argv: str, status: tuple[int, ...] = (1, 2)) -> None:
    """Run a verb and check that it names the file and a way out, and changes nothing."""
    was = tree(own_home)
    said = call(*argv)
    head, _, hint = said.err.partition("\n\nhint: ")
    assert said.status in status, said
    error = head[head.index("error: ") :]
    assert name in error
    assert len(error) < 600
    assert all(character.isprintable() or character == "\n" for character in error)
    assert hint.strip(), said.err
    assert tree(own_home) == was


def tree(own_home: Path) -> dict[str, tuple[bytes, int]]:
    return {name: what for name, what in listing(own_home).items() if not name.startswith("router/")}


@pytest.mark.parametrize("spoil", [*NO_TEXT.values(), *PLANS.values()], ids=[*NO_TEXT, *PLANS])
def test_a_hostile_plan(home: Path, own_home: Path, spoil: Spoil) -> None:
    path = home / "codex-router.toml"
    path.unlink()
    spoil(path)
    for argv in (("apply", "--yes"), ("diff",), ("route", "fix the lint errors")):
        refused(own_home, "codex-router.toml", *argv)


@pytest.mark.parametrize("spoil", NO_TEXT.values(), ids=NO_TEXT)
def test_a_hostile_configuration(home: Path, own_home: Path, spoil: Spoil) -> None:
    spoil(home / "config.toml")
    for argv in (("apply", "--yes"), ("init", "--yes"), ("diff",)):
        refused(own_home, "config.toml", *argv)


@pytest.mark.parametrize("spoil", [*NO_TEXT.values(), *POLICIES.values()], ids=[*NO_TEXT, *POLICIES])
def test_a_hostile_policy(home: Path, own_home: Path, spoil: Spoil) -> None:
    spoil(own_home / ".config" / "codex-router" / "policy.toml")
    refused(own_home, "policy.toml", "init", "--yes")


@pytest.mark.parametrize("spoil", [*NO_TEXT.values(), *CATEGORIES.values()], ids=[*NO_TEXT, *CATEGORIES])
def test_hostile_categories(home: Path, own_home: Path, spoil: Spoil) -> None:
    spoil(own_home / ".config" / "codex-router" / "categories.toml")
    refused(own_home, "categories.toml", "init", "--yes")


@pytest.mark.parametrize("name", ["policy.toml", "categories.toml"])
def test_an_empty_settings_file_changes_nothing(home: Path, own_home: Path, name: str) -> None:
    plain = call("route", "fix the lint errors")
    write(own_home / ".config" / "codex-router" / name, b"")
    assert call("route", "fix the lint errors") == plain
    assert plain.status == 0


@pytest.mark.parametrize("spoil", NO_TEXT.values(), ids=NO_TEXT)
def test_a_hostile_profile_file_is_not_ours_to_replace(home: Path, own_home: Path, spoil: Spoil) -> None:
    spoil(home / "bulk.config.toml")
    refused(own_home, "bulk.config.toml", "apply", "--yes")
    refused(own_home, "bulk.config.toml", "apply", "--yes", "--force")


@pytest.mark.parametrize("model", ['a"b', "a\\b", "a'b", "a b", "模型", "a#b", "a]b", "'''", '"""', "-"])
def test_an_odd_but_printable_model_name_arrives_as_it_is(home: Path, own_home: Path, model: str) -> None:
    import json
    import tomllib

    spoil = text(f"[profile.bulk]\nmodel = {json.dumps(model)}\n")
    spoil(home / "codex-router.toml")
    said = call("apply", "--yes")
    assert said.status == 0, said.err
    assert tomllib.loads((home / "bulk.config.toml").read_text())["model"] == model
    assert "nothing to do" in call("apply", "--yes").err
