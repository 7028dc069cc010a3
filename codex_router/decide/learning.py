"""Learning from the user: what their corrections say beyond the shipped weights.

A correction is a prompt's hashed features, the class the model gave and the one that was right; no text. The bias is
the logistic regression's own update, a few passes of gradient steps from the shipped weights towards the corrected
class with a pull back to zero: one correction moves a like prompt noticeably, contradictory ones cancel out, and a
prompt with none of the features is judged as before.
"""

from __future__ import annotations

import math
from heapq import nlargest

from codex_router.decide.classify import Classifier, class_logits, classify, softmax
from codex_router.decide.prompt_features import features, spoken
from codex_router.decide.weights import hashed, rows_of
from codex_router.named import TYPE_CHECKING, NamedTuple
from codex_router.records import Correction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_router.decide.taxonomy import Category
    from codex_router.decide.weights import Weights

PASSES = 20
STEP = 0.5
KEPT = 2000
"""Features that are learnt at most: the file is read before every run."""
PULL = 0.02
"""Share by which a learnt weight shrinks at each pass: the prior that the shipped weights are right."""


def correction(prompt: str, category: str) -> Correction:
    """Return what is kept of a prompt whose category the user told."""
    return Correction(tuple(hashed(name) for name in features(prompt)), category)


def learn(
    corrections: Sequence[Correction], weights: Weights, categories: Sequence[Category] = ()
) -> dict[int, dict[str, float]]:
    """Return nats per hashed feature and class to lay over the shipped weights.

    Args:
        corrections: the order does not matter much.
        weights: what ships.
        categories: the user's own; one that covers several classes of the model teaches the first of them, one that
            covers none teaches nothing.
    """
    learnt: dict[int, dict[str, float]] = {}
    covers = {category.name: category.covers[0] for category in categories}
    moved = [one._replace(category=covers.get(one.category, one.category)) for one in corrections]
    known = [one for one in moved if one.category in weights.classes and one.codes]
    for _ in range(PASSES):
        for bias in learnt.values():
            for name in bias:
                bias[name] *= 1 - PULL
        for one in known:
            _step(one, weights, learnt)
    strongest = nlargest(KEPT, learnt.items(), key=lambda pair: max(map(abs, pair[1].values())))
    return {code: {name: round(nats, 3) for name, nats in bias.items()} for code, bias in strongest}


def _step(one: Correction, weights: Weights, learnt: dict[int, dict[str, float]]) -> None:
    """Move the features of one correction a step towards its class."""
    codes = list(one.codes)
    chances = softmax(_logits(codes, weights, learnt))
    share = STEP / math.sqrt(len(codes))
    for code in codes:
        bias = learnt.setdefault(code, {})
        for name, chance in chances.items():
            bias[name] = bias.get(name, 0.0) + share * ((name == one.category) - chance)


def _logits(codes: list[int], weights: Weights, learnt: Mapping[int, Mapping[str, float]]) -> dict[str, float]:
    rows = [row for _, row in rows_of(codes, weights)]
    return class_logits(codes, rows, Classifier(weights, (), learnt=learnt))


class Shift(NamedTuple):
    """What the user's corrections do to one category of a prompt."""

    category: str
    before: float
    """Log-odds, in nats, by what ships alone."""
    after: float
    """The same with what was learnt; no further from 0 than `CERTAIN`."""
    words: tuple[tuple[str, float], ...]
    """(word, nats towards the category), the strongest first, at most `SHOWN`."""


CERTAIN = 20.0
"""Log-odds beyond which nothing is told apart."""
SHOWN = 4


def shifts(prompt: str, classifier: Classifier) -> tuple[Shift, ...]:
    """Return what was learnt from the user does to a prompt, the category that moves most first.

    Nothing when nothing was learnt about any of the prompt's features, or when a pattern decides.
    """
    names = {hashed(name): name for name in features(prompt)}
    touched = [code for code in names if code in classifier.learnt]
    if not touched or any(pattern.matches(prompt) for pattern in classifier.patterns):
        return ()
    before = dict(classify(prompt, classifier._replace(learnt={})).probabilities)
    after = classify(prompt, classifier).probabilities
    covers = {category.name: category.covers for category in classifier.categories}
    share = 1 / math.sqrt(len(names))
    found = []
    for category, chance in after:
        words: dict[str, float] = {}
        for code in touched:
            nats = sum(classifier.learnt[code].get(name, 0.0) for name in covers.get(category, (category,)))
            words[spoken(names[code])] = words.get(spoken(names[code]), 0.0) + nats * share
        strongest = nlargest(SHOWN, words.items(), key=lambda pair: abs(pair[1]))
        found.append(Shift(category, _log_odds(before[category]), _log_odds(chance), tuple(strongest)))
    return tuple(sorted(found, key=lambda one: (-abs(one.after - one.before), one.category)))


def _log_odds(chance: float) -> float:
    if chance <= 0:
        return -CERTAIN
    return min(CERTAIN, max(-CERTAIN, math.log(chance) - math.log1p(-chance))) if chance < 1 else CERTAIN
