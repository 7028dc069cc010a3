"""The user's kinds of task and the repository's patterns, as the classifier needs them: parsed TOML in, records out."""

from __future__ import annotations

import re

from codex_router.decide.prompt_features import request_words
from codex_router.errors import UsageError
from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

BEGINS = 4.5
"""Evidence, in nats, of a phrase with which the request begins."""
MENTIONED = 2.2
"""Evidence, in nats, of a phrase found elsewhere in the request."""
PATTERN_SEES = 2000
"""Characters of a prompt that a pattern is tried on: what is asked stands at the beginning, and time stays bounded."""


class Category(NamedTuple):
    """One category of the taxonomy."""

    name: str
    tier: str
    share: float
    """Natural share among prompts that hold a task, 0 to 1."""
    covers: tuple[str, ...]
    """The classes of the shipped model that it stands for; its own name unless told."""
    phrases: tuple[str, ...] = ()
    """Lower-case words; ``^`` in front: only where the request begins; ``*`` behind: any ending."""

    def phrases_in(self, prompt: str) -> list[tuple[str, float]]:
        """Return (phrase, nats) of the phrases that the prompt's request holds, the weightiest first."""
        words, begin = request_words(prompt)
        text = f" {' '.join(words)} "
        start = f" {' '.join(begin)} "
        found = []
        for phrase in self.phrases:
            plain = phrase.lstrip("^").rstrip("*")
            needle = f" {plain}" if phrase.endswith("*") else f" {plain} "
            if start.startswith(needle):
                found.append((plain, BEGINS))
            elif not phrase.startswith("^") and needle in text:
                found.append((plain, MENTIONED))
        return sorted(found, key=lambda pair: -pair[1])


class Pattern(NamedTuple):
    """A regular expression of a repository that decides the category."""

    expression: re.Pattern[str]
    category: str
    where: str

    def matches(self, prompt: str) -> bool:
        """Tell whether the beginning of the prompt holds it."""
        return self.expression.search(prompt[:PATTERN_SEES]) is not None

    def __str__(self) -> str:
        return f"pattern {self.expression.pattern!r} in {self.where}"


def read_categories(document: dict[str, Any], where: object = None) -> tuple[Category, ...]:
    """Return the categories of a parsed ``categories.toml``.

    Args:
        document: the parsed TOML.
        where: the file, for messages.

    Raises:
        UsageError: a category lacks its name or tier, or a value has the wrong type.
    """
    tables = document.get("category")
    if not isinstance(tables, list) or not tables:
        raise UsageError("no [[category]] table", where=where, hint="see `profiles/categories.toml` for the shape")
    return tuple(_category(table, where) for table in tables)


def _category(table: Any, where: object) -> Category:
    name, tier = (table.get(key) for key in ("name", "tier")) if isinstance(table, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(tier, str):
        raise UsageError("a [[category]] needs `name` and `tier`, both strings", where=where)
    share = table.get("share", 0.01)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise UsageError(f"`share` of category `{name}` is not a number between 0 and 1", where=where)
    phrases, covers = (_texts(table, key, name, where) for key in ("phrases", "covers"))
    return Category(name, tier, float(share), covers or (name,), tuple(phrase.lower() for phrase in phrases))


def _texts(table: dict[str, Any], key: str, name: str, where: object) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) and text.strip("^* ") for text in value):
        raise UsageError(f"`{key}` of category `{name}` is not a list of words", where=where)
    return tuple(value)


def read_patterns(document: dict[str, Any], known: Collection[str], where: object) -> tuple[Pattern, ...]:
    """Return the patterns of a repository's parsed ``.codex-router.toml``, in the order given.

    The table ``[categories]`` maps regular expressions, tried without regard to case, to categories.

    Raises:
        UsageError: no regular expression, or no category of that name.
    """
    table = document.get("categories", {})
    if not isinstance(table, dict):
        raise UsageError("`categories` is not a table", where=where, hint='write: [categories] "^bump " = "ops"')
    return tuple(_pattern(text, category, known, where) for text, category in table.items())


def _pattern(text: str, category: object, known: Collection[str], where: object) -> Pattern:
    if category not in known:
        raise UsageError(f"no category {category!r}", where=where, hint=f"categories are: {', '.join(known)}")
    try:
        return Pattern(re.compile(text, re.IGNORECASE), str(category), str(where))
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"{text!r} is no regular expression: {error}", where=where) from None
