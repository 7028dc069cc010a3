"""`codex-router.toml` as people write it; what can be wrong with one is in test_hostile_files."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_router.codex.router_file import check_model_name, check_tier_name, plan_from, read_plan, router_file
from codex_router.errors import UsageError
from codex_router.records import Arm, Budget, Tier

BY_HAND = """
[profile.mine]
model = "vendor/model:free"
model_provider = "openrouter"
max_turns = 40
max_seconds = 0
template = "bulk"

[profile.other]
model = "gpt-5.5"
reasoning_effort = "high"
max_cost_usd = 2

[route]
docs = "mine"
anything = "other"
"""


def test_a_plan_written_by_hand(tmp_path: Path) -> None:
    router_file(tmp_path).write_text(BY_HAND)
    plan = read_plan(tmp_path)
    assert plan.tiers == (
        Tier("mine", 0.0, Arm("vendor/model:free"), Budget(40, None, 0.0), "openrouter", template="bulk"),
        Tier("other", 0.0, Arm("gpt-5.5", "high"), Budget(None, 2.0)),
    )
    assert plan.routes == (("docs", "mine"), ("anything", "other"))
    assert (plan.tier("other"), plan.tier_for("docs")) == (plan.tiers[1], "mine")


def test_a_budget_of_a_category_leaves_the_other_limits_to_its_tier(tmp_path: Path) -> None:
    docs, anything, lint = "max_cost_usd = 1", "max_cost_usd = 0\nmax_turns = 7", "max_turns = 5"
    own = f"[budget]\n[budget.docs]\n{docs}\n[budget.anything]\n{anything}\n[budget.lint]\n{lint}\n"
    router_file(tmp_path).write_text(BY_HAND + own)
    assert read_plan(tmp_path).budgets == (
        ("docs", Budget(40, 1.0, 0.0)),
        ("anything", Budget(7, None, None)),
        ("lint", Budget(5, None, None)),
    )


def test_no_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not there yet") as caught:
        read_plan(tmp_path)
    assert (caught.value.where, caught.value.hint) == (
        str(tmp_path / "codex-router.toml"),
        "run `codex-router init` first",
    )


@pytest.mark.parametrize("said", ["0.5", "{ bulk = 1.5 }", '{ bulk = "often" }', "{ bulk = true }", "{ bulk = nan }"])
def test_shares_of_what_others_failed_at_lie_between_0_and_1(said: str) -> None:
    with pytest.raises(UsageError, match="solves_after") as wrong:
        plan_from(f'[profile.a]\nmodel = "x"\nsolves_after = {said}\n', "f")
    assert wrong.value.where == "f: [profile.a]"


def test_a_mistake_names_its_line_or_its_table() -> None:
    with pytest.raises(UsageError, match="at line 2") as broken:
        plan_from("[profile.a]\nmodel = = 1\n", "f")
    assert broken.value.where == "f"
    with pytest.raises(UsageError, match="unknown key 'modle'") as unknown:
        plan_from('[profile.a]\nmodle = "x"\n', "f")
    assert unknown.value.where == "f: [profile.a]"
    assert "model" in (unknown.value.hint or "")


@pytest.mark.parametrize("name", ["a", "A_1", "bulk-fast", "0", "-"])
def test_names_that_codex_takes(name: str) -> None:
    assert check_tier_name(name) == name


@pytest.mark.parametrize("name", ["", "a.b", "x y", "../x", "é", "a\n", "\u0663", "a/b", 3, None])
def test_names_that_codex_refuses(name: object) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a Codex profile"):
        check_tier_name(name)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\tb", "\x00", "x" * 201, "a\u202eb", 3, None, ["x"]])
def test_names_that_are_no_models(name: object) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a model") as caught:
        check_model_name(name)
    assert len(str(caught.value)) < 150
