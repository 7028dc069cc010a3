"""Make the prompt classifier's weights and its model card: ``python -m codex_router.training.classifier --data DIR``.

Reproducible to the byte from the data (there is no randomness but a fixed seed in the card's intervals). The steps:

1. word vectors from all texts, labelled or not;
2. cross-validation over repositories, from whose held-out answers come the temperature and the two thresholds;
3. the final table from all labelled rows, cut down to what ships;
4. cross-validation's answers and the development set's, for the card.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import optimize

from codex_router.decide.classify import Classifier, classify, judged
from codex_router.decide.prompt_features import features
from codex_router.decide.stakes import choose_tier
from codex_router.decide.taxonomy import read_categories
from codex_router.decide.weights import write_weights
from codex_router.errors import RouterError
from codex_router.shipped import shipped
from codex_router.training import card
from codex_router.training.compress import compress, usage
from codex_router.training.corpus import CLASSES, OWN, Row, read_corpus, read_dev, read_own
from codex_router.training.model import fit
from codex_router.training.scores import TASKS, answers
from codex_router.training.vectors import Vectors, learn_vectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_router.decide.weights import Weights
    from codex_router.records import Classification
    from codex_router.training.scores import Answers

    Matrix = np.ndarray[Any, np.dtype[Any]]

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "codex_router" / "shipped" / "classifier.bin"
CARD = ROOT / "docs" / "explanation" / "classifier.md"
TESTS = ROOT / "tests" / "data"
OWN_TESTS = {
    "one_shot": "prompts_one_shot.txt",
    "late": "prompts_one_shot_late.txt",
    "hard": "prompts_one_shot_hard.txt",
    "languages": "prompts_languages.txt",
    "languages_late": "prompts_languages_late.txt",
}
FOLDS = 6
MISTAKEN_FOR_NONE = 0.01
"""Share of prompts with a task that the threshold on ``none`` may take for none, in cross-validation."""
UNSURE = 0.02
"""Share of prompts with a task that are abstained on for lack of a clear category, in cross-validation."""


class HeldOut(NamedTuple):
    """Answers of cross-validation: logits for rows of repositories that the model had not seen."""

    rows: list[Row]
    logits: Matrix


def main(argv: Sequence[str] | None = None) -> int:
    """Train, write the weights and the card, and say how good they are."""
    parser = argparse.ArgumentParser(prog="python -m codex_router.training.classifier", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the labelled prompts (see its README)")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--card", type=Path, default=CARD)
    given = parser.parse_args(argv)
    corpus = read_corpus(given.data)
    vectors = learn_vectors([*corpus.plain, *(row.text for row in corpus.rows)])
    prompts = [features(row.text) for row in corpus.rows]
    say(f"{len(corpus.rows)} labelled rows, vectors of {len(vectors.words)} words")
    held_out = cross_validate(corpus.rows, prompts, vectors)
    table = fit(corpus.rows, vectors, prompts)
    weights = compress(table, usage([*prompts, *(features(text) for text in corpus.plain)]))
    weights = calibrated(weights, held_out)
    given.weights.write_bytes(write_weights(weights))
    tested = {"dev": tested_on(read_dev(given.data), weights), "held_out": held_out_answers(held_out, weights)}
    tested |= {name: tested_on(read_own(TESTS / file), weights) for name, file in OWN_TESTS.items()}
    text = card.render(weights, given.weights.stat().st_size, Counter(row.label for row in corpus.rows), tested)
    given.card.parent.mkdir(parents=True, exist_ok=True)
    given.card.write_text(text, encoding="utf-8")
    for name in ("held_out", "dev"):
        say(f"{name}: {card.summary(tested[name])}")
    return 0


def say(line: str) -> None:
    """Report progress."""
    sys.stderr.write(f"{line}\n")


def cross_validate(rows: Sequence[Row], prompts: Sequence[list[str]], vectors: Vectors) -> HeldOut:
    """Answer each repository's rows with a model that has not seen that repository."""
    fold_of = folds(Counter(row.group for row in rows if row.group != OWN))
    kept, logits = [], []
    for fold in range(FOLDS):
        seen = [i for i, row in enumerate(rows) if fold_of.get(row.group) != fold]
        unseen = [i for i, row in enumerate(rows) if fold_of.get(row.group) == fold]
        table = fit([rows[i] for i in seen], vectors, [prompts[i] for i in seen])
        kept += [rows[i] for i in unseen]
        logits.append(table.logits([prompts[i] for i in unseen]))
        say(f"fold {fold + 1} of {FOLDS}")
    return HeldOut(kept, np.vstack(logits))


def folds(sizes: Mapping[str, int]) -> dict[str, int]:
    """Spread repositories over folds of about equal size, the largest first."""
    load = [0] * FOLDS
    fold_of = {}
    for group, size in sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])):
        fold_of[group] = load.index(min(load))
        load[fold_of[group]] += size
    return fold_of


def calibrated(weights: Weights, held_out: HeldOut) -> Weights:
    """Set temperature and thresholds from held-out answers; the temperature from the double-labelled among them."""
    truth = np.array([CLASSES.index(row.label) for row in held_out.rows])
    tasks = truth < TASKS
    judged_twice = tasks & np.array([row.double for row in held_out.rows])

    def surprise(temperature: float) -> float:
        chances = softmax(held_out.logits / temperature)
        return float(-np.log(chances[np.arange(len(truth)), truth])[judged_twice].mean())

    temperature = round(float(optimize.minimize_scalar(surprise, bounds=(0.2, 3.0), method="bounded").x), 4)
    chances = softmax(held_out.logits / temperature)[tasks]
    return weights._replace(
        temperature=temperature,
        none_above=round(float(np.quantile(chances[:, TASKS], 1 - MISTAKEN_FOR_NONE)), 4),
        unsure_below=round(float(np.quantile(chances[:, :TASKS].max(axis=1), UNSURE)), 4),
    )


def softmax(logits: Matrix) -> Matrix:
    """Return each row's probabilities."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def tested_on(rows: Sequence[Row], weights: Weights) -> Answers:
    """Answer rows with the finished weights, as a user would get it."""
    categories = read_categories(shipped_document("categories.toml"))
    return answered(rows, [classify(row.text, Classifier(weights, categories)) for row in rows])


def held_out_answers(held_out: HeldOut, weights: Weights) -> Answers:
    """Judge cross-validation's answers to the double-labelled rows by the finished thresholds."""
    chances = softmax(held_out.logits / weights.temperature)
    kept = [i for i, row in enumerate(held_out.rows) if row.double]
    ranked = [sorted(zip(CLASSES, map(float, chances[i]), strict=True), key=lambda pair: -pair[1]) for i in kept]
    return answered([held_out.rows[i] for i in kept], [judged(tuple(one), (), weights, 1.0) for one in ranked])


def answered(rows: Sequence[Row], found: Sequence[Classification]) -> Answers:
    """Put classifications beside the truth, with the tiers that they lead to under the shipped policy."""
    categories = read_categories(shipped_document("categories.toml"))
    tiers = shipped_document("policy.toml")["tiers"]
    values = {name: tier["task_value_usd"] for name, tier in tiers.items()}
    tier_of = {category.name: category.tier for category in categories}
    chosen = ["standard" if f.abstained else choose_tier(f.probabilities, tier_of, values, "standard") for f in found]
    return answers(rows, found, chosen, tier_of)


def shipped_document(name: str) -> dict[str, Any]:
    """Return a parsed file of ``profiles/``."""
    return tomllib.loads((shipped("profiles") / name).read_text(encoding="utf-8"))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RouterError as error:
        sys.exit(f"error: {error}")
