"""What kind of task a prompt asks for: probabilities, the words that decided, and when to abstain.

In this order: a pattern of the repository decides at once; else a linear model over the prompt's features
(`prompt_features`, `weights`) gives each class a logit, to which are added what was learnt from this user's own
corrections and the phrases that the taxonomy lists. A prompt that holds no stand-alone task, or in which no category
stands out, is abstained on: it goes to the standard tier and the answer says so.
"""

from __future__ import annotations

import math
from operator import itemgetter

from codex_router.decide.prompt_features import features, spoken
from codex_router.decide.weights import OFFSET, hashed, rows_of
from codex_router.named import TYPE_CHECKING, NamedTuple
from codex_router.records import Classification

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_router.decide.taxonomy import Category, Pattern
    from codex_router.decide.weights import Weights

NONE = "none"
"""The category of a prompt that holds no stand-alone task."""
FOREIGN = 0.6
"""A request of whose words the table knows a smaller share is in a language that it hardly speaks..."""
FOREIGN_UNSURE_BELOW = 0.4
"""...and is then abstained on below this probability."""
WORDLESS = frozenset({"w:?", "w:!", "w:<number>"})
"""Features of a request without a word: it holds no task, whatever the weights say."""
SPOKEN_FOR = 4
"""Words given as reasons at most."""


class Classifier(NamedTuple):
    """All that a prompt is judged by."""

    weights: Weights
    categories: Sequence[Category]
    patterns: Sequence[Pattern] = ()
    """Of the repository; the first that matches wins over everything."""
    learnt: Mapping[int, Mapping[str, float]] = {}
    """From the user's corrections: hashed feature to nats per class."""


def classify(prompt: str, classifier: Classifier) -> Classification:
    """Return what kind of task `prompt` asks for; any text will do, none of it is kept."""
    for pattern in classifier.patterns:
        if pattern.matches(prompt):
            return _told(pattern, classifier.categories)
    names = features(prompt)
    codes = [hashed(name) for name in names]
    found = rows_of(codes, classifier.weights)
    classes = class_logits(codes, [row for _, row in found], classifier)
    ranked, phrases = _ranked(prompt, softmax(classes), classifier.categories)
    because = (*phrases.get(ranked[0][0], ()), *_because(names, found, ranked[0][0], classifier))[:SPOKEN_FOR]
    return judged(ranked, because, classifier.weights, _words_known(names, found))


def class_logits(codes: list[int], rows: list[int], classifier: Classifier) -> dict[str, float]:
    """Return the nats of each class of the model.

    Args:
        codes: hashes of all the prompt's features.
        rows: where the table has those that it knows.
        classifier: weights, and what was learnt from the user.
    """
    weights = classifier.weights
    step = weights.scale / math.sqrt(max(len(codes), 1))
    surplus = OFFSET * len(rows)
    logits = {
        name: (bias + step * (sum(map(column.__getitem__, rows)) - surplus)) / weights.temperature
        for name, bias, column in zip(weights.classes, weights.biases, weights.columns, strict=True)
    }
    if classifier.learnt:
        share = 1 / math.sqrt(max(len(codes), 1))
        for code in codes:
            for name, nats in classifier.learnt.get(code, {}).items():
                logits[name] = logits.get(name, 0.0) + nats * share
    return logits


def _ranked(
    prompt: str, classes: dict[str, float], categories: Sequence[Category]
) -> tuple[tuple[tuple[str, float], ...], dict[str, tuple[str, ...]]]:
    """Turn the model's classes into the user's categories; return them ranked, and the phrases found for each."""
    logits = {NONE: math.log(classes.get(NONE, 0.0) + 1e-9)}
    phrases = {}
    for category in categories:
        known = [classes[name] for name in category.covers if name in classes]
        hits = category.phrases_in(prompt) if category.phrases else []
        phrases[category.name] = tuple(phrase for phrase, _ in hits)
        chance = sum(known) if known else category.share if hits else 0.0
        logits[category.name] = math.log(chance + 1e-9) + sum(nats for _, nats in hits)
    shares = softmax(logits)
    return tuple(sorted(shares.items(), key=lambda pair: -pair[1])), phrases


def _because(names: list[str], found: list[tuple[int, int]], best: str, classifier: Classifier) -> tuple[str, ...]:
    """Return the features that spoke most for `best`, as words."""
    covers = next((category.covers for category in classifier.categories if category.name == best), (best,))
    columns = [classifier.weights.columns[i] for i, name in enumerate(classifier.weights.classes) if name in covers]
    if not columns or not found:
        return ()
    strength = map(columns[0].__getitem__, map(itemgetter(1), found))
    top = sorted(zip(strength, map(itemgetter(0), found), strict=True), reverse=True)[: 3 * SPOKEN_FOR]
    words = (spoken(names[position]) for value, position in top if value > OFFSET)
    return tuple(dict.fromkeys(words))[:SPOKEN_FOR]


def _words_known(names: list[str], found: list[tuple[int, int]]) -> float | None:
    """Return the share of the request's words that the table knows; None when it holds no word."""
    words = {position for position, name in enumerate(names) if name.startswith("w:") and name not in WORDLESS}
    return sum(position in words for position, _ in found) / len(words) if words else None


def judged(
    ranked: tuple[tuple[str, float], ...], because: tuple[str, ...], weights: Weights, known: float | None
) -> Classification:
    """Decide between the most probable category, no task, and abstention.

    Args:
        ranked: (category, probability), most probable first, with `NONE`.
        because: the words that speak for the first.
        weights: for the thresholds.
        known: share of the request's words that the table knows; None when it holds none.
    """
    none, because = dict(ranked)[NONE], because or ("nothing in it tells the kind of task",)
    if known is None:
        return Classification(NONE, ranked, ("not a word in it",), abstained=True)
    if none >= weights.none_above:
        rule = f"no task by itself: {none:.2f}, from {weights.none_above:.2f} on"
        return Classification(NONE, ranked, (rule, *because), abstained=True)
    best, chance = next(pair for pair in ranked if pair[0] != NONE)
    foreign = known < FOREIGN
    least = max(weights.unsure_below, FOREIGN_UNSURE_BELOW) if foreign else weights.unsure_below
    if chance < least:
        rule = f"{best} is too unlikely: {chance:.2f}, below {least:.2f}"
        words = f"; of its words {known:.0%} are known" if foreign else ""
        return Classification(best, ranked, (rule + words, *because), abstained=True)
    return Classification(best, ranked, because, abstained=False)


def _told(pattern: Pattern, categories: Sequence[Category]) -> Classification:
    """Return a category that the repository's own pattern decides."""
    rest = [category.name for category in categories if category.name != pattern.category]
    ranked = ((pattern.category, 1.0), *((name, 0.0) for name in [*rest, NONE] if name != pattern.category))
    return Classification(pattern.category, ranked, (str(pattern),), abstained=False)


def softmax(logits: Mapping[str, float]) -> dict[str, float]:
    """Return probabilities in proportion to e to the power of the logits."""
    top = max(logits.values())
    powers = {name: math.exp(logit - top) for name, logit in logits.items()}
    total = sum(powers.values())
    return {name: power / total for name, power in powers.items()}
