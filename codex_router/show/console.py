"""The two streams: stdout for data, stderr for notices; colour is decided for each on its own.

Rich honours ``NO_COLOR``, ``FORCE_COLOR``, ``TERM=dumb`` and streams that are no terminal.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

STYLES = {"ok": "green", "bad": "red", "warn": "yellow", "hint": "cyan", "dim": "bright_black"}
PIPE_WIDTH = 160
"""Columns when nobody watches: wide enough that no cell is cut."""


def console(stream: Any) -> Console:
    """Return a console on `stream` that never interprets markup in what it is given."""
    from rich.console import Console  # not for JSON: it takes a tenth of what `usage` may take
    from rich.theme import Theme

    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(
        file=stream, theme=Theme(STYLES), markup=False, highlight=False, emoji=False, width=width, no_color=_no_color()
    )


def _no_color() -> bool | None:
    return True if os.environ.get("NO_COLOR") else None


def out() -> Console:
    """Return the console for data."""
    return console(sys.stdout)


def err() -> Console:
    """Return the console for notices, prompts and progress."""
    return console(sys.stderr)


def show(console: Console, content: RenderableType) -> None:
    """Print a table without the blanks that would pad its lines to the full width."""
    with console.capture() as capture:
        console.print(content)
    console.file.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON document with ``"schema": 1`` first; NaN and infinity are refused, they are not JSON."""
    text = json.dumps({"schema": 1, **document}, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(f"{text}\n")
