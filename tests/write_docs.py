"""Write ``docs/reference/command-line.md`` from the real ``--help`` of every verb.

Run ``python tests/write_docs.py`` after changing an option or its words; a test compares the page with the program.
"""

from __future__ import annotations

from pathlib import Path

import click

from codex_router.cli import VERBS, LazyGroup, codex_router
from codex_router.commands.exec_ import HELP

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "command-line.md"
COLUMNS = 80
HEAD = """\
# Command line

<!-- Written by `python tests/write_docs.py` from the program's own help. Do not edit. -->

`codex-router VERB --help` prints what stands here; for `exec` it is `--router-help`, since `--help` is Codex's.

Data goes to standard output, notices and questions to standard error. Only a person at a terminal is asked; without a
terminal, a verb that writes needs `--yes`. See also [exit codes](exit-codes.md) and [environment](environment.md).
"""


def page() -> str:
    """Return the whole page."""
    verbs = [(verb, HELP if verb == "exec" else _help(f"codex-router {verb}", _command(verb))) for verb in VERBS]
    sections = [("codex-router", _help("codex-router", codex_router)), *verbs]
    return HEAD + "".join(f"\n## {name}\n\n```text\n{text.rstrip()}\n```\n" for name, text in sections)


def _command(verb: str) -> click.Command:
    command = LazyGroup().get_command(click.Context(codex_router), verb)
    if command is None:
        raise LookupError(verb)
    return command


def _help(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name, terminal_width=COLUMNS, help_option_names=["-h", "--help"])
    text = command.get_help(context)
    if isinstance(command, click.Group) and name != "codex-router":
        text += "".join(f"\n\n{_help(f'{name} {verb}', one)}" for verb, one in command.commands.items())
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
