"""Tables for narrow terminals: columns that say least are left out, so that no number is broken in two."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 2
"""Blanks between columns."""
TEXT = 20
"""What a text may be folded to; a number may not."""


def fitted(
    columns: Sequence[str], rows: Sequence[Sequence[str]], least: Sequence[str], width: int
) -> tuple[list[str], list[list[str]]]:
    """Return the columns and rows that fit a width; those named in `least` go, in that order, until they do.

    Args:
        columns: headings; one that starts with ``>`` holds numbers.
        rows: of as many cells.
        least: headings of the columns that may be left out, the first one first.
        width: of the terminal, in characters.
    """
    from rich.cells import cell_len

    wanted = {
        name: max(cell_len(text) for text in (name.lstrip(">"), *(cells[index] for cells in rows)))
        for index, name in enumerate(columns)
    }
    needed = {name: size if name.startswith(">") else min(size, TEXT) for name, size in wanted.items()}
    left = list(columns)
    for name in least:
        if sum(needed[one] + GAP for one in left) - GAP <= width:
            break
        left.remove(name)
    kept = [index for index, name in enumerate(columns) if name in left]
    return left, [[cells[index] for index in kept] for cells in rows]
