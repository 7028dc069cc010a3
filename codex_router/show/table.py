"""Tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from codex_router.records import Interval


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], title: str | None = None) -> Table:
    """Return a table without vertical rules; a column whose heading starts with ``>`` is right-aligned."""
    result = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in columns:
        right = column.startswith(">")
        result.add_column(
            column.lstrip(">"), justify="right" if right else "left", header_style="bold", overflow="fold"
        )
    for row in rows:
        result.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return result


def money(usd: float | None) -> str:
    """Return an amount with three significant digits at least down to a tenth of a cent; ``?`` when unknown."""
    if usd is None:
        return "?"
    return f"${usd:,.2f}" if abs(usd) >= 1 else f"${usd:.3f}"


def percent(interval: Interval) -> str:
    """Return a share with its interval, as ``67 % (61-72)``."""
    return f"{interval.mean:.0%} ({100 * interval.low:.0f}-{100 * interval.high:.0f})"


def money_interval(interval: Interval) -> str:
    """Return an amount with its interval, as ``$0.646 ($0.412-$1.02)``."""
    return f"{money(interval.mean)} ({money(interval.low)}-{money(interval.high)})"
