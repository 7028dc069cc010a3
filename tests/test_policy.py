"""The policy file: what is accepted, and how a mistake is told."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from codex_router.decide.policy import Check, policy_from
from codex_router.errors import RouterError
from codex_router.shipped import shipped

CATEGORIES = {"category": [{"name": "bugfix", "tier": "standard", "share": 0.5}]}
TIERS = {"tiers": {"precision": {"task_value_usd": 25}, "standard": {"task_value_usd": 5.0}}}


def shipped_policy_documents() -> tuple[dict[str, Any], dict[str, Any]]:
    folder = shipped("profiles")
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("policy.toml", "categories.toml")]
    return tomllib.loads(texts[0]), tomllib.loads(texts[1])


def test_shipped_policy_has_three_tiers_in_rising_order_and_a_good_check() -> None:
    policy = policy_from(*shipped_policy_documents())

    assert [(tier.name, tier.task_value_usd) for tier in policy.tiers] == [
        ("bulk", 1.0),
        ("standard", 5.0),
        ("precision", 25.0),
    ]
    assert policy.check == Check(cost_usd=0.0, sensitivity=0.95, false_accept=0.10)
    assert policy.max_attempts == 2
    assert sum(category.share for category in policy.categories) == pytest.approx(1.0, abs=0.01)
    assert policy.category("review").tier == "precision"


def test_what_is_left_out_has_a_default() -> None:
    policy = policy_from(TIERS, CATEGORIES)

    assert policy.check == Check()
    assert (policy.wrong_accepted_usd, policy.hand_over_usd, policy.max_attempts) == (0.0, 0.0, 2)
    assert policy.task_value("precision") == 25.0


@pytest.mark.parametrize(
    ("policy", "categories", "message"),
    [
        ({}, CATEGORIES, "`tiers` is missing"),
        ({"tiers": {}}, CATEGORIES, "`tiers` is empty"),
        ({"tiers": 3}, CATEGORIES, "`tiers` must be a table"),
        ({"tiers": {"a": {}}}, CATEGORIES, "`tiers.a.task_value_usd` is missing"),
        ({"tiers": {"a": {"task_value_usd": "5"}}}, CATEGORIES, "`tiers.a.task_value_usd` must be a number, not '5'"),
        ({"tiers": {"a": {"task_value_usd": True}}}, CATEGORIES, "must be a number, not True"),
        ({"tiers": {"a": {"task_value_usd": float("nan")}}}, CATEGORIES, "must be a number, not nan"),
        ({"tiers": {"a": {"task_value_usd": -1}}}, CATEGORIES, "`tiers.a.task_value_usd` is -1; it must be at least 0"),
        (TIERS | {"check": {"sensitivity": 1.5}}, CATEGORIES, "`check.sensitivity` is 1.5; it must be from 0 to 1"),
        (TIERS | {"attempts": {"max": 2.5}}, CATEGORIES, "`attempts.max` must be a whole number"),
        (TIERS | {"attempts": {"max": 0}}, CATEGORIES, "`attempts.max` is 0; it must be from 1 to 4"),
        (TIERS, {}, "`category` is missing"),
        (TIERS, {"category": ["bugfix"]}, r"`category\[0\]` must be a table"),
        (TIERS, {"category": [{"tier": "standard"}]}, r"`category\[0\].name` must be a text"),
        (TIERS, {"category": [{"name": "a", "tier": "x", "share": 1}]}, r"`category\[0\].tier` of `a` is 'x'"),
        (TIERS, {"category": [{"name": "a", "tier": "standard", "share": 2}]}, r"`category\[0\].share` is 2"),
        (TIERS, {"category": CATEGORIES["category"] * 2}, "`bugfix` is given twice"),
    ],
)
def test_a_mistake_is_told_by_its_key(policy: dict[str, Any], categories: dict[str, Any], message: str) -> None:
    with pytest.raises(RouterError, match=message):
        policy_from(policy, categories)


def test_unknown_names_are_told_with_the_known_ones() -> None:
    policy = policy_from(TIERS, CATEGORIES)

    with pytest.raises(RouterError, match="no tier `cheap`") as tier:
        policy.task_value("cheap")
    with pytest.raises(RouterError, match="unknown category `poetry`") as category:
        policy.category("poetry")

    assert tier.value.hint == "its tiers are `standard`, `precision`"
    assert category.value.hint == "the categories are `bugfix`"
