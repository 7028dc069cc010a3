"""The command line.

Verbs are imported when they are used, so that ``route`` and ``exec`` start without numpy, pydantic or tomlkit.
"""

from __future__ import annotations

import gc
import importlib
import os
from keyword import iskeyword
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from codex_router import __version__
from codex_router.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {
    "init": "find Codex, choose tiers from the evidence, show the change, write it, prove it",
    "diff": "show what `apply` would change; exit 1 if anything",
    "apply": "render codex-router.toml for the installed Codex",
    "undo": "restore the bytes from before the last change",
    "doctor": "check Codex, the profiles, the configuration and the ledger",
    "migrate": "move old and article-style profile tables to profile files",
    "fit": "the estimates per category and arm, and what they rest on",
    "plan": "which arms to try in which order for a category, and what to expect",
    "evaluate": "replay per-task results: what plans would have cost and solved",
    "ingest": "read published cost-per-task tables and other tools' results",
    "classify": "say what kind of task each prompt on standard input is",
    "route": "say which profile a prompt gets, and why; runs nothing",
    "exec": "run `codex exec` with the right profile and budget",
    "usage": "what was spent on what, what was wasted, what to change",
    "report": "spending, waste and savings as one HTML page",
    "runs": "list, show and restore what `exec --check` kept",
    "export": "the ledger as Parquet or JSONL files",
    "import": "merge what another ledger exported",
    "outcome": "say whether a run solved its task",
    "shim": "a `codex` on PATH that routes `codex exec` and passes all else through",
    "schema": "the JSON schema for `codex exec --output-schema`",
    "demo": "the whole story offline: real Codex against a scripted server",
}
"""Verb and its one-line help; each lives in ``codex_router.commands.<verb>`` as ``command``.

``exec`` never comes here: its grammar is Codex's, which click cannot read (see ``__main__``).
"""


GARBAGE = 50_000
"""Objects that may be made between two searches for garbage; Python's own figure is 700."""


class LazyGroup(click.Group):
    """A group that imports a verb's module only when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the verbs in the order people meet them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one verb."""
        if cmd_name not in VERBS or cmd_name == "exec":
            return None
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        module = importlib.import_module(f"codex_router.commands.{name}")
        command: click.Command = module.command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete verbs without importing them, ``exec`` included."""
        verbs = [CompletionItem(verb, help=says) for verb, says in VERBS.items() if verb.startswith(incomplete)]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]

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
    """Run one command line and return its exit status.

    The matrices of the fit are small: more than one thread only waits for the others, for seconds on a busy machine.
    Modules being imported hold no garbage: looking for it takes a tenth of the time of a short command.

    Raises:
        RouterError: an expected failure; `codex_router.__main__.main` turns it into words.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(GARBAGE)
    try:
        status = codex_router.main(args=list(argv), prog_name="codex-router", standalone_mode=False)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        about = context.command_path if context else "codex-router"
        raise UsageError(_in_our_words(error.format_message()), hint=f"see `{about} --help`") from None
    except click.Abort:
        raise KeyboardInterrupt from None
    return int(status) if isinstance(status, int) else ExitCode.DONE


def _in_our_words(message: str) -> str:
    """Return click's message as our own errors are written: it begins small and ends without a full stop."""
    return message[:1].lower() + message[1:].removesuffix(".")
