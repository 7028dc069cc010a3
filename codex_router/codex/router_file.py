"""``codex-router.toml``: the reviewable heart; read before every run, so with the standard library alone.

[profile.bulk]                    # one table per tier
model = "gpt-6-luna"              # required
reasoning_effort = "high"         # required for models that have efforts
model_provider = "..."            # only for a provider of your own
max_turns = 90                    # model responses; 0 or absent: no limit
max_cost_usd = 1.1                # USD; 0 or absent: no limit
max_seconds = 14400               # wall clock; absent: four hours; 0: no limit
expected_cost_usd = 0.18          # predicted mean cost of an attempt, for comparisons
task_value_usd = 1.0              # what a solved task is worth
solves_after = { bulk = 0.4 }     # of a higher tier: the share it solves of what a lower one failed at
template = "bulk"                 # profiles/bulk.toml; only when the tier has another name

[route]                           # category = tier
docs = "bulk"

[budget.feature]                  # where a category needs another budget than its tier's; the same three keys
max_turns = 300
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from codex_router.errors import UsageError
from codex_router.named import TYPE_CHECKING
from codex_router.records import EFFORTS, Arm, Budget, Plan, Tier
from codex_router.toml_file import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike
    from pathlib import Path
    from typing import Any

NAME = "codex-router.toml"
LARGEST = 1e12
"""More than any budget; beyond it a number stands for a mistake."""
TIER_KEYS = {
    "model",
    "reasoning_effort",
    "model_provider",
    "max_turns",
    "max_cost_usd",
    "max_seconds",
    "expected_cost_usd",
    "task_value_usd",
    "solves_after",
    "template",
}
HINT = "mend it, or let `codex-router init --force` write it anew (`codex-router undo` brings it back)"


def router_file(home: Path) -> Path:
    """Return where the file lives in a Codex home."""
    return home / NAME


def read_plan(home: str | PathLike[str]) -> Plan:
    """Return the tiers and routes of a Codex home.

    Raises:
        UsageError: there is no such file, or it says something impossible; names the file and the key.
    """
    path = os.path.join(home, NAME)
    with _told(path):
        return _plan(read_toml(path), path)


def plan_from(text: str, path: object) -> Plan:
    """Return the tiers and routes that a text says; see `read_plan`."""
    import tomllib

    with _told(path):
        return _plan(tomllib.loads(text), path)


@contextmanager
def _told(path: object) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise UsageError("not there yet", where=path, hint="run `codex-router init` first") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot be read: {error}", where=path, hint="check the file's permissions and encoding"
        ) from None
    except (ValueError, RecursionError) as error:  # ValueError also for an integer of thousands of digits
        raise UsageError(f"not valid TOML: {error}", where=path, hint=HINT) from None


def _plan(document: dict[str, Any], path: object) -> Plan:
    profiles = _table(document, "profile", path)
    if not profiles:
        raise UsageError("it has no [profile.NAME] table", where=path, hint=HINT)
    tiers = tuple(_tier(name, _table(profiles, name, path), path) for name in profiles)
    names = {tier.name for tier in tiers}
    routes = _table(document, "route", path)
    for category, tier in routes.items():
        if not isinstance(tier, str) or tier not in names:
            known = ", ".join(sorted(names))
            what = f"route {_short(category)} = {_short(tier)}: there is no such profile (there are {known})"
            raise UsageError(what, where=path, hint=HINT)
    plan = Plan(tiers, tuple(routes.items()))
    budgets = _table(document, "budget", path)
    own = ((name, _own_budget(name, _table(budgets, name, path), path, plan)) for name in budgets)
    return plan._replace(budgets=tuple(own))


def check_tier_name(name: object, where: object = None) -> str:
    """Return a tier's name when Codex accepts it as a profile name (0.134 and later).

    Raises:
        UsageError: anything but letters, digits, ``-`` and ``_`` (``../x``, ``a.b``, blanks, non-ASCII).
    """
    if not isinstance(name, str) or not name.isascii() or not name.replace("-", "0").replace("_", "0").isalnum():
        hint = "use only A-Z, a-z, 0-9, `-` and `_`"
        raise UsageError(f"{_short(name)} cannot be the name of a Codex profile", where=where, hint=hint)
    return name


def check_model_name(name: object, where: object = None) -> str:
    """Return a model's name when it is one line of printable text.

    Raises:
        UsageError: not a string, empty, longer than 200 characters, or with control characters.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > 200 or not name.isprintable():
        raise UsageError(
            f"{_short(name)} cannot be the name of a model", where=where, hint="one line of printable text"
        )
    return name


def _short(value: object) -> str:
    """Return a value as it may stand in a message: on one line, and not without end."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _table(document: dict[str, Any], key: str, path: object) -> dict[str, Any]:
    value = document.get(key, {})
    if not isinstance(value, dict):
        raise UsageError(f"`{key}` is not a table", where=path, hint=HINT)
    return value


def _tier(name: str, table: dict[str, Any], path: object) -> Tier:
    place = f"{path}: [profile.{check_tier_name(name, path)}]"
    unknown = sorted(set(table) - TIER_KEYS)
    if unknown:
        known = ", ".join(sorted(TIER_KEYS))
        raise UsageError(f"unknown key {_short(unknown[0])}", where=place, hint=f"known keys are {known}")
    effort = table.get("reasoning_effort")
    if effort is not None and effort not in EFFORTS:
        raise UsageError(f"reasoning_effort = {effort!r}", where=place, hint=f"use one of {', '.join(EFFORTS)}")
    provider, template = table.get("model_provider"), table.get("template")
    return Tier(
        name,
        _number(table, "task_value_usd", place) or 0.0,
        Arm(check_model_name(table.get("model"), place), effort),
        _budget(table, place),
        None if provider is None else check_model_name(provider, place),
        expected_cost_usd=_number(table, "expected_cost_usd", place) or None,
        solves_after=_solves_after(table, place),
        template=None if template is None else check_tier_name(template, place),
    )


def _solves_after(table: dict[str, Any], place: str) -> tuple[tuple[str, float], ...]:
    said = table.get("solves_after", {})
    shares = said.values() if isinstance(said, dict) else [None]
    if not all(isinstance(one, (int, float)) and not isinstance(one, bool) and 0 <= one <= 1 for one in shares):
        hint = "a table of shares from 0 to 1, such as { bulk = 0.4 }"
        raise UsageError(f"solves_after = {_short(said)}", where=place, hint=hint)
    return tuple((name, float(share)) for name, share in said.items())


def _own_budget(name: str, table: dict[str, Any], path: object, plan: Plan) -> Budget:
    """Return a category's budget; a limit that it does not name is its tier's."""
    place = f"{path}: [budget.{name}]"
    unknown = sorted(set(table) - {"max_turns", "max_cost_usd", "max_seconds"})
    if unknown:
        raise UsageError(
            f"unknown key `{unknown[0]}`", where=place, hint="known are max_turns, max_cost_usd, max_seconds"
        )
    own, tier = _budget(table, place), plan.tier(plan.tier_for(name) or "")
    if tier is None:
        return own
    return Budget(
        own.max_turns if "max_turns" in table else tier.budget.max_turns,
        own.max_cost_usd if "max_cost_usd" in table else tier.budget.max_cost_usd,
        own.max_seconds if "max_seconds" in table else tier.budget.max_seconds,
    )


def _budget(table: dict[str, Any], place: str) -> Budget:
    return Budget(
        _turns(table, place),
        _number(table, "max_cost_usd", place) or None,
        _number(table, "max_seconds", place) if "max_seconds" in table else None,
    )


def _turns(table: dict[str, Any], place: str) -> int | None:
    turns = table.get("max_turns", 0)
    if not isinstance(turns, int) or isinstance(turns, bool) or not 0 <= turns <= LARGEST:
        hint = "a whole number of model responses, 0 for no limit"
        raise UsageError(f"max_turns = {_short(turns)}", where=place, hint=hint)
    return turns or None


def _number(table: dict[str, Any], key: str, place: str) -> float:
    value = table.get(key, 0)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= LARGEST:
        raise UsageError(f"{key} = {_short(value)}", where=place, hint="an amount in USD, 0 for no limit")
    return float(value)
