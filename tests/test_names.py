from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_router.evidence.names import canonical
from codex_router.records import EFFORTS, Arm
from codex_router.shipped import shipped

NAMES = tuple(tomllib.loads((shipped("benchmarks-data") / "model-aliases.toml").read_text())["models"])


@pytest.mark.parametrize(
    ("text", "arm"),
    [
        ("GPT-5.5", Arm("gpt-5.5")),
        ("gpt-5.5", Arm("gpt-5.5")),
        ("gpt5.5", Arm("gpt-5.5")),
        ("openai/gpt-5.5-2026-04-24", Arm("gpt-5.5")),
        ("openrouter/openai/gpt-5.5", Arm("gpt-5.5")),
        ("openai:gpt-5.2-codex", Arm("gpt-5.2-codex")),
        ("gpt-5.2-high", Arm("gpt-5.2", "high")),
        ("gpt-5-2-high", Arm("gpt-5.2", "high")),
        ("GPT-5-2 (high reasoning)", Arm("gpt-5.2", "high")),
        ("GPT-5.2 (2025-12-11) (high reasoning)", Arm("gpt-5.2", "high")),
        ("gpt-5.2-2025-12-11-high", Arm("gpt-5.2", "high")),
        ("Claude 4.5 Opus medium (20251101)", Arm("claude-opus-4-5", "medium")),
        ("gpt-5.1-codex-max", Arm("gpt-5.1-codex-max")),
        ("gpt-5.1-codex-max-xhigh", Arm("gpt-5.1-codex-max", "xhigh")),
        ("gpt-5.2-max", Arm("gpt-5.2", "max")),
        ("qwen3.7-max", Arm("qwen3.7-max")),
        ("GPT-5.6 Sol", Arm("gpt-5.6-sol")),
        ("Claude Opus 4.7", Arm("claude-opus-4-7")),
        ("claude-opus-4.7", Arm("claude-opus-4-7")),
        ("anthropic/claude-opus-4-7", Arm("claude-opus-4-7")),
        ("sonnet-4-5-20250929", Arm("claude-sonnet-4-5")),
        ("Gemini-3.1-Pro", Arm("gemini-3.1-pro")),
        ("gemini-3-1-pro-preview", Arm("gemini-3.1-pro")),
    ],
)
def test_one_model_has_one_name(text: str, arm: Arm) -> None:
    assert canonical(text) == (arm, True)


@pytest.mark.parametrize("text", ["my-own-model-high", "GPT-99", "acme/gpt-5.5", "openai/", "high", "-", "Größe"])
def test_an_unknown_name_is_kept_as_it_is(text: str) -> None:
    assert canonical(text) == (Arm(text), False)


@given(st.text() | st.sampled_from(NAMES).flatmap(lambda n: st.sampled_from([n, n.upper(), f"openai/{n}-2026-01-02"])))
def test_the_canonical_name_of_a_canonical_name_is_itself(text: str) -> None:
    once = canonical(text)
    assert canonical(once.arm.model) == (Arm(once.arm.model), once.known)


@given(
    name=st.sampled_from(NAMES),
    effort=st.sampled_from(EFFORTS),
    provider=st.sampled_from(["", "openai/", "OpenRouter/anthropic/"]),
    separator=st.sampled_from(["-", " ", "_"]),
)
def test_every_known_model_is_found_behind_provider_date_and_effort(
    name: str, effort: str, provider: str, separator: str
) -> None:
    spelled = provider + name.upper().replace("-", separator)
    assert canonical(spelled) == (Arm(name), True)
    assert canonical(f"{spelled}{separator}2026-04-24").arm.model == name
    arm = canonical(f"{name} ({effort})").arm
    assert arm == Arm(name, effort) or arm.model in NAMES  # `gpt-5.1-codex (max)` is a model of its own


def test_no_alias_stands_for_two_models() -> None:
    table = tomllib.loads((shipped("benchmarks-data") / "model-aliases.toml").read_text())
    for name, aliases in table["models"].items():
        assert canonical(name) == (Arm(name), True)
        assert [canonical(alias).arm for alias in aliases] == [Arm(name)] * len(aliases)
