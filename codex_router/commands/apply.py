"""``codex-router apply``: render codex-router.toml for the installed Codex."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from codex_router.codex.catalogue import check_arm, on_offer
from codex_router.codex.changes import ChangeSet
from codex_router.codex.install import codex_changes
from codex_router.codex.journal import Journal
from codex_router.codex.router_file import read_plan, router_file
from codex_router.codex.versions import NEWEST_KNOWN, reads
from codex_router.commands.home_option import home_option
from codex_router.commands.init import installed
from codex_router.commands.prices import prices_of
from codex_router.commands.write import report_written, settled, show_changes, write_and_prove
from codex_router.errors import ExitCode, RouterError
from codex_router.show.console import err

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.codex.catalogue import Catalogue
    from codex_router.codex.locate import Codex
    from codex_router.records import Plan


@click.command(short_help="render codex-router.toml for the installed Codex")
@home_option
@click.option("--dry-run", is_flag=True, help="show what would be written, write nothing")
@click.option("--yes", is_flag=True, help="write without asking")
@click.option("--force", is_flag=True, help="replace edits made to files that codex-router wrote")
def command(*, home: Path, dry_run: bool, yes: bool, force: bool) -> int:
    """Put what codex-router.toml says, your edits included, into the files that the installed Codex reads."""
    codex, journal = installed(), Journal()
    changes, plan = rendered(codex, home, journal, force=force)
    show_changes(changes)
    status = settled(
        changes, journal, dry_run=dry_run, yes=yes, nothing="Codex's files say what codex-router.toml says"
    )
    if status is not None:
        return status
    report_written(changes, write_and_prove(changes, journal, codex, plan, home))
    return ExitCode.DONE


def rendered(codex: Codex | None, home: Path, journal: Journal, *, force: bool = False) -> tuple[ChangeSet, Plan]:
    """Return the changes that render ``codex-router.toml``, and the plan it holds.

    Raises:
        RouterError: the file is missing or wrong, an effort is not one of its model, or a file or name is not ours to
            change.
    """
    plan = read_plan(home)
    _check_arms(plan, on_offer(codex, home), home)
    layout = codex.reads if codex else reads(NEWEST_KNOWN)
    return ChangeSet("apply", tuple(codex_changes(plan, layout, home, journal, prices_of(plan), force=force))), plan


def _check_arms(plan: Plan, catalogue: Catalogue, home: Path) -> None:
    """Refuse an effort that its model does not have; warn of a model that Codex does not list."""
    for tier in plan.tiers:
        wrong = check_arm(tier.arm, catalogue)
        if wrong is not None and catalogue.model(tier.arm.model) is not None:
            raise RouterError(wrong, where=f"{router_file(home)}: [profile.{tier.name}]", hint="choose one of these")
        if wrong is not None:
            err().print(f"profile `{tier.name}`: {wrong}", style="warn")
