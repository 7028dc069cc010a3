"""List prices: what a model response costs.

`rates` asks the genai-prices library (offline, imported when first asked). `exec` must not wait for that import, so
`save_snapshot` writes the rates of the models in use to ``prices.json`` and `load_snapshot` reads them back with the
standard library alone.

A price holds for one response. Above a threshold of input tokens (272,000 for most models of OpenAI) all tokens of
that response are dearer; pricing the sum of a session would apply this to prompts that never were so long, and
overcharge (2.35 instead of 1.25 USD for 1M input, 900k of it cached, and 10k output tokens of gpt-5.5).
"""

from __future__ import annotations

import json
import os

from codex_router.errors import RouterError
from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from os import PathLike
    from pathlib import Path
    from typing import Any

    from codex_router.records import Usage

FILE = "prices.json"
"""Name of the snapshot in our own home."""


class Tier(NamedTuple):
    """USD per million tokens for responses with more than `above_tokens` of input."""

    above_tokens: int
    input_usd: float
    """For input that was neither read from nor written to the cache."""
    cached_input_usd: float
    cache_write_usd: float
    output_usd: float


class Rates(NamedTuple):
    """List prices of a model."""

    model: str
    provider: str
    """Whose list, as genai-prices calls it."""
    tiers: tuple[Tier, ...]
    """In rising order; the first is above 0 tokens."""


def cost_usd(rates: Rates, usage: Usage) -> float:
    """Return the cost of one response in USD.

    Args:
        rates: of the model that answered.
        usage: of one response, not of several added up; see the module's text.
    """
    tier = next(
        (tier for tier in reversed(rates.tiers) if usage.input_tokens > tier.above_tokens),
        rates.tiers[0],
    )
    fresh = max(0, usage.input_tokens - usage.cached_input_tokens - usage.cache_write_input_tokens)
    return (
        fresh * tier.input_usd
        + usage.cached_input_tokens * tier.cached_input_usd
        + usage.cache_write_input_tokens * tier.cache_write_usd
        + usage.output_tokens * tier.output_usd
    ) / 1e6


def rates(model: str, provider: str | None = None, date: dt.datetime | None = None) -> Rates | None:
    """Return the list prices of a model, None when they are unknown (never 0).

    Args:
        model: canonical name.
        provider: as genai-prices calls it; None lets the model's name decide.
        date: when the response was made; None is now.
    """
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    try:
        found = calc_price(Tokens(input_tokens=1), model, provider_id=provider, genai_request_timestamp=date)
    except LookupError:
        return None
    price = found.model_price
    starts = {0} | {tier.start for name in _PRICES for tier in getattr(getattr(price, name), "tiers", ())}
    tiers = tuple(_tier(price, start) for start in sorted(starts))
    if not all(tier.input_usd and tier.output_usd for tier in tiers):
        return None
    return Rates(model, found.provider.id, tiers)


_PRICES = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")


def _tier(price: Any, above: int) -> Tier:
    """Return what a response with more than `above` input tokens pays; the cache costs as fresh input if unpriced."""
    fresh, read, write, output = (_at(getattr(price, name), above) for name in _PRICES)
    return Tier(
        above,
        fresh or 0.0,
        fresh or 0.0 if read is None else read,
        fresh or 0.0 if write is None else write,
        output or 0.0,
    )


def _at(price: Any, above: int) -> float | None:
    if price is None:
        return None
    for tier in reversed(getattr(price, "tiers", [])):
        if above >= tier.start:
            return float(tier.price)
    return float(getattr(price, "base", price))


def snapshot(models: Iterable[str]) -> dict[str, Any]:
    """Return today's rates of the models as a JSON document; a model without a known price is null."""
    from genai_prices import __version__

    found = {model: rates(model) for model in models}
    return {
        "schema": 1,
        "source": f"genai-prices {__version__}",
        "usd_per_mtok": {
            model: None if known is None else {"provider": known.provider, "tiers": [t._asdict() for t in known.tiers]}
            for model, known in found.items()
        },
    }


def save_snapshot(models: Iterable[str], path: Path) -> None:
    """Write the snapshot so that a reader sees the old file or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(snapshot(models), indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def load_snapshot(path: str | PathLike[str]) -> dict[str, Rates]:
    """Return the known rates by model; empty when there is no snapshot.

    Raises:
        RouterError: the file is not a snapshot.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            document = json.loads(stream.read())
        return {
            model: Rates(model, entry["provider"], tuple(Tier(**tier) for tier in entry["tiers"]))
            for model, entry in document["usd_per_mtok"].items()
            if entry is not None
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RouterError(
            f"the price snapshot cannot be read: {type(error).__name__}",
            where=path,
            hint="remove it; `codex-router apply` writes it anew",
        ) from error
