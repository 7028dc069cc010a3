"""``codex-router report --html FILE``: the page for a person or a team."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codex_router.commands.home_option import home_option
from codex_router.commands.usage import day
from codex_router.errors import ExitCode, RouterError
from codex_router.evidence.store import Store
from codex_router.evidence.usage import Line, spent, total_of
from codex_router.evidence.waste import findings, shares
from codex_router.show.charts import SERIES, Stack
from codex_router.show.console import err, print_json
from codex_router.show.report import Report, page
from codex_router.show.usage import named

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = 500
"""Tasks in the table: more would make the page slow, and nobody reads them."""
DAYS_AS_DAYS = 45
"""From so many days on, bars are weeks; from `DAYS_AS_WEEKS` on, months."""
DAYS_AS_WEEKS = 400
MOST_BUCKETS = 240
"""More bars than these cannot be told apart; then only those with an amount are drawn."""


@click.command(short_help="spending, waste and savings as one HTML page")
@home_option
@click.option(
    "--html", "path", required=True, type=click.Path(dir_okay=False, path_type=Path), help="the file to write"
)
@click.option("--since", metavar="DAY", default="90d", show_default=True, help="2026-11-01, or 7d, 4w, or all")
@click.option("--title", default="What Codex cost", show_default=True, help="the heading of the page")
@click.option("--no-read", is_flag=True, help="answer from the ledger alone; read no session file")
@click.option("--json", "as_json", is_flag=True, help="say as JSON what was written")
def command(*, home: Path, path: Path, since: str, title: str, no_read: bool, as_json: bool) -> int:
    """Write one self-contained page: it needs no network, and prints."""
    from codex_router.commands.sessions import refresh

    with Store.open() as store:
        if not no_read and home.is_dir():
            refresh(home, store)
        text = page(report_of(store, home, day(since), title))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RouterError(f"cannot be written: {error.strerror}", where=path) from error
    if as_json:
        print_json({"path": str(path), "bytes": len(text.encode())})
    else:
        err().print(f"wrote `{path}` ({len(text) // 1000} kB)", style="ok", soft_wrap=True)
    return ExitCode.DONE


def report_of(store: Store, home: Path, since: str | None, title: str) -> Report:
    """Gather what the page shows."""
    from codex_router.commands.advice import advice, advice_lines
    from codex_router.commands.report_figures import budget_hits, picture, solved, task_rows
    from codex_router.commands.report_savings import saved

    total = total_of(spent(store, (), since))
    bucket = _bucket(spent(store, ["day"], since))
    points, estimates = picture(home)
    rows, in_all = task_rows(store, since, ROWS)
    found = advice(home, since)
    return Report(
        title=title,
        since=since,
        made=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        total=total,
        by_category=stack(spent(store, [bucket, "category"], since)),
        by_model=stack(spent(store, [bucket, "model"], since)),
        shares=shares(total),
        findings=findings(store, total, since),
        points=points,
        solved=solved(store),
        budget_hits=budget_hits(store, since),
        saved=saved(store, home, estimates, since),
        tasks=rows,
        tasks_in_all=in_all,
        advice=advice_lines(found, since) if found else (),
    )


def _bucket(days: Sequence[Line]) -> str:
    known = [line.key[0] for line in days if len(line.key[0]) == 10]
    try:
        span = (dt.date.fromisoformat(known[-1]) - dt.date.fromisoformat(known[0])).days if known else 0
    except ValueError:
        return "month"
    return "day" if span <= DAYS_AS_DAYS else "week" if span <= DAYS_AS_WEEKS else "month"


def stack(lines: Sequence[Line]) -> Stack:
    """Return (time, name) sums as series, dearest first; those that have no colour left are one."""
    sums: dict[str, float] = {}
    for line in lines:
        sums[line.key[1]] = sums.get(line.key[1], 0.0) + line.spend.cost_usd
    ranked = sorted((name for name in sums if sums[name]), key=lambda name: (-sums[name], name))
    names = ranked if len(ranked) <= SERIES else [*ranked[: SERIES - 1], "other"]
    buckets = _without_gaps(sorted({line.key[0] for line in lines}))
    values: dict[str, list[float]] = {name: [0.0] * len(buckets) for name in names}
    for line in (one for one in lines if sums[one.key[1]]):
        name = line.key[1] if line.key[1] in values else "other"
        values[name][buckets.index(line.key[0])] += line.spend.cost_usd
    return Stack(buckets, [(named("", name), values[name]) for name in names])


def _without_gaps(buckets: list[str]) -> list[str]:
    """Return the days, weeks or months from the first to the last: what cost nothing takes its place, too."""
    try:
        first, last = (_day_of(bucket) for bucket in (buckets[0], buckets[-1]))
    except (IndexError, ValueError):
        return buckets
    names = {7: "%Y-%m", 8: "%G-W%V"}.get(len(buckets[0]), "%Y-%m-%d")
    days = (first + dt.timedelta(days=number) for number in range((last - first).days + 1))
    every = list(dict.fromkeys(f"{day:{names}}" for day in days))
    return every if len(every) <= MOST_BUCKETS and set(buckets) <= set(every) else buckets


def _day_of(bucket: str) -> dt.date:
    """Return the first day of a day, week or month.

    Raises:
        ValueError: it is none of these; a session told no time.
    """
    return dt.date.fromisoformat({7: f"{bucket}-01", 8: f"{bucket}-1"}.get(len(bucket), bucket))
