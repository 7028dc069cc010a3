"""List prices against figures read elsewhere and against the library's own calculator."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codex_router.errors import RouterError
from codex_router.evidence.prices import cost_usd, load_snapshot, rates, save_snapshot, snapshot
from codex_router.evidence.pricing import Pricing, cost_of
from codex_router.evidence.session_records import Response
from codex_router.records import Usage

WHEN = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)

PUBLISHED = {
    "gpt-6-astra": (10, 1, 50),
    "gpt-6.1-sol": (2, 0.1, 10),
    "gpt-6.1-terra": (1, 0.05, 5),
    "gpt-6-sol": (2, 0.2, 10),
    "gpt-6-luna": (0.1, 0.01, 0.5),
    "gpt-5.6-sol": (4, 0.4, 20),
    "gpt-5.6-terra": (2, 0.2, 12),
    "gpt-5.6-luna": (0.2, 0.02, 1.2),
    "gpt-5.5": (5, 0.5, 30),
}
"""USD per million tokens of fresh input, cached input and output."""


@pytest.mark.parametrize("model", PUBLISHED)
def test_the_models_that_codex_offers_have_their_list_prices(model: str) -> None:
    found = rates(model, date=WHEN)
    assert found is not None
    assert found.provider == "openai"
    tier = found.tiers[0]
    assert (tier.above_tokens, tier.input_usd, tier.cached_input_usd, tier.output_usd) == (0, *PUBLISHED[model])


@pytest.mark.parametrize("model", [model for model in PUBLISHED if model != "gpt-5.5"])
def test_writing_the_cache_costs_a_quarter_more(model: str) -> None:
    found = rates(model, date=WHEN)
    assert found is not None
    assert [t.cache_write_usd / t.input_usd for t in found.tiers] == pytest.approx([1.25] * len(found.tiers))


def test_a_long_prompt_costs_double_for_that_response_only() -> None:
    found = rates("gpt-5.5", date=WHEN)
    assert found is not None
    at, above = Usage(input_tokens=272_000), Usage(input_tokens=272_001)
    assert cost_usd(found, at) == pytest.approx(272_000 * 5 / 1e6)
    assert cost_usd(found, above) == pytest.approx(272_001 * 10 / 1e6)
    output = Usage(input_tokens=300_000, cached_input_tokens=300_000, output_tokens=1_000)
    assert cost_usd(found, output) == pytest.approx(0.3 * 1 + 0.001 * 45)


def test_a_session_is_priced_response_by_response() -> None:
    found = rates("gpt-5.5", date=WHEN)
    assert found is not None
    response = Usage(input_tokens=100_000, cached_input_tokens=90_000, output_tokens=1_000)
    session = sum((response for _ in range(9)), response)
    assert session == Usage(input_tokens=1_000_000, cached_input_tokens=900_000, output_tokens=10_000)
    assert 10 * cost_usd(found, response) == pytest.approx(1.25)
    assert cost_usd(found, session) == pytest.approx(2.35)  # the trap


def test_an_unknown_price_is_none_not_zero() -> None:
    assert rates("gpt-daybreak-blue-latest") is None
    assert rates("qwen-3-coder-480b", "cerebras") is None, "listed, but without a price"
    assert rates("codex-auto-review") is None
    assert rates("gpt-5.5", provider="my-own-proxy") is None


def test_prices_change_with_the_date() -> None:
    before = rates("global.openai.gpt-5.6-sol", "aws", dt.datetime(2026, 8, 19, tzinfo=dt.UTC))
    after = rates("global.openai.gpt-5.6-sol", "aws", WHEN)
    assert before is not None
    assert after is not None
    assert (before.tiers[0].input_usd, after.tiers[0].input_usd) == (5, 4)


def test_a_response_of_a_session_has_the_price_of_its_day() -> None:
    model, pricing = "global.openai.gpt-5.6-sol", Pricing()
    found = [pricing.rates(model, "aws", day) for day in ("2026-08-19", "2026-11-01", "2026-08-19")]
    assert [one.tiers[0].input_usd for one in found if one] == [5, 4, 5]


@example(counts=[272_000, 0, 0, 0])
@example(counts=[22_000, 240_000, 10_000, 10])
@given(counts=st.lists(st.integers(0, 600_000), min_size=4, max_size=4))
def test_a_live_run_and_its_session_read_later_cost_the_same(counts: list[int]) -> None:
    fresh, cached, written, output = counts
    total = fresh + cached + written
    known = rates("gpt-5.6-sol", date=WHEN)
    assert known is not None
    response = Response(
        0, total + output, "turn", "2026-11-01T12:00:00.000Z", "gpt-5.6-sol", None, total, cached, written, output,
        output // 2, cached, 0, 0, None, 0, 0, None, None, None,
    )  # fmt: skip
    parts = cost_of(known, response)
    assert parts.cost_usd == pytest.approx(cost_usd(known, Usage(total, cached, written, output)), abs=1e-9)
    assert sum(parts[1:6]) == pytest.approx(parts.cost_usd, abs=1e-9)


@given(
    model=st.sampled_from([*PUBLISHED, "claude-opus-4-7", "gemini-3.1-pro-preview"]),
    counts=st.lists(st.integers(0, 600_000), min_size=4, max_size=4),
)
def test_the_library_comes_to_the_same_cost(model: str, counts: list[int]) -> None:
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    fresh, cached, written, output = counts
    total = fresh + cached + written
    found = rates(model, date=WHEN)
    assert found is not None
    theirs = calc_price(
        Tokens(input_tokens=total, cache_read_tokens=cached, cache_write_tokens=written, output_tokens=output),
        model,
        genai_request_timestamp=WHEN,
    )
    assert cost_usd(found, Usage(total, cached, written, output)) == pytest.approx(float(theirs.total_price), abs=1e-9)


def test_the_snapshot_gives_the_same_rates_back(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    assert load_snapshot(path) == {}
    save_snapshot(["gpt-5.5", "codex-auto-review"], path)
    assert load_snapshot(path) == {"gpt-5.5": rates("gpt-5.5")}
    assert json.loads(path.read_text()) == snapshot(["gpt-5.5", "codex-auto-review"])
    assert [p.name for p in tmp_path.iterdir()] == ["prices.json"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"usd_per_mtok": 1}', '{"usd_per_mtok": {"m": {"tiers": [1]}}}'])
def test_a_broken_snapshot_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(content)
    with pytest.raises(RouterError, match="the price snapshot cannot be read") as caught:
        load_snapshot(path)
    assert caught.value.where == str(path)


def test_the_hot_path_needs_no_heavy_import(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    save_snapshot(["gpt-5.5"], path)
    program = (
        "import sys; from pathlib import Path\n"
        "from codex_router.evidence.prices import load_snapshot, cost_usd\n"
        "from codex_router.records import Usage\n"
        "print(cost_usd(load_snapshot(Path(sys.argv[1]))['gpt-5.5'], Usage(1000, 0, 0, 100)))\n"
        "print({'genai_prices', 'pydantic', 'numpy', 'httpx2'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[:2] == ["0.008", "set()"]
