"""The model card, ``docs/explanation/classifier.md``: its figures come from the training run that wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_router.training.corpus import CLASSES, HERE
from codex_router.training.scores import TASKS, intervals, measures

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

    from codex_router.decide.weights import Weights
    from codex_router.training.scores import Answers

TITLES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "accuracy_sure_rows": "accuracy on rows that two labellers were sure of",
    "accuracy_confident_80": "accuracy on the most confident 80 %",
    "ece": "expected calibration error",
    "tier_accuracy": "tier accuracy",
    "precision_recall": "recall of the precision tier",
    "others_promoted": "standard and bulk prompts sent to precision",
    "tasks_taken_for_none": "prompts with a task taken for `none`",
    "none_auroc": "`none` recognised (AUROC)",
}


def render(weights: Weights, size: int, counts: Counter[str], tested: Mapping[str, Answers]) -> str:
    """Fill the card's figures into its text."""
    template = (HERE / "card.md").read_text(encoding="utf-8")
    dev = tested["dev"]
    return (
        template.replace("<!-- counts -->", _counts(counts))
        .replace("<!-- scores -->", _scores({"cross-validation": tested["held_out"], "other repositories": dev}))
        .replace("<!-- size -->", f"{size:,}")
        .replace("<!-- temperature -->", f"{weights.temperature:.2f}")
        .replace("<!-- none_above -->", f"{weights.none_above:.2f}")
        .replace("<!-- unsure_below -->", f"{weights.unsure_below:.2f}")
        .replace("<!-- dev_rows -->", f"{len(dev.truth)}")
        .replace("<!-- dev_groups -->", f"{len(set(dev.groups))}")
        .replace("<!-- held_out_rows -->", f"{len(tested['held_out'].truth)}")
        .replace("<!-- held_out_groups -->", f"{len(set(tested['held_out'].groups))}")
        .replace("<!-- one_shot -->", _right(tested["one_shot"]))
        .replace("<!-- late -->", _right(tested["late"]))
        .replace("<!-- hard -->", _right(tested["hard"]))
        .replace("<!-- languages -->", _right_or_abstained(tested["languages"]))
        .replace("<!-- languages_late -->", _right_or_abstained(tested["languages_late"]))
    )


def summary(found: Answers) -> str:
    """Return the measures in one line."""
    return ", ".join(f"{name} {value:.3f}" for name, value in measures(found).items())


def _right(found: Answers) -> str:
    tasks = found.pick(found.truth < TASKS)
    return f"{(tasks.given == tasks.truth).sum()} of {len(tasks.truth)}"


def _right_or_abstained(found: Answers) -> str:
    acted = found.pick((found.truth < TASKS) & ~found.abstained)
    tasks = (found.truth < TASKS).sum()
    return f"{tasks - len(acted.truth)} of {tasks} abstained on, {_right(acted)} others"


def _counts(counts: Counter[str]) -> str:
    head = f"| {' | '.join(CLASSES)} | all |\n|{'---|' * (len(CLASSES) + 1)}\n"
    return head + f"| {' | '.join(str(counts[name]) for name in CLASSES)} | {counts.total()} |"


def _scores(tested: Mapping[str, Answers]) -> str:
    columns = [(measures(found), intervals(found)) for found in tested.values()]
    head = "".join(f" {name} | 90 % interval |" for name in tested)
    lines = [f"| measure |{head}", f"|---|{'---|---|' * len(tested)}"]
    for name, title in TITLES.items():
        cells = [f"{values[name]:.3f} | {low:.2f} to {high:.2f}" for values, of in columns for low, high in [of[name]]]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)
