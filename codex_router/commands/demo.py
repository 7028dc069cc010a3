"""``codex-router demo``: the whole story in seconds, without a key and without a network."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codex_router.codex.locate import find_codex
from codex_router.codex.scripted_server import serving
from codex_router.errors import ExitCode, RouterError
from codex_router.evidence.ledger import FILE, Ledger
from codex_router.show.console import out, show
from codex_router.show.table import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_router.evidence.runs import Run

FIXED = (
    {"cmd": "echo 'lint: 2 errors fixed' | tee report.txt", "say": "I run the linter."},
    {"final": "Both errors are fixed."},
)
RUNAWAY = ({"cmd": "echo still looking >> log.txt", "say": "I look again."},)
"""The last step is repeated, so this model never comes to an end."""
NOT_HERE = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "CODEX_ROUTER_NO_RECORD", "XDG_DATA_HOME"})
"""Variables of the user's that would lead Codex past the server, or us past the temporary home."""


@click.command(short_help="the whole story offline: real Codex against a scripted server")
def command() -> int:
    """Show init, a routed run, a budget stop and the record of both.

    Real Codex runs in a temporary home against a server on this machine that plays a script instead of a model:
    no key, no network, nothing of yours is touched.
    """
    codex = find_codex()
    out().print(f"{codex}; the model is a script, tokens and prices are made up\n", style="dim")
    with _temporary_home() as home, serving(FIXED) as server:
        (home / ".codex").mkdir()
        (home / ".codex" / "config.toml").write_text(server.config(), encoding="utf-8")
        world = _World(home, codex.path)
        world.run("init", "--yes")
        world.run("exec", "--skip-git-repo-check", "-s", "danger-full-access", "fix the lint errors")
        server.steps = list(RUNAWAY)
        arguments = ("--max-turns", "3", "--skip-git-repo-check", "-s", "danger-full-access")
        stopped = world.run("exec", *arguments, "find out why the build is slow")
        if stopped != ExitCode.BUDGET:
            raise RouterError(f"the runaway run ended with status {stopped}, not with {ExitCode.BUDGET.value}")
        _show_ledger(home / "router" / FILE)
    return ExitCode.DONE


class _World:
    """A machine of its own: home, working folder, environment."""

    def __init__(self, home: Path, codex: str) -> None:
        self.folder = home / "project"
        self.folder.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name.upper() not in NOT_HERE},
            "HOME": str(home),
            "CODEX_HOME": str(home / ".codex"),
            "CODEX_ROUTER_HOME": str(home / "router"),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "CODEX_ROUTER_CODEX": codex,
            "SCRIPTED_KEY": "not-a-key",
        }

    def run(self, *arguments: str) -> int:
        """Show a command of ours, run it as a user would, and return its exit status."""
        out().print(f"$ codex-router {shlex.join(arguments)}", style="bold")
        sys.stdout.flush()
        argv = [sys.executable, "-m", "codex_router", *arguments]
        status = subprocess.run(
            argv, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, check=False
        ).returncode
        out().print(f"(exit status {status})\n", style="dim")
        if status not in {ExitCode.DONE, ExitCode.BUDGET}:
            raise RouterError(f"`codex-router {arguments[0]}` failed in the demo", hint="its own words are above")
        return status


@contextmanager
def _temporary_home() -> Iterator[Path]:
    """Make a home outside the system's folder for temporary files, where Codex would refuse to put its helpers."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="codex-router-demo-", dir=cache, ignore_cleanup_errors=True) as home:
        yield Path(home)


def _show_ledger(path: Path) -> None:
    with Ledger.open(path) as ledger:
        rows = [_row(run) for run in ledger.runs()]
    columns = ("run", "category", "tier", "model", "effort", ">turns", ">cost", "end")
    show(out(), table(columns, rows, title="The ledger now holds"))


def _row(run: Run) -> list[str]:
    attempt = run.attempt
    cost = "?" if attempt.cost_usd is None else f"${attempt.cost_usd:.4f}"
    words = (attempt.attempt_id[:8], attempt.category, run.tier, attempt.arm.model, attempt.arm.effort, attempt.turns)
    return [*(str(word) for word in words), cost, attempt.end]
