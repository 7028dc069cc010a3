"""`codex-router ingest`: read cost-per-task tables and other tools' results into the ledger, or list what is there.

What reads tables, and what draws, is imported where it is used: with nothing new in the sessions neither is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codex_router.errors import ExitCode, UsageError
from codex_router.evidence.stamps import unchanged_files
from codex_router.home import codex_home
from codex_router.show.notice import printable
from codex_router.show.sessions import Account, account_json, account_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from codex_router.evidence.intake import Taken
    from codex_router.evidence.reading import Found

MANY = 20
"""From so many files on, a terminal gets a progress bar."""


@click.command(name="ingest", epilog="The formats are described in docs/reference/evidence-tables.md.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--list", "list_", is_flag=True, help="Show the shipped and the ingested tables; read nothing.")
@click.option("--category", metavar="NAME", help="Kind of task of the trials in a Harbor job folder.")
@click.option("--sessions", is_flag=True, help="Read Codex's session files; with PATH, of that Codex home.")
@click.option("--reprice", is_flag=True, help="Price what is stored of sessions anew; read nothing.")
@click.option("--dry-run", is_flag=True, help="Read and report; store nothing.")
@click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")
def command(
    *,
    paths: tuple[Path, ...],
    list_: bool,
    category: str | None,
    sessions: bool,
    reprice: bool,
    dry_run: bool,
    json_: bool,
) -> int:
    """Read published cost-per-task tables and other tools' results, or Codex's own sessions.

    PATH is a table (CSV, JSON, JSONL, TOML), Aider's leaderboard (YAML), the SWE-bench leaderboard (JSON), a Harbor
    job folder, or a folder of these. A file is taken whole or refused whole; the same file twice changes nothing.
    """
    if reprice:
        if paths or list_ or category or sessions or dry_run:
            raise UsageError("`--reprice` goes with no other option but `--json`")
        return price_anew(json_=json_)
    if sessions:
        if list_ or dry_run or category:
            raise UsageError("`--sessions` goes with no other option but `--json`")
        return take_sessions(paths or (codex_home(),), json_=json_)
    if list_ == bool(paths):
        raise UsageError("name tables to read, or use `--list`", hint="codex-router ingest --list")
    from codex_router.evidence.intake import take_in
    from codex_router.evidence.ledger import Ledger
    from codex_router.evidence.reading import find
    from codex_router.evidence.tables import CATEGORY

    if category is not None and not re.fullmatch(CATEGORY, category):
        raise UsageError(f"{category!a} is no category", hint="a word in small letters, such as `bugfix`")
    if list_:
        return show_list(json_=json_)
    found = [find(path) for path in paths]
    with Ledger.open(create=not dry_run) as ledger:
        sources = [source for one in found for source in one.sources]
        taken = [take_in(path, ledger, category=category, store=not dry_run) for path in progress(sources)]
    show_taken(taken, found, json_=json_)
    return ExitCode.FAILED if any(one.error for one in taken) or not taken else ExitCode.DONE


def progress(sources: Sequence[Path]) -> Iterable[Path]:
    """Return the sources behind a progress bar on stderr that is gone when done."""
    from rich.progress import track

    from codex_router.show.console import err

    hidden = len(sources) < MANY or not err().is_terminal
    return track(sources, "reading", console=err(), transient=True, disable=hidden)


def take_sessions(homes: Sequence[Path], *, json_: bool) -> int:
    """Read what is new in the session files of some Codex homes."""
    for home in homes:
        if not home.is_dir():
            raise UsageError("no such folder", where=home, hint="name a Codex home: the folder that holds `sessions`")
    counts = [unchanged_files(home) for home in homes]
    if None in counts:
        from codex_router.commands.sessions import refresh
        from codex_router.evidence.store import Store

        with Store.open() as store:
            accounts = [refresh(home, store) for home in homes]
    else:
        accounts = [Account(files=count or 0) for count in counts]
    if json_:
        from codex_router.show.console import print_json

        rows = [{"codex_home": str(home), **account_json(one)} for home, one in zip(homes, accounts, strict=True)]
        print_json({"sessions": rows})
    else:
        for account in accounts:
            for line in account_lines(account):
                click.echo(printable(line))
    return ExitCode.FAILED if any(account.unreadable for account in accounts) else ExitCode.DONE


def price_anew(*, json_: bool) -> int:
    """Price the stored responses at the prices that are known now."""
    from codex_router.evidence.pricing import read_pricing
    from codex_router.evidence.repricing import reprice
    from codex_router.evidence.store import Store
    from codex_router.show.sessions import repriced_lines

    pricing = read_pricing()
    with Store.open() as store:
        done = reprice(store, pricing)
    if json_:
        from codex_router.show.console import print_json

        print_json({"repriced": done._asdict()})
    else:
        for line in repriced_lines(done):
            click.echo(line)
    return ExitCode.DONE


def show_list(*, json_: bool) -> int:
    """Print the shipped and the ingested tables."""
    from codex_router.evidence import bundled
    from codex_router.evidence.ledger import Ledger
    from codex_router.show import evidence as show
    from codex_router.show.console import out, print_json
    from codex_router.show.console import show as show_table

    shipped = bundled.tables()
    with Ledger.open(create=False) as ledger:
        holdings = ledger.holdings()
        if json_:
            ingested = [
                {
                    **show.said_json(one),
                    "path": str(one.path),
                    "ingested": one.created,
                    "rows_taken": one.rows,
                    "rows": [show.aggregate_json(row) for row in ledger.aggregates(one.sha256)],
                }
                for one in holdings
            ]
            print_json({"shipped": [show.table_json(one) for one in shipped], "ingested": ingested})
            return ExitCode.DONE
    console = out()
    show_table(console, show.listing(shipped, holdings))
    for line in show.remarks([*shipped, *holdings]):
        console.print(line, soft_wrap=not console.is_terminal)
    return ExitCode.DONE


def show_taken(taken: Sequence[Taken], found: Sequence[Found], *, json_: bool) -> None:
    """Print what became of each file; errors of refused ones go to stderr."""
    from codex_router.show import evidence as show
    from codex_router.show.console import err, out, print_json

    passed_over = [row for one in found for row in one.passed_over]
    if json_:
        files = [show.taken_json(one) for one in taken]
        print_json({"files": files, "passed_over": show.skipped_json(passed_over)})
        return
    console = out()
    for one in taken:
        for line in show.account(one):
            console.print(line, soft_wrap=True)
        if one.error:
            err().print(show.error_line(one.error), soft_wrap=True)
    for row in passed_over:
        console.print(f"passed over {row.where}: {row.reason}", style="dim", soft_wrap=True)
    if not taken:
        err().print("nothing to read there")
