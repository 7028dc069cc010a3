"""Where money went that need not have gone there, and what to do about each.

A response is paid for five things: context that was sent before and came from the cache, context that was sent before
and was paid in full again, new input, reasoning, and output. These shares are exact. What could have been saved is
partly a guess, and says so; see docs/explanation/waste.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from codex_router.evidence.engine import told
from codex_router.evidence.store_tables import responses, tasks

if TYPE_CHECKING:
    from codex_router.evidence.store import Store
    from codex_router.evidence.usage import Spend

MUCH_TOOL_OUTPUT = 0.2
MUCH_REASONING = 0.4
"""From these shares of all money on, they are worth a word."""
SAVED_TOOL_OUTPUT = 0.5
"""A guess: half of what tools print is never needed."""
SAVED_REASONING = 0.3
"""A guess: what one step of effort less saves of the reasoning."""


class Share(NamedTuple):
    """What one kind of token cost."""

    name: str
    usd: float
    share: float
    """Of all money, 0 to 1."""


class Finding(NamedTuple):
    """One way in which money was lost."""

    name: str
    title: str
    usd: float
    """What it cost more than it had to."""
    times: int
    """How often."""
    unit: str
    """What is counted."""
    advice: str
    guess: bool
    """True when `usd` rests on an assumption."""


BROKEN = {
    "model": ("the model was changed in mid-session", "choose the model before the session: a new `exec` per task"),
    "effort": (
        "the effort was changed in mid-session",
        "keep one effort per session; start a fresh one for the harder part",
    ),
    "instructions": (
        "the instructions were changed in mid-session",
        "leave AGENTS.md and the developer instructions alone while a session runs",
    ),
    "idle": (
        "a pause of more than 5 minutes let the cache expire",
        "answer sooner, or start a fresh session with a short summary after a break",
    ),
    "unknown": (
        "the cache was lost for no visible reason",
        "check whether a proxy or a tool changes the beginning of the prompt",
    ),
}


def shares(spend: Spend) -> list[Share]:
    """Return what each kind of token cost; they add up to all of it. Tools' output is a part of the new input."""
    tools = min(spend.tool_output_usd, spend.new_input_usd)
    amounts = {
        "re-sent context, cached": spend.resent_cached_usd,
        "re-sent context, paid again": spend.resent_uncached_usd,
        "tool output": tools,
        "other new input": spend.new_input_usd - tools,
        "reasoning": spend.reasoning_usd,
        "final output": spend.output_usd,
    }
    whole = sum(amounts.values())
    return [Share(name, usd, usd / whole if whole else 0.0) for name, usd in amounts.items()]


def findings(
    store: Store,
    total: Spend,
    since: str | None = None,
    until: str | None = None,
    turns: sa.Select[tuple[str, str]] | None = None,
) -> list[Finding]:
    """Return what was lost, dearest first; what cost nothing is left out.

    Args:
        store: the ledger.
        total: the sums of the same days and turns.
        since: ISO date of the first day.
        until: ISO date of the last day.
        turns: only these, by thread and turn; None for all.
    """
    r, t = responses.c, tasks.c
    found = [
        *_broken_cache(store, [*_days(sa.func.substr(r.time, 1, 10), since, until), *_among(r, turns)]),
        *_of_totals(total),
        _without_result(store, [*_days(sa.func.substr(t.started, 1, 10), since, until), *_among(t, turns)]),
    ]
    return sorted((one for one in found if one.usd > 0 and one.times), key=lambda one: -one.usd)


def _among(columns: Any, turns: sa.Select[tuple[str, str]] | None) -> list[sa.ColumnElement[bool]]:
    return [] if turns is None else [sa.tuple_(columns.thread_id, columns.turn_id).in_(turns)]


def _broken_cache(store: Store, conditions: list[sa.ColumnElement[bool]]) -> list[Finding]:
    r = responses.c
    query = (
        sa.select(r.cache_break, sa.func.sum(r.lost_usd), sa.func.count())
        .where(r.cache_break.is_not(None), *conditions)
        .group_by(r.cache_break)
    )
    with told(store.engine.url), store.engine.connect() as connection:
        rows = connection.execute(query).all()
    return [
        Finding(f"cache-{cause}", BROKEN[cause][0], usd or 0.0, count, "responses", BROKEN[cause][1], guess=False)
        for cause, usd, count in rows
        if cause in BROKEN
    ]


def _of_totals(total: Spend) -> list[Finding]:
    found = [
        Finding(
            "after-change",
            "turns after the last useful change",
            total.after_change_usd,
            total.late_tasks,
            "tasks",
            "tell the agent to stop when the check passes, or give the tier a lower turn budget",
            guess=True,
        ),
        Finding(
            "compaction",
            "summaries of a full context",
            total.compaction_usd,
            total.compacted_tasks,
            "tasks",
            "split long tasks, or start a fresh session before the context is full",
            guess=False,
        ),
    ]
    title = "sessions that should have been fresh ones: another kind of task in a used session"
    advice = "start a new session for a new kind of task: the old context is paid for with every response"
    found.append(Finding("stale-session", title, total.stale_usd, total.stale_tasks, "tasks", advice, guess=True))
    if total.cost_usd and total.tool_output_usd > MUCH_TOOL_OUTPUT * total.cost_usd:
        advice = "set `tool_output_token_limit` in the profile, and let commands print less"
        usd = total.tool_output_usd * SAVED_TOOL_OUTPUT
        found.append(Finding("tool-output", "long tool output", usd, total.responses, "responses", advice, guess=True))
    if total.cost_usd and total.reasoning_usd > MUCH_REASONING * total.cost_usd:
        advice = "try one effort less where the check passes anyway: `codex-router diff --refit` shows for what"
        usd = total.reasoning_usd * SAVED_REASONING
        found.append(Finding("reasoning", "much reasoning", usd, total.responses, "responses", advice, guess=True))
    return found


def _without_result(store: Store, conditions: list[sa.ColumnElement[bool]]) -> Finding:
    t = tasks.c
    query = sa.select(sa.func.sum(t.cost_usd), sa.func.count()).where(
        t.ended.in_(["abort", "error", "budget"]),
        t.responses > 0,
        *conditions,
    )
    with told(store.engine.url), store.engine.connect() as connection:
        usd, count = connection.execute(query).one()
    return Finding(
        "no-result",
        "tasks that ended without a result (interrupted, failed, out of budget)",
        float(usd or 0.0),
        int(count or 0),
        "tasks",
        "give such tasks to a stronger tier at once, or say in the prompt when to give up",
        guess=True,
    )


def _days(column: sa.ColumnElement[str], since: str | None, until: str | None) -> list[sa.ColumnElement[bool]]:
    bounds = []
    if since:
        bounds.append(column >= since)
    if until:
        bounds.append(column <= until)
    return bounds
