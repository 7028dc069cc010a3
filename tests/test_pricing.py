"""What the user says of prices, and which of the lists' holds for a provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_router.errors import UsageError
from codex_router.evidence.prices import rates
from codex_router.evidence.pricing import FILE, Pricing, read_pricing
from codex_router.settings import own_file

PRICE = """
[[price]]
model = "qwen3-coder"
input_usd_per_mtok = 0.3
output_usd_per_mtok = 1.2
"""


def write(text: str) -> Path:
    path = Path(own_file(FILE))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def input_usd(pricing: Pricing, day: str, model: str = "qwen3-coder", provider: str = "vllm") -> float | None:
    found = pricing.rates(model, provider, day)
    return found and found.tiers[0].input_usd


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "price = []\n"])
def test_a_file_without_prices_changes_nothing(text: str) -> None:
    write(text)
    assert input_usd(read_pricing(), "2026-11-02") is None
    assert input_usd(read_pricing(), "2026-11-02", "gpt-5.5", "openai") == 5.0


@pytest.mark.parametrize("since", ['"2026-10-01"', "2026-10-01", "2026-10-01T00:00:00Z"])
def test_a_price_holds_from_its_first_day(since: str) -> None:
    dearer = PRICE.replace("0.3", "0.5") + f"since = {since}\n"
    write(PRICE + dearer)
    pricing = read_pricing()
    assert [input_usd(pricing, day) for day in ("2026-09-30", "2026-10-01", "2026-11-02")] == [0.3, 0.5, 0.5]


def test_a_providers_own_price_goes_before_that_of_any() -> None:
    write(PRICE + 'since = "2026-10-01"\n' + PRICE.replace("0.3", "0.5") + 'provider = "openrouter"\n')
    pricing = read_pricing()
    assert input_usd(pricing, "2026-11-02", provider="openrouter") == 0.5
    assert input_usd(pricing, "2026-11-02", provider="vllm") == 0.3
    assert input_usd(pricing, "2026-09-30", provider="vllm") is None


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('since = "October"', "`price[0].since` must be a day"),
        ('since = "2026-10-1"', "`price[0].since` must be a day"),
        ("since = 5", "`price[0].since` must be a day"),
        ("provider = 3", "must be texts"),
        ("cached_input_usd_per_mtok = nan", "must be a number"),
        ("cached_input_usd_per_mtok = -1", "must be a number"),
        ("cached_input_usd_per_mtok = true", "must be a number"),
        ("per_month = 20", "unknown keys"),
        ("[other]", "and nothing else"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(more: str, told: str) -> None:
    path = write(f"{PRICE}{more}\n")
    with pytest.raises(UsageError) as error:
        read_pricing()
    assert told in str(error.value)
    assert str(error.value.where) == str(path)


def test_a_closed_model_costs_the_same_behind_a_gateway_and_an_open_one_what_its_provider_says() -> None:
    pricing = Pricing()
    day = "2026-11-02"
    assert input_usd(pricing, day, "gpt-5.5", "my-own-proxy") == input_usd(pricing, day, "gpt-5.5", "openai") == 5.0
    assert rates("kimi-k2") is not None
    assert rates("gpt-oss-120b") is not None
    assert input_usd(pricing, day, "kimi-k2", "my-own-cluster") is None
    assert input_usd(pricing, day, "gpt-oss-120b", "my-own-cluster") is None
    assert input_usd(pricing, day, "kimi-k2", "moonshotai") is not None


def test_a_model_that_only_its_makers_list_has() -> None:
    assert rates("codex-mini-latest") is None
    assert input_usd(Pricing(), "2026-11-02", "codex-mini-latest", "openai") == 1.5
