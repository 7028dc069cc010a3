"""Show a change set, ask, write it, and let Codex prove it: what `init`, `apply` and `migrate` share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from codex_router.codex.catalogue import offered
from codex_router.codex.install import profile_file
from codex_router.codex.prove import Proof, prove
from codex_router.errors import ExitCode, RouterError, UsageError
from codex_router.evidence.prices import FILE, save_snapshot
from codex_router.home import make_router_home
from codex_router.show.console import err, out
from codex_router.show.diff import coloured

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.codex.changes import ChangeSet
    from codex_router.codex.journal import Journal
    from codex_router.codex.locate import Codex
    from codex_router.records import Plan


def show_changes(changes: ChangeSet) -> None:
    """Print the unified diff of everything that would change."""
    for change in changes.needed:
        for line in coloured(change.diff()):
            out().print(line, soft_wrap=True)


def settled(changes: ChangeSet, journal: Journal, *, dry_run: bool, yes: bool, nothing: str) -> int | None:
    """Return the exit status when nothing is to be written, None when it is; only a person at a terminal is asked.

    A change that was cut off before Codex proved it is still to be completed, even when every file is in place.

    Raises:
        UsageError: there is something to write, but no terminal to ask at and no ``--yes``.
    """
    cut = journal.cut_off(changes)
    if cut is not None:
        err().print(f"`{cut.verb}` of {cut.when} was cut off; writing completes it", style="warn")
    elif not changes.needed:
        err().print(f"nothing to do: {nothing}", style="ok")
        return ExitCode.DONE
    if dry_run:
        err().print("nothing was written (--dry-run)", style="hint")
        return ExitCode.DONE
    if yes:
        return None
    if not sys.stdin.isatty():
        raise UsageError("not asked, since there is no terminal; nothing was written", hint="add `--yes` to write")
    if click.confirm("write this?", default=False, err=True):
        return None
    err().print("nothing was written")
    return ExitCode.FAILED


def write_and_prove(changes: ChangeSet, journal: Journal, codex: Codex | None, plan: Plan, home: Path) -> list[Proof]:
    """Write a change set and return what Codex says of each profile; the old bytes come back when it refuses one.

    Raises:
        RouterError: a file could not be written, or Codex refused a profile; everything is then as it was.
    """
    proofs: list[Proof] = []

    def objection() -> str | None:
        if codex is not None:
            proofs.extend(prove_all(codex, plan, home))
        refused = [f"{proof.tier}: {proof.said}" for proof in proofs if proof.accepted is False]
        return "\n".join(refused) or None

    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        hint = "mend the permissions above it, or choose another with CODEX_HOME"
        raise RouterError(f"cannot be created: {error.strerror}", where=home, hint=hint) from None
    journal.write(changes, objection)
    _keep_prices({tier.arm.model for tier in plan.tiers} | {model.name for model in offered(codex, home).models})
    return proofs


def _keep_prices(models: set[str]) -> None:
    """Keep the prices that `exec` reads; the profiles stand without them."""
    try:
        save_snapshot(models, make_router_home() / FILE)
    except OSError as error:
        err().print(f"prices were not kept ({error.strerror}), so cost budgets do not hold yet", style="warn")


def prove_all(codex: Codex, plan: Plan, home: Path) -> list[Proof]:
    """Return what Codex says of each tier's profile."""
    ours = frozenset(str(profile_file(home, tier.name)) for tier in plan.tiers)
    return [prove(codex, home, tier.name, ours) for tier in plan.tiers]


def report_written(changes: ChangeSet, proofs: list[Proof]) -> None:
    """Say on stderr what was written and what Codex says of it."""
    console = err()
    for change in changes.needed:
        console.print(f"{'removed' if change.after is None else 'wrote'} `{change.path}`", style="ok")
    for proof in proofs:
        if proof.accepted:
            console.print(f"Codex accepts profile `{proof.tier}`{f' ({proof.said})' if proof.said else ''}", style="ok")
        else:
            console.print(f"profile `{proof.tier}` is not proven: {proof.said}", style="warn")
