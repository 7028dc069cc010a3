"""``codex-router classify``: one prompt a line in, one JSON object a line out."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from codex_router.commands.judging import classifier
from codex_router.decide.classify import classify
from codex_router.decide.stakes import choose_tier
from codex_router.errors import ExitCode, UsageError
from codex_router.settings import policy_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_router.decide.classify import Classifier

UNSURE = "standard"


@click.command(short_help="say what kind of task each prompt on standard input is")
@click.option("--jsonl", is_flag=True, help="read a JSON object a line and take its `prompt`")
def command(*, jsonl: bool) -> int:
    """Read one prompt a line (or, with --jsonl, one object) and write one JSON object a line.

    Each has category, probabilities, tier, abstained and because; an `id` of the object is handed through. Prompts
    are judged as they come, and none is kept.
    """
    judge = classifier()
    tier_of = {category.name: category.tier for category in judge.categories}
    values = _task_values()
    for given in _prompts(jsonl=jsonl):
        sys.stdout.write(json.dumps(_answer(given, judge, tier_of, values), ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return ExitCode.DONE


def _prompts(*, jsonl: bool) -> Iterator[dict[str, Any]]:
    for number, raw in enumerate(sys.stdin.buffer, start=1):
        line = raw.decode(errors="replace").rstrip("\r\n")
        if not jsonl:
            yield {"prompt": line}
        elif line.strip():
            yield _object(line, number)


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"no JSON object: {error}", where=f"<stdin>:{number}") from None
    if not isinstance(given, dict) or not isinstance(given.get("prompt"), str):
        hint = 'write: {"prompt": "..."}'
        raise UsageError("no JSON object with a text `prompt`", where=f"<stdin>:{number}", hint=hint)
    return given


def _answer(
    given: dict[str, Any], judge: Classifier, tier_of: dict[str, str], values: dict[str, float]
) -> dict[str, Any]:
    found = classify(given["prompt"], judge)
    tier = UNSURE if found.abstained else choose_tier(found.probabilities, tier_of, values, UNSURE)
    answer = {
        "category": found.category,
        "probabilities": dict(found.probabilities),
        "tier": tier,
        "abstained": found.abstained,
        "because": list(found.because),
    }
    return {"id": given["id"], **answer} if "id" in given else answer


def _task_values() -> dict[str, float]:
    """Return what a solved task of each tier is worth by the policy, USD."""
    try:
        return {name: float(tier["task_value_usd"]) for name, tier in policy_document()["tiers"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UsageError("`tiers` of the policy is no table of tiers with `task_value_usd`") from None
