"""How good the classifier is: the measures of its bar, with bootstrap intervals over repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from codex_router.training.corpus import CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from codex_router.training.corpus import Row

    Matrix = np.ndarray[Any, np.dtype[Any]]

TASKS = len(CLASSES) - 1
"""The last class, ``none``, is no task."""
DRAWS = 1000
SEED = 20240601


class Answers(NamedTuple):
    """What was asked for and what was answered, one row per prompt."""

    truth: Matrix
    """Index into `CLASSES`."""
    chances: Matrix
    """(prompt, class) probabilities."""
    given: Matrix
    """Index of the category given, `TASKS` for an abstention as ``none``."""
    tier_truth: Matrix
    tier_given: Matrix
    sure: Matrix
    groups: Matrix
    """Repository of each prompt."""
    abstained: Matrix

    def pick(self, rows: Matrix) -> Answers:
        """Return some of the rows."""
        return Answers(*(column[rows] for column in self))


def answers(rows: Sequence[Row], found: Sequence[Any], tiers: Sequence[str], tier_of: Mapping[str, str]) -> Answers:
    """Put labelled prompts beside their classifications and tiers."""
    chances = np.array([[dict(one.probabilities)[name] for name in CLASSES] for one in found])
    return Answers(
        truth=np.array([CLASSES.index(row.label) for row in rows]),
        chances=chances,
        given=np.array([CLASSES.index(one.category) for one in found]),
        tier_truth=np.array([tier_of.get(row.label, "standard") for row in rows]),
        tier_given=np.array(tiers),
        sure=np.array([row.sure for row in rows]),
        groups=np.array([row.group for row in rows]),
        abstained=np.array([one.abstained for one in found]),
    )


def measures(found: Answers) -> dict[str, float]:
    """Return every measure that the rows allow; all but the last look at prompts that hold a task."""
    tasks = found.pick(found.truth < TASKS)
    result = {
        "accuracy": float((tasks.given == tasks.truth).mean()),
        "macro_f1": macro_f1(tasks.truth, tasks.given),
        "accuracy_sure_rows": float((tasks.given == tasks.truth)[tasks.sure].mean()) if tasks.sure.any() else np.nan,
        "accuracy_confident_80": _confident(tasks, 0.8),
        "ece": calibration_error(tasks.chances.max(axis=1), tasks.chances.argmax(axis=1) == tasks.truth),
        "tier_accuracy": float((tasks.tier_given == tasks.tier_truth).mean()),
        "precision_recall": float((tasks.tier_given == "precision")[tasks.tier_truth == "precision"].mean()),
        "others_promoted": float((tasks.tier_given == "precision")[tasks.tier_truth != "precision"].mean()),
        "tasks_taken_for_none": float((tasks.given == TASKS).mean()),
    }
    if (found.truth == TASKS).any():
        none = found.chances[:, TASKS]
        result["none_auroc"] = auroc(none[found.truth == TASKS], none[found.truth < TASKS])
    return result


def macro_f1(truth: Matrix, given: Matrix) -> float:
    """Return the mean F1 over the classes that occur in `truth`."""
    scores = []
    for label in np.unique(truth):
        both = ((truth == label) & (given == label)).sum()
        scores.append(2 * both / max((truth == label).sum() + (given == label).sum(), 1))
    return float(np.mean(scores))


def calibration_error(chances: Matrix, right: Matrix, bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width (Guo et al., 2017, arXiv:1706.04599)."""
    bin_of = np.minimum((chances * bins).astype(int), bins - 1)
    gaps = [abs(chances[bin_of == b].sum() - right[bin_of == b].sum()) for b in range(bins)]
    return float(sum(gaps) / max(len(chances), 1))


def auroc(positive: Matrix, negative: Matrix) -> float:
    """Return the probability that a positive scores above a negative, ties counting half."""
    above = (positive[:, None] > negative[None]).mean()
    return float(above + (positive[:, None] == negative[None]).mean() / 2)


def _confident(tasks: Answers, share: float) -> float:
    order = np.argsort(-tasks.chances[:, :TASKS].max(axis=1), kind="stable")[: int(share * len(tasks.truth))]
    return float((tasks.given == tasks.truth)[order].mean())


def intervals(found: Answers, measure: Callable[[Answers], dict[str, float]] = measures) -> dict[str, list[float]]:
    """Return 90 % percentile intervals, whole repositories drawn with replacement."""
    generator = np.random.default_rng(SEED)
    groups = np.unique(found.groups)
    places = {group: np.flatnonzero(found.groups == group) for group in groups}
    draws = []
    for _ in range(DRAWS):
        drawn = generator.choice(groups, len(groups))
        draws.append(measure(found.pick(np.concatenate([places[group] for group in drawn]))))
    names = draws[0]
    return {
        name: [float(q) for q in np.nanpercentile([draw.get(name, np.nan) for draw in draws], [5, 95])]
        for name in names
    }
