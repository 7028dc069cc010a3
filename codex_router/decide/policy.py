"""The policy: what a solved task is worth, what going wrong costs, and which kinds of task there are.

Every number is the user's to change; the defaults and their reasons stand in ``profiles/policy.toml``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from codex_router.errors import RouterError

LARGEST = 1e12
"""More than any amount; beyond it a number stands for a mistake."""


class TierValue(NamedTuple):
    """A tier's name and what a solved task of that tier is worth."""

    name: str
    task_value_usd: float


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of task."""

    name: str
    share: float
    """Natural share among prompts that hold a task, 0 to 1."""
    tier: str
    """The tier it goes to unless evidence says otherwise."""


@dataclass(frozen=True, slots=True)
class Check:
    """What decides whether a result is accepted."""

    cost_usd: float = 0.0
    """Cost of one check, USD, minutes of a person included."""
    sensitivity: float = 1.0
    """P(accepted | right)."""
    false_accept: float = 0.0
    """P(accepted | wrong)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The user's stakes."""

    tiers: tuple[TierValue, ...]
    """In rising order of value."""
    categories: tuple[Category, ...]
    """In the order of the taxonomy."""
    check: Check = field(default_factory=Check)
    wrong_accepted_usd: float = 0.0
    """Loss of a wrong result that was accepted, beyond the value not gained."""
    hand_over_usd: float = 0.0
    """Cost of handing an unsolved task to a person, beyond the value not gained."""
    max_attempts: int = 2
    """Arms tried in turn on one task."""

    def task_value(self, tier: str) -> float:
        """Return what a solved task of `tier` is worth, USD.

        Raises:
            RouterError: the policy has no such tier.
        """
        try:
            return dict(self.tiers)[tier]
        except KeyError:
            raise RouterError(f"the policy has no tier `{tier}`", hint=f"its tiers are {_names(self.tiers)}") from None

    def category(self, name: str) -> Category:
        """Return the category of that name.

        Raises:
            RouterError: the taxonomy has no such category.
        """
        for category in self.categories:
            if category.name == name:
                return category
        raise RouterError(f"unknown category `{name}`", hint=f"the categories are {_names(self.categories)}")


def _names(items: Sequence[TierValue] | Sequence[Category]) -> str:
    return ", ".join(f"`{item.name}`" for item in items)


def policy_from(policy_doc: Mapping[str, Any], categories_doc: Mapping[str, Any]) -> Policy:
    """Build the policy from the documents of ``policy.toml`` and ``categories.toml``.

    Raises:
        RouterError: a key is missing, unknown or out of range; the message names it.
    """
    tiers = _tiers(_table(policy_doc, "tiers"))
    losses = _table(policy_doc, "losses", default={})
    check = _table(policy_doc, "check", default={})
    attempts = _number(_table(policy_doc, "attempts", default={}), "max", "attempts", low=1, high=4, default=2)
    if attempts != int(attempts):
        raise RouterError(f"`attempts.max` must be a whole number, not {attempts}")
    return Policy(
        tiers=tiers,
        categories=_categories(categories_doc, {tier.name for tier in tiers}),
        check=Check(
            cost_usd=_number(check, "cost_usd", "check", low=0.0, default=0.0),
            sensitivity=_number(check, "sensitivity", "check", low=0.0, high=1.0, default=1.0),
            false_accept=_number(check, "false_accept", "check", low=0.0, high=1.0, default=0.0),
        ),
        wrong_accepted_usd=_number(losses, "wrong_accepted_usd", "losses", low=0.0, default=0.0),
        hand_over_usd=_number(losses, "hand_over_usd", "losses", low=0.0, default=0.0),
        max_attempts=int(attempts),
    )


def _tiers(table: Mapping[str, Any]) -> tuple[TierValue, ...]:
    values = [
        TierValue(name, _number(_table(table, name, "tiers"), "task_value_usd", f"tiers.{name}", low=0.0))
        for name in table
    ]
    if not values:
        raise RouterError("`tiers` is empty", hint="name at least one tier with its `task_value_usd`")
    return tuple(sorted(values, key=lambda tier: tier.task_value_usd))


def _categories(document: Mapping[str, Any], tiers: set[str]) -> tuple[Category, ...]:
    rows = document.get("category")
    if not isinstance(rows, list) or not rows:
        raise RouterError("`category` is missing", hint="list the kinds of task as `[[category]]` tables")
    categories = [_category(row, f"category[{index}]", tiers) for index, row in enumerate(rows)]
    names = [category.name for category in categories]
    for name in names:
        if names.count(name) > 1:
            raise RouterError(f"the category `{name}` is given twice")
    return tuple(categories)


def _category(row: object, path: str, tiers: set[str]) -> Category:
    if not isinstance(row, Mapping):
        raise RouterError(f"`{path}` must be a table")
    name, tier = row.get("name"), row.get("tier")
    if not isinstance(name, str) or not name:
        raise RouterError(f"`{path}.name` must be a text")
    if tier not in tiers:
        known = ", ".join(f"`{one}`" for one in sorted(tiers))
        raise RouterError(f"`{path}.tier` of `{name}` is {tier!r}, which is no tier", hint=f"tiers are {known}")
    return Category(name=name, share=_number(row, "share", path, low=0.0, high=1.0), tier=str(tier))


def _table(
    document: Mapping[str, Any], key: str, parent: str = "", default: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    value = document.get(key, default)
    path = f"{parent}.{key}" if parent else key
    if not isinstance(value, Mapping):
        raise RouterError(f"`{path}` " + ("is missing" if value is None else "must be a table"))
    return value


def _number(
    table: Mapping[str, Any],
    key: str,
    parent: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    default: float | None = None,
) -> float:
    value = table.get(key, default)
    if value is None:
        raise RouterError(f"`{parent}.{key}` is missing")
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise RouterError(f"`{parent}.{key}` must be a number, not {value!r:.60}")
    if not low <= value <= high:
        limits = f"at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
        raise RouterError(f"`{parent}.{key}` is {value:g}; it must be {limits}")
    return float(value)
