"""``codex-router diff``: what `apply` would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from codex_router.codex.journal import Journal
from codex_router.commands.apply import rendered
from codex_router.commands.home_option import home_option
from codex_router.commands.init import installed, planned
from codex_router.commands.recommend import prefix_in_force, recommend
from codex_router.commands.write import show_changes
from codex_router.errors import ExitCode
from codex_router.show.console import err, print_json

if TYPE_CHECKING:
    from pathlib import Path


@click.command(short_help="show what `apply` would change; exit 1 if anything")
@home_option
@click.option("--refit", is_flag=True, help="what a new `init` would change, from the evidence of today")
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def command(*, home: Path, refit: bool, as_json: bool) -> int:
    """Show the difference between Codex's files and codex-router.toml (or, with --refit, today's evidence)."""
    codex, journal = installed(), Journal()
    if refit:
        changes = planned(recommend(codex, home, prefix=prefix_in_force(home)), codex, home, journal, force=True)
    else:
        changes, _ = rendered(codex, home, journal, force=True)
    if as_json:
        print_json({"changes": [{"path": str(one.path), "diff": "\n".join(one.diff())} for one in changes.needed]})
    else:
        show_changes(changes)
        if not changes.needed:
            err().print("no difference", style="ok")
    return ExitCode.FAILED if changes.needed else ExitCode.DONE
