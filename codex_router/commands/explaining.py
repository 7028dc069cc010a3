"""Why a prompt gets its profile, step by step: what `route --explain`, `route --json` and `exec --explain` say."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from codex_router.commands.routing import task_values
from codex_router.decide.learning import shifts
from codex_router.decide.stakes import stakes, threshold

if TYPE_CHECKING:
    from codex_router.commands.routing import Route
    from codex_router.decide.learning import Shift
    from codex_router.decide.stakes import Stake
    from codex_router.decide.taxonomy import Pattern

CATEGORIES_SHOWN = 4
SHIFTS_SHOWN = 2


def explanation(found: Route, prompt: str) -> dict[str, Any]:
    """Return what decided, as it stands in JSON.

    Args:
        found: the route.
        prompt: for which it was found.
    """
    pattern, moved = _pattern(found, prompt), _shifts(found, prompt)
    return {
        "decided_by": _decided_by(found, pattern),
        "pattern": pattern and _pattern_json(pattern),
        "learnt": [_shift_json(shift) for shift in moved],
        "tiers": [
            stake._asdict() | {"task_value_usd": task_values(found.plan)[stake.tier]} for stake in _stakes(found)
        ],
        "thresholds": [
            {"tier": higher, "rather_than": lower, "from_probability": share}
            for lower, higher, share in _thresholds(found)
        ],
    }


def explained(found: Route, prompt: str) -> list[str]:
    """Return the same in lines for people."""
    pattern, classification = _pattern(found, prompt), found.classification
    lines = [f"decided by: {_decided_words(found, pattern)}"]
    if classification is None:
        return lines
    lines.append(f"because of: {', '.join(classification.because)}")
    if pattern is None:
        shown = classification.probabilities[:CATEGORIES_SHOWN]
        lines.append(f"probabilities: {', '.join(f'{name} {chance:.2f}' for name, chance in shown)}")
        moved = _shifts(found, prompt)[:SHIFTS_SHOWN]
        lines += [_shift_words(shift) for shift in moved] or ["learnt from you: nothing about a prompt like this"]
    return lines if classification.abstained else lines + _tier_lines(found)


def _decided_by(found: Route, pattern: Pattern | None) -> str:
    if found.classification is None:
        return "user"
    if pattern is not None:
        return "pattern"
    return "abstention" if found.classification.abstained else "classifier"


def _decided_words(found: Route, pattern: Pattern | None) -> str:
    return {
        "user": "you",
        "pattern": str(pattern),
        "abstention": "nobody: it tells too little, so it goes where such prompts go",
        "classifier": "the classifier",
    }[_decided_by(found, pattern)]


def _pattern(found: Route, prompt: str) -> Pattern | None:
    patterns = found.judge.patterns if found.judge else ()
    return next((pattern for pattern in patterns if pattern.matches(prompt)), None)


def _pattern_json(pattern: Pattern) -> dict[str, str]:
    return {"expression": pattern.expression.pattern, "category": pattern.category, "file": pattern.where}


def _shifts(found: Route, prompt: str) -> tuple[Shift, ...]:
    return shifts(prompt, found.judge) if found.judge else ()


def _shift_json(shift: Shift) -> dict[str, Any]:
    words = [{"word": word, "nats": nats} for word, nats in shift.words]
    return {"category": shift.category, "log_odds_shipped": shift.before, "log_odds": shift.after, "words": words}


def _shift_words(shift: Shift) -> str:
    words = ", ".join(f"{word} {nats:+.2f}" for word, nats in shift.words)
    return (
        f"learnt from you: {shift.category}, log-odds {shift.before:+.2f} as shipped, now {shift.after:+.2f}: {words}"
    )


def _stake_json(stake: Stake, found: Route) -> dict[str, Any]:
    return {**stake._asdict(), "task_value_usd": task_values(found.plan)[stake.tier]}


def _stakes(found: Route) -> list[Stake]:
    if found.classification is None:
        return []
    return stakes(found.classification.probabilities, dict(found.plan.routes), task_values(found.plan))


def _thresholds(found: Route) -> list[tuple[str, str, float]]:
    """Return (lower tier, higher tier, probability from which the higher is chosen) of neighbours by task value."""
    values = task_values(found.plan)
    ranked = sorted(values, key=values.__getitem__)
    return [
        (lower, higher, threshold(values[lower], values[higher]))
        for lower, higher in pairwise(ranked)
        if values[lower] < values[higher]
    ]


def _tier_lines(found: Route) -> list[str]:
    values = task_values(found.plan)
    words = [
        f"{stake.tier} ${stake.expected_regret_usd:.2f} (probability {stake.probability:.2f}, "
        f"a task is worth ${values[stake.tier]:g})"
        for stake in _stakes(found)
    ]
    limits = [f"{higher} rather than {lower} from {share:.2f} on" for lower, higher, share in _thresholds(found)]
    return [f"expected regret: {', '.join(words)}", *([f"thresholds: {', '.join(limits)}"] if limits else [])]
