from __future__ import annotations

from pathlib import Path

import pytest

from codex_router.commands.routing import choice, route
from codex_router.errors import UsageError
from codex_router.records import Arm, Budget, Tier

TIERS = """
[profile.precision]
model = "gpt-5.5"
reasoning_effort = "high"
task_value_usd = 25.0

[profile.standard]
model = "gpt-5.5"
reasoning_effort = "low"
task_value_usd = 5.0
max_turns = 40

[profile.bulk]
model = "gpt-5.4"
task_value_usd = 1.0

[route]
review = "precision"
bugfix = "standard"
docs = "bulk"
"""
DOCS = "Update the README with installation instructions"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "codex-router.toml").write_text(TIERS)
    return tmp_path


@pytest.mark.parametrize(
    ("prompt", "category", "tier"),
    [
        (DOCS, "docs", "bulk"),
        ("Fix the crash: it raises an IndexError when the list is empty", "bugfix", "standard"),
        ("Review this pull request for security problems", "review", "precision"),
    ],
)
def test_the_prompt_decides(home: Path, prompt: str, category: str, tier: str) -> None:
    found = route(prompt, home)
    assert (found.category, found.tier.name) == (category, tier)
    assert found.classification
    assert found.why == f"{category} ({dict(found.classification.probabilities)[category]:.2f})"


@pytest.mark.parametrize("prompt", [None, "", "hello", "\udcff\x00", "?" * 100_000])
def test_a_prompt_that_tells_too_little_gets_the_standard_tier(home: Path, prompt: str | None) -> None:
    found = route(prompt, home)
    assert (found.category, found.tier.name) == ("none", "standard")
    assert found.why.startswith("not sure (")


def test_a_category_without_a_route_gets_the_standard_tier(home: Path) -> None:
    (home / "codex-router.toml").write_text(TIERS.replace('docs = "bulk"\n', ""))
    assert route(DOCS, home).tier.name == "standard"


def test_without_a_tier_named_standard_the_middle_one_by_value_takes_it(home: Path) -> None:
    (home / "codex-router.toml").write_text(TIERS.replace("standard", "sound"))
    assert route("hello", home).tier.name == "sound"
    named = TIERS.replace("standard", "sound").replace("[profile.bulk]", '[profile.bulk]\ntemplate = "standard"')
    (home / "codex-router.toml").write_text(named)
    assert route("hello", home).tier.name == "bulk"


def test_the_user_s_tier_wins_over_category_and_prompt(home: Path) -> None:
    found = route(DOCS, home, "precision", "bugfix")
    assert (found.tier.name, found.category, found.classification, found.why) == (
        "precision",
        "bugfix",
        None,
        "as told",
    )


def test_the_user_s_category_wins_over_the_prompt(home: Path) -> None:
    found = route(DOCS, home, category="review")
    assert (found.tier.name, found.category, found.why) == ("precision", "review", "review, as told")


def test_what_is_not_there_is_named_with_what_is(home: Path) -> None:
    with pytest.raises(UsageError, match="no tier 'gold'") as refused:
        route(DOCS, home, "gold")
    assert refused.value.hint == "tiers are: precision, standard, bulk"
    with pytest.raises(UsageError, match="no route for category 'poetry'") as refused:
        route(DOCS, home, category="poetry")
    assert refused.value.hint == "routes are: review, bugfix, docs"
    with pytest.raises(UsageError, match="not there yet") as refused:
        route(DOCS, home / "elsewhere")
    assert refused.value.hint == "run `codex-router init` first"


def test_the_words_that_make_codex_run_a_tier() -> None:
    tier = Tier("bulk", 1.0, Arm("gpt-5.4", "low"), Budget())
    assert choice(tier) == ["--profile", "bulk", "-m", "gpt-5.4", "-c", "model_reasoning_effort=low"]
    other = Tier("x", 1.0, Arm("deepseek/v4"), Budget(), "openrouter")
    assert choice(other) == ["--profile", "x", "-m", "deepseek/v4", "-c", "model_provider=openrouter"]
