"""``codex-router route``: which profile a prompt would get, and why; runs nothing."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from codex_router.commands.exec_words import limit_words
from codex_router.commands.explaining import explained, explanation
from codex_router.commands.home_option import home_option
from codex_router.commands.routing import Route, choice, route
from codex_router.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path


@click.command(short_help="say which profile a prompt gets, and why; runs nothing")
@home_option
@click.argument("prompt", required=False)
@click.option("--tier", help="use this tier")
@click.option("--category", help="take the prompt for this kind of task")
@click.option("--explain", is_flag=True, help="say what decided, and the exact command")
@click.option("--json", "as_json", is_flag=True, help="print one JSON document, with all that --explain says")
def command(
    *, home: Path, prompt: str | None, tier: str | None, category: str | None, explain: bool, as_json: bool
) -> int:
    """Say in one line which profile PROMPT (or standard input) gets, why, and its budget.

    With --explain also which words, patterns and corrections of yours decided, what each tier stands to lose, and the
    exact command.
    """
    text = sys.stdin.buffer.read().decode(errors="replace") if prompt in {None, "-"} else prompt
    found = route(text, home, tier, category)
    if as_json:
        document = {"schema": 1, **_document(found), "explanation": explanation(found, text or "")}
        json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        command_line = f"command: {shlex.join(['codex', 'exec', *choice(found.tier), '...'])}"
        more = [*explained(found, text or ""), command_line] if explain else []
        sys.stdout.writelines(f"{line}\n" for line in (_words(found), *more))
    return ExitCode.DONE


def _words(found: Route) -> str:
    tier = found.tier
    return f"{found.why} -> {tier.name}: {tier.arm} · {limit_words(tier.budget) or 'no limit'}"


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
