"""``codex-router init``: from evidence to proven Codex profiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codex_router.codex.agents_md import agents_change
from codex_router.codex.changes import ChangeSet, FileChange
from codex_router.codex.install import article_change, codex_changes, router_change
from codex_router.codex.journal import Journal
from codex_router.codex.locate import Codex, find_codex
from codex_router.codex.prove import starts
from codex_router.codex.versions import NEWEST_KNOWN, reads, version_text
from codex_router.commands.home_option import home_option
from codex_router.commands.prices import prices_of
from codex_router.commands.recommend import Recommendation, recommend
from codex_router.commands.write import report_written, settled, show_changes, write_and_prove
from codex_router.errors import ExitCode, LaunchError, RouterError, UsageError
from codex_router.show.console import err, out, print_json, show
from codex_router.show.plan import plan_json, plan_table, rests_on_line, routes_line

if TYPE_CHECKING:
    from codex_router.codex.prove import Proof


@click.command(short_help="choose tiers from the evidence and write them as Codex profiles")
@home_option
@click.option("--models", metavar="M[:EFFORT],...", help="choose only among these")
@click.option(
    "--prefix", default="", metavar="TEXT", help="put before the tiers' names, when you have profiles so named"
)
@click.option(
    "--agents-md/--no-agents-md", default=None, help="put the conciseness snippet into AGENTS.md, or take it out"
)
@click.option(
    "--layout", type=click.Choice(["article"]), help="write [profile.*] tables as articles print them, to --output"
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="the file for --layout article")
@click.option("--dry-run", is_flag=True, help="show what would be written, write nothing")
@click.option("--yes", is_flag=True, help="write without asking")
@click.option("--force", is_flag=True, help="replace edits made to files that codex-router wrote")
@click.option("--json", "as_json", is_flag=True, help="print one JSON document; with --yes also write")
def command(
    *,
    home: Path,
    models: str | None,
    prefix: str,
    agents_md: bool | None,
    layout: str | None,
    output: Path | None,
    dry_run: bool,
    yes: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Find Codex, choose an arm per tier, show the change, write it, and let Codex prove it."""
    if (layout is None) != (output is None):
        raise UsageError("--layout article and --output FILE go together")
    codex, journal = installed(), Journal()
    found = recommend(codex, home, [word.strip() for word in models.split(",")] if models else (), prefix)
    if output is not None:
        changes = ChangeSet("init", (article_change(found.plan, output, home),))
        codex = None  # it does not read that file, so it has nothing to prove
    else:
        changes = planned(found, codex, home, journal, agents_md=agents_md, force=force)
    if as_json:
        proofs = write_and_prove(changes, journal, codex, found.plan, home) if yes and not dry_run else []
        print_json(_document(found, codex, changes, proofs))
        return ExitCode.DONE
    _show(found, codex, changes)
    status = settled(changes, journal, dry_run=dry_run, yes=yes, nothing="everything is as it should be")
    if status is None:
        report_written(changes, write_and_prove(changes, journal, codex, found.plan, home))
        err().print('next: `codex-router exec "..."`, or `codex-router undo` to take it back', style="hint")
    return ExitCode.DONE if status is None else status


def installed() -> Codex | None:
    """Return the installed Codex; None, with a notice, when there is none.

    Raises:
        LaunchError: the one that CODEX_ROUTER_CODEX names is not there, or what was found cannot be run.
    """
    try:
        return find_codex()
    except LaunchError as error:
        if error.exit_code != ExitCode.NOT_FOUND or error.where:
            raise
        notice = f"no Codex found: writing for {version_text(NEWEST_KNOWN)}, the newest known version; not proven"
        err().print(notice, style="warn")
        return None


def planned(
    found: Recommendation,
    codex: Codex | None,
    home: Path,
    journal: Journal,
    *,
    agents_md: bool | None = None,
    force: bool = False,
) -> ChangeSet:
    """Return the files that would change; ``AGENTS.md`` is among them when `agents_md` is not None.

    Raises:
        RouterError: Codex does not start as things are, or a file or name is not ours to change.
    """
    if codex is not None:
        said = starts(codex, home)
        if said is not None:
            raise RouterError(
                f"Codex does not start with its configuration as it is:\n{said}",
                where=home / "config.toml",
                hint="run `codex-router doctor`, which says what to do",
            )
    layout = codex.reads if codex else reads(NEWEST_KNOWN)
    files: tuple[FileChange, ...] = (
        router_change(found.plan, home, journal, force=force),
        *codex_changes(found.plan, layout, home, journal, prices_of(found.plan), force=force),
    )
    if agents_md is not None:
        files = (*files, agents_change(home, wanted=agents_md))
    return ChangeSet("init", files)


def _show(found: Recommendation, codex: Codex | None, changes: ChangeSet) -> None:
    err().print(f"{f'{codex}; ' if codex else ''}models from {found.catalogue.source}", style="dim")
    show(out(), plan_table(found.plan, out().width))
    out().print(f"rest on: {rests_on_line(found.plan)}")
    out().print(f"routes: {routes_line(found.plan)}")
    for note in found.plan.notes:
        out().print(f"note: {note}")
    out().print()
    show_changes(changes)


def _document(found: Recommendation, codex: Codex | None, changes: ChangeSet, proofs: list[Proof]) -> dict[str, Any]:
    return {
        "codex": {"path": codex.path, "version": version_text(codex.version), "layout": codex.reads.layout}
        if codex
        else None,
        "catalogue": found.catalogue.source,
        **plan_json(found.plan),
        "changes": [{"path": str(change.path), "diff": "\n".join(change.diff())} for change in changes.needed],
        "proofs": [{"tier": proof.tier, "accepted": proof.accepted, "said": proof.said} for proof in proofs],
    }
