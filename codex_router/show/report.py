"""The report page: one file, nothing fetched, every text of the user's escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codex_router.show.charts import Bar, Point, Stack, bars, cost_and_pass, legend, patterns, stacked_bars
from codex_router.show.report_tables import as_table, nothing, table
from codex_router.show.table import counted, money
from codex_router.show.usage import (
    cost_words,
    named,
    per_task_words,
    percent_words,
    plan_words,
    unpriced_words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_router.evidence.usage import Spend
    from codex_router.evidence.waste import Finding, Share
    from codex_router.records import Interval
    from codex_router.show.report_tables import Cell


PAGE = Path(__file__).parent / "page"
CODE, AS_CODE = re.compile("`([^`]*)`"), r"<code>\1</code>"


class TaskRow(NamedTuple):
    """One row of the table of tasks."""

    day: str
    project: str
    branch: str
    category: str
    model: str
    effort: str
    tier: str
    turns: int
    tokens: int
    cost_usd: float | None
    ended: str
    outcome: str


class Saved(NamedTuple):
    """What routing saved, by one way of counting."""

    against: str
    usd: Interval
    """With its 90 % interval."""
    tasks: int
    method: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the page shows."""

    title: str
    since: str | None
    made: str
    total: Spend
    by_category: Stack
    by_model: Stack
    shares: Sequence[Share]
    findings: Sequence[Finding]
    points: Sequence[Point]
    solved: Sequence[Bar]
    budget_hits: Sequence[tuple[str, int, int]]
    """Tier, tasks stopped at a budget, all tasks."""
    saved: Sequence[Saved]
    tasks: Sequence[TaskRow]
    tasks_in_all: int
    advice: Sequence[str]


def page(report: Report) -> str:
    """Return the page as HTML."""
    style = (PAGE / "report.css").read_text(encoding="utf-8")
    script = (PAGE / "report.js").read_text(encoding="utf-8")
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_digest(script)}'; img-src data:"
    sections = (
        _head(report),
        _spending(report),
        _waste(report),
        _choice(report),
        _solved(report),
        _saving(report),
        _budgets(report),
        _tasks(report),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(report.title)}</title><style>{style}</style></head><body>'
        f"{patterns()}<main>{''.join(sections)}</main><script>{script}</script></body></html>\n"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _head(report: Report) -> str:
    total = report.total
    since = f"since {report.since}" if report.since else "of all time"
    figures = [
        (cost_words(total), "at list prices" if total.plan_usd else "spent"),
        (f"{total.tasks:,}", f"tasks, {total.responses:,} model responses"),
        (per_task_words(total), "per task"),
        (percent_words(total.cache_hit_rate), "of re-sent context came from the cache"),
        (money(total.lost_usd), "paid because the cache was lost"),
    ]
    cards = "".join(f'<div class="figure"><b>{escape(value)}</b>{escape(what)}</div>' for value, what in figures)
    notes = "".join(f"<p>{escape(words)}</p>" for words in (plan_words(total), unpriced_words(total)) if words)
    advice = "".join(f"<p>{CODE.sub(AS_CODE, escape(line))}</p>" for line in report.advice)
    return (
        f'<h1>{escape(report.title)}</h1><p class="soft">Codex sessions {escape(since)}; made {escape(report.made)} '
        f'by codex-router</p><div class="figures">{cards}</div>{notes}{advice}'
    )


def _spending(report: Report) -> str:
    charts = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{legend([name for name, _ in stack.series])}"
        f"{stacked_bars(stack, title)}{_stack_table(stack, title)}</figure>"
        for title, stack in (("By category", report.by_category), ("By model", report.by_model))
        if stack.series
    )
    words = "No amount is known." if report.total.responses else "Nothing was spent in this time."
    return f'<h2>Spending over time</h2><div class="pair">{charts or nothing(words)}</div>'


def _stack_table(stack: Stack, title: str) -> str:
    names = [name for name, _ in stack.series]
    rows = [
        [(bucket, None), *((money(values[index]), values[index]) for _, values in stack.series)]
        for index, bucket in enumerate(stack.buckets)
    ]
    return as_table(title, ["", *names], rows)


def _waste(report: Report) -> str:
    parts = [
        Bar(one.name, one.share, None, None, f"· {money(one.usd)}", index) for index, one in enumerate(report.shares)
    ]
    drawn = bars(parts, "What was paid for", "share")
    figures = [[(one.name, None), (money(one.usd), one.usd), (f"{one.share:.1%}", one.share)] for one in report.shares]
    beside = as_table("What was paid for", ["", "cost", "share"], figures)
    chart = f'<figure class="lone"><figcaption>What was paid for</figcaption>{drawn}{beside}</figure>'
    if not any(one.usd for one in report.shares):
        chart = ""
    rows = [
        [
            (("about " if one.guess else "") + money(one.usd), one.usd),
            (f"{one.title} ({counted(one.times, one.unit)})", None),
            (one.advice, None),
        ]
        for one in report.findings
    ]
    lost = table("What was lost", ["lost", "how", "what to do"], rows) if rows else nothing("No waste was found.")
    return (
        f"<h2>Where it went, and what was lost</h2>{chart}{lost}"
        '<p class="soft">Amounts with "about" rest on an assumption; one response may stand in two rows.</p>'
    )


def _choice(report: Report) -> str:
    chart = cost_and_pass(report.points, "Cost and pass rate of each arm")
    rows: list[list[Cell]] = [
        [
            (one.label, None),
            (one.chosen, None),
            (money(one.cost_usd), one.cost_usd),
            (f"{one.p_pass:.0%}", one.p_pass),
            (f"{one.p_low:.0%} to {one.p_high:.0%}", one.p_low),
            ("yes" if one.on_hull else "no", None),
        ]
        for one in sorted(report.points, key=lambda one: one.cost_usd)
    ]
    heads = ["arm", "tier", "mean cost", "pass rate", "90 % interval", "on the line"]
    body = chart + as_table("Cost and pass rate", heads, rows) if chart else nothing("There is no estimate of any arm.")
    return (
        "<h2>Cost and pass rate of what can be chosen</h2>"
        "<p>Diamonds are the tiers in force; the dashed line joins the arms that are best at some value of a solved "
        f'task; bars are 90 % intervals.</p><figure class="lone">{body}</figure>'
    )


def _solved(report: Report) -> str:
    rows: list[list[Cell]] = [
        [
            (one.label, None),
            (money(one.value), one.value),
            ("no bound" if one.low is None or one.high is None else f"{money(one.low)} to {money(one.high)}", None),
            (one.note, None),
        ]
        for one in report.solved
    ]
    beside = as_table("Cost per solved task", ["", "per solved task", "90 % interval", "rests on"], rows)
    body = bars(report.solved, "Cost per solved task") + beside if report.solved else ""
    words = "No task of yours has a known outcome yet: `codex-router outcome last yes` says one."
    return (
        "<h2>Cost per solved task</h2><p>Your own tasks (of all time), and below them the published figures of "
        "the same model; mean cost of an attempt divided "
        "by the pass rate, with the 90 % interval of the pass rate (Wilson). Published tasks are other people's: "
        f'compare arms, not amounts.</p><figure class="lone">{body or nothing(words)}</figure>'
    )


def _saving(report: Report) -> str:
    if not report.saved:
        return f"<h2>What routing saved</h2>{nothing('No routed task with a known cost yet.')}"
    rows = [
        [
            (one.against, None),
            (_signed_interval(one.usd), one.usd.mean),
            (f"{one.tasks:,}", one.tasks),
            (one.method, None),
        ]
        for one in report.saved
    ]
    heads = ["against", "saved (90 % interval)", "tasks", "how it is counted"]
    return f"<h2>What routing saved</h2>{table('What routing saved', heads, rows)}"


def _signed_interval(usd: Interval) -> str:
    return f"{_signed(usd.mean)} ({_signed(usd.low)} to {_signed(usd.high)})"


def _signed(usd: float) -> str:
    return money(usd) if usd >= 0 else f"-{money(-usd)}"


def _budgets(report: Report) -> str:
    rows = [
        [(named("tier", tier), None), (f"{hits:,}", hits), (f"{tasks:,}", tasks), (f"{hits / tasks:.1%}", hits / tasks)]
        for tier, hits, tasks in report.budget_hits
        if tasks
    ]
    body = (
        table("Budgets", ["tier", "stopped at a budget", "tasks", "share"], rows) if rows else nothing("No task yet.")
    )
    return f"<h2>Budgets</h2>{body}"


HEADS = ("day", "project", "branch", "category", "model", "effort", "tier", "turns", "tokens", "cost", "end", "solved")


def _tasks(report: Report) -> str:
    rows = [
        [
            (row.day, None),
            (named("project", row.project), None),
            (named("branch", row.branch), None),
            (named("category", row.category), None),
            (named("model", row.model), None),
            (named("effort", row.effort), None),
            (named("tier", row.tier), None),
            (f"{row.turns:,}", row.turns),
            (f"{row.tokens:,}", row.tokens),
            (
                "unknown" if row.cost_usd is None else money(row.cost_usd),
                -1.0 if row.cost_usd is None else row.cost_usd,
            ),
            (row.ended, None),
            (row.outcome, None),
        ]
        for row in sorted(report.tasks, key=lambda row: (row.cost_usd is None, -(row.cost_usd or 0.0)))
    ]
    if not rows:
        return f"<h2>Dearest tasks</h2>{nothing('No task yet.')}"
    left = report.tasks_in_all - len(rows)
    more = f" The {left:,} cheaper ones are in the sums above only." if left > 0 else ""
    return (
        f"<h2>Dearest tasks</h2><p>{len(rows):,} of {report.tasks_in_all:,} tasks.{more}</p>"
        '<p id="search" hidden><label>Filter: '
        '<input id="filter" type="search" placeholder="words that a row must hold"></label> '
        '<span id="count" class="soft" aria-live="polite"></span> Click a heading to sort.</p>'
        f"{table('Dearest tasks', HEADS, rows, sorted_by='cost')}"
    )
