"""``codex-router undo``: the bytes from before."""

from __future__ import annotations

import click

from codex_router.codex.journal import Journal
from codex_router.errors import ExitCode
from codex_router.show.console import err


@click.command(short_help="restore the bytes from before the last change")
@click.option("--steps", type=click.IntRange(min=1), default=1, show_default=True, help="how many changes to take back")
@click.option("--force", is_flag=True, help="also when somebody else changed a file since")
def command(*, steps: int, force: bool) -> int:
    """Take back the last change (or the last STEPS), byte for byte."""
    journal = Journal()
    for _ in range(steps):
        entry = journal.undo(force=force)
        for file in entry.files:
            done = "removed" if file.before is None else "restored"
            err().print(f"{done} `{file.path}`", style="ok")
        err().print(f"took back `{entry.verb}` of {entry.when}")
    return ExitCode.DONE
