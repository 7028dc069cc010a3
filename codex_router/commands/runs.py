"""``codex-router runs``: the checked runs and the states of the work tree that they kept."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from codex_router.codex.git import Git
from codex_router.codex.inside import REFS, inner_ref
from codex_router.codex.kept import KeptRun, kept_run, kept_runs
from codex_router.codex.restore import restore
from codex_router.codex.snapshot import read
from codex_router.errors import ExitCode, RouterError, UsageError
from codex_router.evidence.ledger import Ledger
from codex_router.show import runs as words
from codex_router.show.console import err, out, print_json, show
from codex_router.show.table import counted

if TYPE_CHECKING:
    from codex_router.records import Response


@click.group(name="runs", short_help="list, show and restore what `exec --check` kept")
def command() -> None:
    """List checked runs, show one, or bring the work tree back to a state that one kept.

    RUN is a run's name, its beginning or end, the id of one of its attempts, or `last`.
    """


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def list_runs(*, as_json: bool) -> None:
    """List the checked runs, newest last."""
    runs = kept_runs()
    if as_json:
        print_json({"runs": [words.run_json(run, _states(run)) for run in runs]})
    elif runs:
        show(out(), words.listing(runs))
    else:
        err().print("no checked run yet; `codex-router exec --check COMMAND ...` makes one")


@command.command(name="show")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def show_run(*, run: str, as_json: bool) -> None:
    """Show a run: its attempts, their checks, and the states that can be restored."""
    found = kept_run(run)
    if as_json:
        inside = {"repositories_inside": _inside(found)}
        print_json({"run": words.run_json(found, _states(found), _responses(found)) | inside})
        return
    for part in words.details(found, _states(found), _inside(found)):
        if isinstance(part, Text):
            out().print(part, soft_wrap=True)  # commands to copy stay one line
        else:
            show(out(), part)


@command.command(name="restore")
@click.argument("run")
@click.argument("state", default="0")
@click.option("--yes", is_flag=True, help="do not ask")
def restore_run(*, run: str, state: str, yes: bool) -> int:
    """Bring the work tree, the index and HEAD back to a state of RUN.

    STATE is 0 for the state from before the first attempt (the default), 1 for what attempt 1 left, and so on; `runs
    show` lists them. The present state is kept first, so that this can be taken back. Ignored files stay as they are.
    """
    found = kept_run(run)
    git = _git(found)
    target = read(git, f"{REFS}/{found.run}/{state}")
    _confirm(found, state, yes=yes)
    undo = _unused(_states(found), "undo")
    done = restore(git, target, f"{REFS}/{found.run}/{undo}", f"before restoring {state} of {found.run}")
    notices = err()
    for path in done.aside:
        notices.print(f"in the way, kept under another name: `{path}`", style="warn")
    for path in done.repositories:
        notices.print(f"not restored, a repository of its own that could not be stored: `{path}`", style="warn")
    notices.print(f"restored state {state} of {found.run}: {counted(done.changed, 'files')} changed", style="ok")
    notices.print(f"take it back with `codex-router runs restore {found.run} {undo}`", style="hint")
    return ExitCode.DONE


def _git(run: KeptRun) -> Git:
    if run.top is None:
        raise RouterError(f"nothing was snapshotted: {run.no_snapshot}", where=run.folder)
    if not Path(run.top).is_dir():
        raise RouterError("the work tree is gone", where=run.top)
    return Git(run.top)


def _states(run: KeptRun) -> list[str]:
    """Return the names of the states that are still there, oldest first."""
    if run.top is None or not Path(run.top).is_dir():
        return []
    try:
        said = Git(run.top).run("for-each-ref", "--sort=creatordate", "--format=%(refname)", f"{REFS}/{run.run}/")
    except RouterError:
        return []
    return [ref.rpartition("/")[2] for ref in said.decode().split()]


def _inside(run: KeptRun) -> dict[str, dict[str, str]]:
    """Return the refs of the repositories inside, by their path and the state."""
    found: dict[str, dict[str, str]] = {}
    for state in _states(run):
        ref = f"{REFS}/{run.run}/{state}"
        with suppress(RouterError):  # it says why when that state is to be restored
            for path in read(_git(run), ref).state.inside:
                found.setdefault(path, {})[state] = inner_ref(ref, os.fsencode(path))
    return found


def _responses(run: KeptRun) -> dict[str, list[Response]]:
    """Return the model responses of a run's attempts, by attempt, as far as the ledger knows them."""
    with Ledger.open(create=False) as ledger:
        return {one.attempt_id: ledger.responses(one.attempt_id) for one in run.attempts if one.attempt_id}


def _unused(states: list[str], stem: str) -> str:
    return f"{stem}-{sum(state.startswith(stem) for state in states) + 1}"


def _confirm(run: KeptRun, state: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked", hint="say `--yes` to restore without being asked")
    question = f"bring {run.top} back to state {state} of {run.run}? The present state is kept"
    if not click.confirm(question, err=True):
        raise click.Abort
