"""``codex-router migrate``: old and article-style profile tables into profile files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from codex_router.codex.changes import ChangeSet
from codex_router.codex.install import our_tables
from codex_router.codex.journal import Journal
from codex_router.codex.migrate import Migration, plan_migration
from codex_router.codex.prove import prove, starts
from codex_router.commands.home_option import home_option
from codex_router.commands.init import installed
from codex_router.commands.write import settled, show_changes
from codex_router.errors import ExitCode
from codex_router.show.console import err

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.codex.locate import Codex


@click.command(short_help="move old and article-style profile tables to profile files")
@home_option
@click.option("--dry-run", is_flag=True, help="show what would be written, write nothing")
@click.option("--yes", is_flag=True, help="write without asking")
def command(*, home: Path, dry_run: bool, yes: bool) -> int:
    """Move [profiles.*], `profile = ...` and article-style [profile.*] out of config.toml, comments included.

    It works when Codex no longer starts; the change is shown first, and `undo` takes it back.
    """
    codex, journal = installed(), Journal()
    files = codex is None or codex.reads.profile_files
    found = plan_migration(home, frozenset(our_tables(journal, home)), files=files)
    changes = ChangeSet("migrate", found.files)
    show_changes(changes)
    for note in found.notes:
        err().print(f"note: {note}", style="warn")
    status = settled(changes, journal, dry_run=dry_run, yes=yes, nothing="no such tables")
    if status is not None:
        return status
    journal.write(changes, lambda: objection(codex, home, found))
    for change in changes.needed:
        err().print(f"wrote `{change.path}`", style="ok")
    if codex is not None:
        err().print("Codex starts, and accepts each of them", style="ok")
    return ExitCode.DONE


def objection(codex: Codex | None, home: Path, found: Migration) -> str | None:
    """Return what Codex has against the result, None when it accepts it."""
    if codex is None:
        return None
    said = starts(codex, home)
    if said is not None:
        return said
    proofs = [prove(codex, home, name) for name in found.profiles]
    return "\n".join(f"{proof.tier}: {proof.said}" for proof in proofs if proof.accepted is False) or None
