"""``codex-router route``: which profile a prompt would get, and why; runs nothing."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from codex_router.commands.home_option import home_option
from codex_router.commands.routing import Route, choice, route
from codex_router.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.records import Budget


@click.command(short_help="say which profile a prompt gets, and why; runs nothing")
@home_option
@click.argument("prompt", required=False)
@click.option("--tier", help="use this tier")
@click.option("--category", help="take the prompt for this kind of task")
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def command(*, home: Path, prompt: str | None, tier: str | None, category: str | None, as_json: bool) -> int:
    """Say which profile PROMPT (or standard input) gets, why, its budget, and the exact command."""
    text = sys.stdin.buffer.read().decode(errors="replace") if prompt in {None, "-"} else prompt
    found = route(text, home, tier, category)
    if as_json:
        json.dump({"schema": 1, **_document(found)}, sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(_words(found))
    return ExitCode.DONE


def _words(found: Route) -> str:
    tier = found.tier
    lines = [f"{found.why} -> {tier.name}: {tier.arm}", f"budget: {_budget_words(tier.budget)}"]
    if found.classification is not None:
        ranked = ", ".join(f"{name} {probability:.2f}" for name, probability in found.classification.probabilities[:4])
        lines.append(f"because of: {', '.join(found.classification.because)}")
        lines.append(f"probabilities: {ranked}")
    lines.append(f"command: {shlex.join(['codex', 'exec', *choice(tier), '...'])}")
    return "".join(f"{line}\n" for line in lines)


def _budget_words(budget: Budget) -> str:
    turns = f"{budget.max_turns} turns" if budget.max_turns else ""
    cost = f"${budget.max_cost_usd:,.2f}" if budget.max_cost_usd else ""
    return " and ".join(word for word in (turns, cost) if word) or "no limit"


def _document(found: Route) -> dict[str, Any]:
    tier, classification = found.tier, found.classification
    return {
        "category": found.category,
        "probabilities": dict(classification.probabilities) if classification else None,
        "because": list(classification.because) if classification else None,
        "abstained": classification.abstained if classification else False,
        "tier": tier.name,
        "model": tier.arm.model,
        "effort": tier.arm.effort,
        "model_provider": tier.model_provider,
        "max_turns": tier.budget.max_turns,
        "max_cost_usd": tier.budget.max_cost_usd,
        "command": ["codex", "exec", *choice(tier)],
    }
