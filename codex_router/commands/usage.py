"""``codex-router usage``: what was spent on what, what of it was wasted, and what to change."""

from __future__ import annotations

import datetime as dt
import re
import sys
from typing import TYPE_CHECKING

import click

from codex_router.codex.shipped_models import default_efforts
from codex_router.commands.home_option import home_option
from codex_router.errors import ExitCode, UsageError
from codex_router.evidence.store import Store
from codex_router.evidence.usage import BY, Line, Spend, chosen, judged, spent, total_of
from codex_router.evidence.waste import findings, shares
from codex_router.show import usage as show
from codex_router.show.console import err, out, print_json

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_DAYS = 30
SPAN = re.compile(r"(\d{1,5})([dw])")


@click.command(short_help="what was spent on what, what was wasted, what to change")
@home_option
@click.option("--by", metavar="WHAT[,WHAT]", default="day", show_default=True, help=f"one of: {', '.join(BY)}")
@click.option("--since", metavar="DAY", help="from this day on: 2026-11-01, or 7d, 4w; `all` [default: 30d]")
@click.option("--until", metavar="DAY", help="up to this day")
@click.option("--only", metavar="WHAT=VALUE", multiple=True, help="count only these, as --only category=bugfix")
@click.option("--no-read", is_flag=True, help="answer from the ledger alone; read no session file")
@click.option("--no-advice", is_flag=True, help="do not ask what the evidence would change")
@click.option("--watch", is_flag=True, help="follow the run in progress until Ctrl-C")
@click.option("--csv", "as_csv", is_flag=True, help="the rows as CSV")
@click.option("--json", "as_json", is_flag=True, help="one JSON document")
def command(
    *,
    home: Path,
    by: str,
    since: str | None,
    until: str | None,
    only: tuple[str, ...],
    no_read: bool,
    no_advice: bool,
    watch: bool,
    as_csv: bool,
    as_json: bool,
) -> int:
    """Show what Codex spent, by day, project, branch, category, model, effort, tier, person or session."""
    if (as_csv and as_json) or (watch and (as_csv or as_json or only or until or since)):
        hint = "`--watch` alone follows the newest session; `--csv` and `--json` answer a question about the past"
        raise UsageError("these options cannot be used together", hint=hint)
    if watch:
        from codex_router.commands.watch import watch_home

        watch_home(home)
    groups = [_column(name.strip()) for name in by.split(",")]
    first, last = day(since or f"{DEFAULT_DAYS}d"), day(until) if until else None
    conditions = dict(_condition(text) for text in only)
    with Store.open() as store:
        if not no_read and home.is_dir():
            _refresh(home, store)
        lines = spent(store, groups, first, last, conditions, default_efforts())
        if as_csv:
            show.write_csv(sys.stdout, groups, lines)
            return ExitCode.DONE
        total = total_of(lines)
        lost = findings(store, total, first, last, chosen(conditions, default_efforts()))
        solved, failed = judged(store, first, last) if not conditions else (0, 0)
    if as_json:
        print_json(
            {
                "since": first,
                "until": last,
                "by": groups,
                "rows": show.lines_json(groups, lines),
                "total": show.spend_json(total),
                "outcomes": None if conditions else {"solved": solved, "not_solved": failed},
                "shares": [{"name": one.name, "cost_usd": one.usd, "share": one.share} for one in shares(total)],
                "waste": show.findings_json(lost),
                "advice": None if no_advice else _advice_json(home, first, last),
            }
        )
        return ExitCode.DONE
    _print(groups, lines, total, first, only)
    if solved or failed:
        out().print(_outcomes(solved, failed))
    if lost:
        out().print()
        out().print(show.findings_table(lost, total))
    if not no_advice and total.responses:
        _print_advice(home, first, last)
    return ExitCode.DONE


def _print(groups: list[str], lines: list[Line], total: Spend, first: str | None, only: tuple[str, ...]) -> None:
    if not total.responses and only:
        err().print(f"nothing{f' since {first}' if first else ''} with {' and '.join(only)}")
        names = ",".join(text.partition("=")[0] for text in only)
        err().print(f"`codex-router usage --by {names}` says what there is; `--since all` shows all", style="hint")
        return
    if not total.responses:
        err().print(f"no session since {first}" if first else "no session was read yet")
        err().print("`codex-router ingest --sessions` reads them; `--since all` shows all", style="hint")
        return
    out().print(show.spend_table(groups, lines, total, out().width))
    for words in (show.plan_words(total), show.unpriced_words(total)):
        if words:
            out().print(words, soft_wrap=True)
    if total.cost_usd:
        out().print()
        out().print(show.shares_table(shares(total)))
        out().print(f"cache hit rate of re-sent context: {show.percent_words(total.cache_hit_rate)}")


def _outcomes(solved: int, failed: int) -> str:
    if solved + failed == 1:
        return f"of 1 run with a known outcome, {solved} solved its task"
    return f"of {solved + failed} runs with a known outcome, {solved} solved their task"


def _refresh(home: Path, store: Store) -> None:
    from codex_router.commands.sessions import refresh
    from codex_router.show.sessions import account_lines

    account = refresh(home, store)
    if account.read and (account.skipped or account.unreadable):
        for line in account_lines(account):
            err().print(line, style="dim", soft_wrap=True)


def _advice_json(home: Path, since: str | None, until: str | None) -> dict[str, object] | None:
    from codex_router.commands.advice import advice, advice_json

    found = advice(home, since, until)
    return advice_json(found) if found else None


def _print_advice(home: Path, since: str | None, until: str | None) -> None:
    from codex_router.commands.advice import advice, advice_lines

    found = advice(home, since, until)
    if found:
        out().print()
        for line in advice_lines(found, since):
            out().print(line, soft_wrap=True)


def day(text: str) -> str | None:
    """Return the ISO date that a text means, None for ``all``.

    Raises:
        UsageError: it means none.
    """
    if text == "all":
        return None
    span = SPAN.fullmatch(text)
    if span:
        days = int(span[1]) * (7 if span[2] == "w" else 1)
        return (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=days)).isoformat()
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageError(f"{text!a} is no day", hint="2026-11-01, or 7d, 4w, or all") from None


def _column(name: str) -> str:
    if name not in BY:
        raise UsageError(f"spending cannot be grouped by {name!a}", hint=f"one of: {', '.join(BY)}")
    return name


def _condition(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!a} is no WHAT=VALUE", hint="as --only category=bugfix")
    return _column(name), value
