"""What kind of task a prompt asks for: phrases per category, held as data in ``profiles/categories.toml``.

Each category lists phrases. A phrase found where the request begins counts `BEGINS`, one found elsewhere in the
request `MENTIONED`: evidence in nats on top of the category's natural share. A prompt in which nothing is
found, or in which no category stands out, is abstained on: it goes to the standard tier and the answer says so.

Only the beginning and the end of a long prompt are read, and neither pasted code nor ``<stdin>`` blocks: the request
is what the person wrote, and the time does not grow with what they pasted.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from codex_router.errors import UsageError
from codex_router.records import Classification

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NONE = "none"
"""The category of a prompt that holds no stand-alone task."""
HEAD_CHARACTERS = 3000
TAIL_CHARACTERS = 1000
BEGINS = 3.0
"""Evidence, in nats, of a phrase with which the request begins."""
MENTIONED = 1.7
"""Evidence, in nats, of a phrase found elsewhere in the request."""
CERTAIN_ENOUGH = 0.45
"""Below this probability the most likely category is not worth acting on."""

_BLOCK = re.compile(r"<stdin>.*?(?:</stdin>|\Z)|```.*?(?:```|\Z)", re.DOTALL)
_WORD = re.compile(r"[^\W_][\w'+#/-]*", re.UNICODE)
_POLITE = frozenset(
    {
        "please",
        "pls",
        "plz",
        "can",
        "could",
        "would",
        "will",
        "you",
        "we",
        "lets",
        "let's",
        "i",
        "want",
        "need",
        "you'd",
        "to",
        "just",
        "now",
        "ok",
        "okay",
        "then",
        "so",
        "also",
        "and",
        "hi",
        "hey",
        "hello",
        "kindly",
        "go",
        "ahead",
        "help",
        "me",
        "us",
        "i'd",
        "like",
    }
)


class Category(NamedTuple):
    """One category of the taxonomy."""

    name: str
    tier: str
    share: float
    """Natural share among prompts that hold a task, 0 to 1."""
    phrases: tuple[str, ...]
    """Lower-case words; ``^`` in front: only where the request begins; ``*`` behind: any ending."""


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
    share, phrases = table.get("share", 0.01), table.get("phrases", [])
    if not isinstance(share, (int, float)) or not 0 < share <= 1:
        raise UsageError(f"`share` of category `{name}` is not a number between 0 and 1", where=where)
    if not isinstance(phrases, list) or not all(isinstance(phrase, str) and phrase.strip("^* ") for phrase in phrases):
        raise UsageError(f"`phrases` of category `{name}` is not a list of words", where=where)
    return Category(name, tier, float(share), tuple(phrase.lower() for phrase in phrases))


def classify(prompt: str, categories: Sequence[Category]) -> Classification:
    """Return what kind of task `prompt` asks for; any text will do, none of it is kept."""
    words = request_words(prompt)
    text = f" {' '.join(words)} "
    begin = f" {' '.join(_without_courtesy(words))} "
    found = {category.name: _found(text, begin, category.phrases) for category in categories}
    logits = {
        category.name: math.log(category.share) + sum(score for _, score in found[category.name])
        for category in categories
    }
    ranked = _softmax(logits)
    best, probability = ranked[0]
    because = tuple(phrase for phrase, _ in sorted(found[best], key=lambda pair: -pair[1]))
    if not because or probability < CERTAIN_ENOUGH:
        return Classification(best, ranked, because or ("nothing in it tells the kind of task",), abstained=True)
    return Classification(best, ranked, because, abstained=False)


def request_words(prompt: str) -> list[str]:
    """Return the lower-case words of the request, without pasted blocks; bounded whatever the prompt's length."""
    if len(prompt) > HEAD_CHARACTERS + TAIL_CHARACTERS:
        prompt = f"{prompt[:HEAD_CHARACTERS]}\n{prompt[-TAIL_CHARACTERS:]}"
    request = _BLOCK.sub(" ", prompt)
    return [word.rstrip("'/-") for word in _WORD.findall(request.lower())]


def _without_courtesy(words: list[str]) -> list[str]:
    first = next((i for i, word in enumerate(words) if word not in _POLITE), 0)
    return words[first : first + 12]


def _found(text: str, begin: str, phrases: Iterable[str]) -> list[tuple[str, float]]:
    found = []
    for phrase in phrases:
        plain = phrase.lstrip("^").rstrip("*")
        needle = f" {plain}" if phrase.endswith("*") else f" {plain} "
        if begin.startswith(needle):
            found.append((plain, BEGINS))
        elif not phrase.startswith("^") and needle in text:
            found.append((plain, MENTIONED))
    return found


def _softmax(logits: dict[str, float]) -> tuple[tuple[str, float], ...]:
    top = max(logits.values())
    weights = {name: math.exp(logit - top) for name, logit in logits.items()}
    total = sum(weights.values())
    return tuple(sorted(((name, weight / total) for name, weight in weights.items()), key=lambda pair: -pair[1]))
