"""The command line and the one error boundary.

Verbs are imported when they are used, so that ``route`` and ``exec`` start without numpy, pydantic or tomlkit.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from codex_router import __version__
from codex_router.errors import ExitCode, RouterError

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {
    "init": "find Codex, choose tiers from the evidence, show the change, write it, prove it",
    "diff": "show what `apply` would change; exit 1 if anything",
    "apply": "render codex-router.toml for the installed Codex",
    "undo": "restore the bytes from before the last change",
    "doctor": "check Codex, the profiles, the configuration and the ledger",
    "ingest": "read published cost-per-task tables and other tools' results",
    "route": "say which profile a prompt gets, and why; runs nothing",
    "exec": "run `codex exec` with the right profile and budget",
    "outcome": "say whether a run solved its task",
    "demo": "the whole story offline: real Codex against a scripted server",
}
"""Verb and its one-line help; each lives in ``codex_router.commands.<verb>`` as ``command``."""

MODULES = {"exec": "exec_"}
"""Verbs whose module cannot carry their name."""


class LazyGroup(click.Group):
    """A group that imports a verb's module only when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the verbs in the order people meet them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one verb."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"codex_router.commands.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog='Start with `codex-router init --dry-run`, then `codex-router exec "fix the lint errors"`.',
)
@click.version_option(__version__, prog_name="codex-router")
def codex_router() -> None:
    """Choose the Codex model and effort each kind of task deserves, and run `codex exec` through it."""


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit status; the only place that turns errors into words."""
    try:
        status = codex_router.main(args=list(argv), prog_name="codex-router", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USAGE
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except RouterError as error:
        report(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the boundary
        return report_bug(error)
    return int(status) if isinstance(status, int) else ExitCode.DONE


def report(error: RouterError) -> None:
    """Print an expected failure on stderr."""
    sys.stderr.write(f"{click.style('error', fg='red') if colour() else 'error'}: {error}\n")


def colour() -> bool:
    """Tell whether stderr takes colour."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stderr.isatty()


def report_bug(error: Exception) -> int:
    """Print one short line on stderr and append the full report to the log file."""
    from codex_router.home import make_router_home

    sys.stderr.write(f"bug in codex-router: {type(error).__name__}: {error}\n")
    try:
        log = make_router_home() / "codex-router.log"
        with log.open("a", encoding="utf-8") as stream:
            stream.write(f"codex-router {__version__}, Python {sys.version}\n")
            traceback.print_exception(error, file=stream)
        sys.stderr.write(f"\nhint: the full report is in `{log}`\n")
    except OSError:
        traceback.print_exception(error)
    return ExitCode.BUG
