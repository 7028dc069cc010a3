"""Unified diffs in colour; the text is complete without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def coloured(lines: Iterable[str]) -> Iterator[Text]:
    """Yield the lines of a unified diff as text; control characters are made visible, they could hide a line."""
    for line in lines:
        yield Text(_visible(line), style=_style(line))


def _style(line: str) -> str:
    if line.startswith(("---", "+++")):
        return "bold"
    return {"+": "ok", "-": "bad", "@": "hint"}.get(line[:1], "")


def _visible(line: str) -> str:
    return "".join(
        character if character.isprintable() or character == "\t" else f"\\x{ord(character):02x}" for character in line
    )
