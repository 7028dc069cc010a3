"""One name per model: `GPT-5.5`, `openai/gpt-5.5-2026-04-24` and `gpt-5.5-high` are the same model.

Names are compared by a *key*: lower case, with every run of punctuation and spaces turned into one dash. The alias
table ``benchmarks-data/model-aliases.toml`` says which keys are known. A name that no rule leads to the table is
kept as it is.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from typing import NamedTuple

from codex_router.records import EFFORTS, Arm
from codex_router.shipped import shipped

TABLE = "model-aliases.toml"

_PUNCTUATION = re.compile(r"[^a-z0-9]+")
_DATE = re.compile(r"-20\d\d-?[01]\d-?[0-3]\d$")
_EFFORT = re.compile(rf"-({'|'.join(EFFORTS)})(-(reasoning|effort))?$")


class Recognised(NamedTuple):
    """A model name, read."""

    arm: Arm
    """Canonical model, with the effort that the name itself carried (``gpt-5.2-high``), else None."""
    known: bool
    """False when the alias table does not know the name; the model is then the name as it was."""


class _Aliases(NamedTuple):
    canonical: dict[str, str]
    providers: frozenset[str]


@cache
def _aliases() -> _Aliases:
    with (shipped("benchmarks-data") / TABLE).open("rb") as stream:
        table = tomllib.load(stream)
    canonical: dict[str, str] = {}
    for name, aliases in table["models"].items():
        for spelling in (name, *aliases):
            canonical[_key(spelling)] = name
    return _Aliases(canonical, frozenset(table["providers"]))


def _key(text: str) -> str:
    return _PUNCTUATION.sub("-", text.lower()).strip("-")


def _without_provider(text: str) -> str:
    """Drop leading ``openai/``, ``openrouter/openai/``, ``openai:`` as long as they name known providers."""
    while match := re.match(r"([^/:]+)[/:](?=.)", text):
        if match[1].lower() not in _aliases().providers:
            break
        text = text[match.end() :]
    return text


@lru_cache(maxsize=8192)
def canonical(text: str) -> Recognised:
    """Return the canonical model name and the effort found in `text`.

    The known names are looked up before anything is cut off, so that ``gpt-5.1-codex-max`` is a model and
    ``gpt-5.2-max`` an effort. ``canonical(canonical(x).arm.model)`` gives the same model again.
    """
    text = text.strip()
    known, key, effort = _aliases().canonical, _key(_without_provider(text)), None
    while key not in known:
        if date := _DATE.search(key):
            key = key[: date.start()]
        elif effort is None and (found := _EFFORT.search(key)):
            effort, key = found[1], key[: found.start()]
        else:
            return Recognised(Arm(text), known=False)
    return Recognised(Arm(known[key], effort), known=True)
