"""A plan as text: golden files, the same bytes each time, and back again."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import BULK, PLAN, PRECISION

from codex_router.codex.render import (
    FORBIDDEN,
    NO_TEMPLATES,
    Price,
    article_tables,
    profile_text,
    router_text,
    tables_text,
    template,
)
from codex_router.codex.router_file import plan_from
from codex_router.codex.versions import TABLE_KEYS, reads
from codex_router.errors import UsageError
from codex_router.records import EFFORTS, Arm, Budget, Plan, Tier
from codex_router.shipped import shipped

GOLDEN = Path(__file__).parent / "golden"
PRICES = {"gpt-5.5": Price(5.0, 30.0)}
OLD, MIDDLE, NEW = (reads((0, minor, 0)) for minor in (133, 134, 163))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("codex-router.toml", router_text(PLAN)),
        ("bulk-0.163.config.toml", profile_text(BULK, NEW, PRICES)),
        ("bulk-0.134.config.toml", profile_text(BULK, MIDDLE, PRICES)),
        ("tables-0.133.toml", tables_text(PLAN.tiers, OLD)),
        ("article.toml", article_tables(PLAN)),
    ],
)
def test_golden(name: str, text: str) -> None:
    """To accept a change: ``python tests/test_render.py``."""
    assert text == (GOLDEN / name).read_text(encoding="utf-8")


def accept() -> None:
    mark = next(mark for mark in test_golden.pytestmark if mark.name == "parametrize")  # type: ignore[attr-defined]
    for name, text in mark.args[1]:
        (GOLDEN / name).write_text(text, encoding="utf-8")


def test_the_same_plan_gives_the_same_bytes() -> None:
    again = Plan(tuple(tier._replace() for tier in PLAN.tiers), PLAN.routes, PLAN.notes)
    assert router_text(again) == router_text(PLAN)


def test_a_plan_comes_back_from_its_text() -> None:
    back = plan_from(router_text(PLAN), "codex-router.toml")
    assert back == Plan(tuple(tier._replace(rests_on="") for tier in PLAN.tiers), PLAN.routes)


PRINTABLE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(
    lambda text: text.isprintable() and bool(text.strip())
)
NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
AMOUNTS = st.none() | st.floats(0.01, 1e6).map(lambda usd: round(usd, 4))
TIERS = st.builds(
    Tier,
    name=NAMES,
    task_value_usd=st.floats(0, 1e6),
    arm=st.builds(Arm, PRINTABLE, st.none() | st.sampled_from(EFFORTS)),
    budget=st.builds(Budget, st.none() | st.integers(1, 10**6), AMOUNTS, st.none() | st.floats(0, 1e6)),
    model_provider=st.none() | PRINTABLE,
    estimate=st.none(),
    rests_on=st.just(""),
    expected_cost_usd=AMOUNTS,
    solves_after=st.lists(st.tuples(NAMES, st.floats(0, 1)), max_size=3, unique_by=lambda one: one[0]).map(tuple),
    template=st.none(),
)


@settings(max_examples=300)  # tomlkit takes 10 ms for each
@given(tiers=st.lists(TIERS, min_size=1, max_size=2, unique_by=lambda tier: tier.name), category=PRINTABLE)
def test_any_plan_comes_back_from_its_text(tiers: list[Tier], category: str) -> None:
    plan = Plan(tuple(tiers), ((category, tiers[0].name),))
    assert plan_from(router_text(plan), "codex-router.toml") == plan


@settings(max_examples=300)
@given(tier=TIERS)
def test_codex_reads_the_very_model_and_effort(tier: Tier) -> None:
    for layout in (MIDDLE, NEW):
        read = tomllib.loads(profile_text(tier, layout, {tier.arm.model: Price(3.0, 15.0)}))
        assert (read["model"], read.get("model_reasoning_effort")) == tier.arm
        assert read.get("model_provider") == tier.model_provider
    table = tomllib.loads(tables_text([tier], OLD))["profiles"][tier.name]
    assert (table["model"], table.get("model_reasoning_effort")) == tier.arm
    assert table.keys() <= TABLE_KEYS


def native(tier: Tier, price: Price) -> dict[str, Any] | None:
    read = tomllib.loads(profile_text(tier, NEW, {tier.arm.model: price}))
    found: dict[str, Any] | None = read.get("features", {}).get("rollout_budget")
    return found


def test_the_native_budget_is_the_dollar_budget_in_tokens() -> None:
    budget = native(PRECISION, Price(5.0, 30.0))
    assert budget
    fresh_usd = budget["limit_tokens"] * 5.0 / 1e6
    output_usd = budget["limit_tokens"] / budget["sampling_token_weight"] * 30.0 / 1e6
    assert [fresh_usd, output_usd] == pytest.approx([14.0, 14.0])


@pytest.mark.parametrize("price", [Price(0.0, 0.0), Price(0.0, 5.0)])
def test_a_model_that_is_free_has_no_native_budget(price: Price) -> None:
    assert native(PRECISION, price) is None


def test_without_a_price_a_budget_or_a_codex_that_knows_it_there_is_no_native_budget() -> None:
    assert "rollout_budget" not in profile_text(PRECISION, NEW, {})
    assert "rollout_budget" not in profile_text(PRECISION, MIDDLE, PRICES)
    assert "rollout_budget" not in profile_text(PRECISION._replace(budget=Budget(5)), NEW, PRICES)


@given(cost=st.floats(1e-6, 1e12), price=st.floats(0.001, 1000), output=st.floats(0, 1000))
def test_the_native_budget_is_always_one_that_codex_takes(cost: float, price: float, output: float) -> None:
    budget = native(PRECISION._replace(budget=Budget(None, cost)), Price(price, output))
    assert budget
    (reminder,) = budget["reminder_at_remaining_tokens"]
    assert 0 < reminder < budget["limit_tokens"] < 2**63


@pytest.mark.parametrize("name", ["precision", "standard", "bulk"])
def test_templates_give_a_reason_for_each_lever_and_lower_no_safety(name: str) -> None:
    levers = template(name)
    assert len(levers) >= 3
    for key, paragraph in levers:
        assert paragraph.startswith("# ")
        assert list(tomllib.loads(paragraph)) == [key]
        assert not FORBIDDEN.search(key)


def test_a_name_without_a_template_gets_the_standard_one() -> None:
    names = {path.stem for path in shipped("profiles").glob("*.toml")}
    assert names - {"precision", "standard", "bulk"} == NO_TEMPLATES
    for name in ("mine", *NO_TEMPLATES):
        assert template(name) == template("standard")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# r\nsandbox_mode = 'danger-full-access'\n", "a tier must not set `sandbox_mode`"),
        ("# r\napproval_policy = 'never'\n", "a tier must not set `approval_policy`"),
        ("# r\nmodel_verbosity = 'low'\nweb_search = 'live'\n", "more than one key"),
    ],
)
def test_a_template_that_must_not_be(text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bulk.toml").write_text(text)
    monkeypatch.setattr("codex_router.codex.render.shipped", lambda _folder: tmp_path)
    with pytest.raises(UsageError, match=message) as caught:
        template("bulk")
    assert caught.value.where == str(tmp_path / "bulk.toml")
    assert caught.value.hint


if __name__ == "__main__":
    accept()
