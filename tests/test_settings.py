"""The policy and the taxonomy: shipped, with the user's values on top."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from codex_router.errors import UsageError
from codex_router.settings import categories_document, in_force, own_file, policy_document
from codex_router.shipped import shipped


@pytest.fixture
def config(own_home: Path) -> Path:
    folder = own_home / ".config" / "codex-router"
    folder.mkdir(parents=True)
    return folder


def test_without_own_files_the_shipped_ones_decide(own_home: Path) -> None:
    shipped_policy = tomllib.loads((shipped("profiles") / "policy.toml").read_text())
    assert policy_document() == shipped_policy
    assert in_force("policy.toml") == str(shipped("profiles") / "policy.toml")
    assert len(categories_document()["category"]) == 10


def test_own_values_lie_on_top_table_by_table(config: Path) -> None:
    (config / "policy.toml").write_text("[check]\ncost_usd = 0.5\n")
    document = policy_document()
    assert document["check"] == {"cost_usd": 0.5, "sensitivity": 0.95, "false_accept": 0.10}
    assert document["tiers"].keys() == {"precision", "standard", "bulk"}
    assert in_force("policy.toml") == str(config / "policy.toml")


def test_own_tiers_replace_the_shipped_ones_whole(config: Path) -> None:
    (config / "policy.toml").write_text("[tiers.cheap]\ntask_value_usd = 0.5\n[tiers.dear]\ntask_value_usd = 50\n")
    assert policy_document()["tiers"].keys() == {"cheap", "dear"}


def test_own_categories_replace_the_shipped_ones(config: Path) -> None:
    (config / "categories.toml").write_text('[[category]]\nname = "docs"\ntier = "bulk"\nshare = 1.0\n')
    assert [category["name"] for category in categories_document()["category"]] == ["docs"]


def test_xdg_config_home_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert own_file("policy.toml") == tmp_path / "codex-router" / "policy.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    assert own_file("policy.toml") == Path.home() / ".config" / "codex-router" / "policy.toml"


@pytest.mark.parametrize("name", ["policy.toml", "categories.toml"])
def test_a_file_that_cannot_be_read_is_told_with_its_line(config: Path, name: str) -> None:
    (config / name).write_text("a = 1\nb = = 1\n")
    with pytest.raises(UsageError, match="line 2") as caught:
        policy_document() if name == "policy.toml" else categories_document()
    assert caught.value.where == str(config / name)
    assert caught.value.hint
