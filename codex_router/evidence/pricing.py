"""What each response of a session cost, and what for.

The user's own ``prices.toml`` goes first (own contracts, open-weight providers), then the dated list prices of
genai-prices. A price that is in neither is unknown, which is never $0.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from codex_router.errors import UsageError
from codex_router.evidence.prices import Rates, Tier, rates
from codex_router.settings import own_file

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.evidence.session_records import Response

FILE = "prices.toml"
"""Below ``$XDG_CONFIG_HOME/codex-router``."""
LOCAL_PROVIDERS = frozenset({"ollama", "lmstudio", "oss", "ollama-chat"})
"""Codex's names for models that run on the user's own machine: no list has their price."""
MAKERS = frozenset({"openai", "anthropic", "google", "x-ai"})
"""Who keep their models to themselves, as genai-prices calls them."""
OPEN_WEIGHTS = ("gpt-oss", "gemma")
"""But for these."""
BYTES_PER_TOKEN = 4.0
"""Of tools' output, about; a guess."""


class Cost(NamedTuple):
    """USD of one response; the first five add up to `cost_usd`."""

    cost_usd: float
    resent_cached_usd: float
    """Context that was sent before and came from the cache."""
    resent_uncached_usd: float
    """Context that was sent before and was paid in full again."""
    new_input_usd: float
    """Input that is new in this response."""
    reasoning_usd: float
    output_usd: float
    """Output that is no reasoning."""
    tool_output_usd: float
    """The part of the new input that tools printed; a guess from its length."""
    lost_usd: float
    """What it would have cost less with the cache intact."""


class Own(NamedTuple):
    """A price of the user's own."""

    model: str
    provider: str | None
    since: str
    """ISO date; empty for ever."""
    rates: Rates


class Pricing:
    """Prices of responses, each pair of model and day looked up once.

    Args:
        own: the user's own prices.
    """

    def __init__(self, own: tuple[Own, ...] = ()) -> None:
        self._own = own
        self._found: dict[tuple[str, str, str], Rates | None] = {}

    def rates(self, model: str, provider: str, day: str) -> Rates | None:
        """Return the prices in force on a day (ISO), None when they are unknown."""
        key = model, provider, day
        if key not in self._found:
            self._found[key] = self._own_rates(*key) or _list_rates(*key)
        return self._found[key]

    def cost(self, one: Response, provider: str) -> Cost | None:
        """Return what one response cost, None when its price is unknown."""
        known = self.rates(one.model, provider, one.time[:10])
        return None if known is None else cost_of(known, one)

    def _own_rates(self, model: str, provider: str, day: str) -> Rates | None:
        fitting = [
            own for own in self._own if own.model == model and own.provider in {None, provider} and own.since <= day
        ]
        return max(fitting, key=lambda own: (own.provider is not None, own.since)).rates if fitting else None


def cost_of(known: Rates, one: Response) -> Cost:
    """Return what one response costs at these rates; the tier is that of its own input, not of the session's."""
    tier = known.tiers[0]
    for dearer in known.tiers[1:]:
        if one.input_tokens > dearer.above_tokens:
            tier = dearer
    cached = one.cached_input_tokens * tier.cached_input_usd / 1e6
    written = min(one.cache_write_input_tokens, max(0, one.input_tokens - one.cached_input_tokens))
    fresh = max(0, one.input_tokens - one.cached_input_tokens - written)
    paid = (fresh * tier.input_usd + written * tier.cache_write_usd) / 1e6
    uncached = fresh + written
    again = min(max(0, one.resent_tokens - one.cached_input_tokens), uncached)
    resent = paid * again / uncached if uncached else 0.0
    reasoning = min(one.reasoning_output_tokens, one.output_tokens) * tier.output_usd / 1e6
    output = one.output_tokens * tier.output_usd / 1e6 - reasoning
    new = paid - resent
    new_tokens = uncached - again
    tools = min(1.0, one.tool_output_bytes / BYTES_PER_TOKEN / new_tokens) * new if new_tokens else 0.0
    lost = one.cache_lost_tokens * max(0.0, tier.input_usd - tier.cached_input_usd) / 1e6
    return Cost(cached + paid + reasoning + output, cached, resent, new, reasoning, output, tools, lost)


def _list_rates(model: str, provider: str, day: str) -> Rates | None:
    if not model or provider in LOCAL_PROVIDERS:
        return None
    try:
        date = dt.datetime.fromisoformat(day).replace(hour=12, tzinfo=dt.UTC)
    except ValueError:
        date = None
    listed = rates(model, provider or "openai", date)
    if listed is not None:
        return listed
    by_name = rates(model, None, date)
    return None if by_name is None or not _has_one_price(by_name) else by_name


def _has_one_price(known: Rates) -> bool:
    """Tell whether a model costs the same whoever passes it on; one with open weights has each provider's own price."""
    return known.provider in MAKERS and not known.model.startswith(OPEN_WEIGHTS)


def read_pricing() -> Pricing:
    """Return the prices in force: the user's ``prices.toml`` over the lists.

    Raises:
        UsageError: the user's file cannot be read, or a value of it is wrong.
    """
    path = own_file(FILE)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Pricing()
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot be read: {error}", where=path, hint="mend it, or move it away") from None
    rows = document.get("price", [])
    if not isinstance(rows, list) or set(document) - {"price"}:
        raise UsageError("a list of `[[price]]` tables is wanted, and nothing else", where=path, hint=HINT)
    return Pricing(tuple(_own(row, f"price[{index}]", path) for index, row in enumerate(rows)))


HINT = (
    "`model`, `input_usd_per_mtok`, `output_usd_per_mtok`; "
    "if wanted `provider`, `since`, `cached_input_usd_per_mtok`, `cache_write_usd_per_mtok`"
)
KEYS = frozenset(
    {
        "model",
        "provider",
        "since",
        "input_usd_per_mtok",
        "cached_input_usd_per_mtok",
        "cache_write_usd_per_mtok",
        "output_usd_per_mtok",
    }
)


def _own(row: Any, name: str, path: Path) -> Own:
    if not isinstance(row, dict) or set(row) - KEYS:
        raise UsageError(f"`{name}` has unknown keys", where=path, hint=HINT)
    model, provider = row.get("model"), row.get("provider")
    if not isinstance(model, str) or not isinstance(provider, str | None):
        raise UsageError(f"`{name}.model` and `provider` must be texts", where=path, hint=HINT)
    fresh = _usd(row, "input_usd_per_mtok", None, name, path)
    cached = _usd(row, "cached_input_usd_per_mtok", fresh, name, path)
    written = _usd(row, "cache_write_usd_per_mtok", fresh, name, path)
    output = _usd(row, "output_usd_per_mtok", None, name, path)
    since = _day(row.get("since"), name, path)
    return Own(model, provider, since, Rates(model, provider or "own", (Tier(0, fresh, cached, written, output),)))


def _day(value: Any, name: str, path: Path) -> str:
    """Return a day as ISO date, also of TOML's own dates; empty when there is none."""
    if value is None:
        return ""
    try:
        return dt.date.fromisoformat(str(value)[:10] if isinstance(value, dt.date) else value).isoformat()
    except (TypeError, ValueError):
        raise UsageError(f"`{name}.since` must be a day such as 2026-10-01", where=path, hint=HINT) from None


def _usd(row: dict[str, Any], key: str, default: float | None, name: str, path: Path) -> float:
    value = row.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise UsageError(f"`{name}.{key}` must be a number of USD per million tokens", where=path, hint=HINT)
    return float(value)
