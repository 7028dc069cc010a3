"""Tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table
    from rich.text import Text

    from codex_router.records import Interval


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], title: str | None = None) -> Table:
    """Return a table without vertical rules; a column whose heading starts with ``>`` is right-aligned."""
    from rich.table import Table  # not for JSON: it takes a tenth of what `usage` may take
    from rich.text import Text

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


def counted(count: int, unit: str) -> str:
    """Return a number of things; the unit is a plural."""
    return f"{count:,} {unit.removesuffix('s') if count == 1 else unit}"


SMALLEST = 1e-9
"""An amount below a billionth of a dollar is none: what sums of fractions leave."""


def money(usd: float | None) -> str:
    """Return an amount in dollars and cents, below one dollar with three significant digits; ``?`` when unknown."""
    if usd is None:
        return "?"
    if abs(usd) >= 1 or round(usd, 2) == usd or abs(usd) < SMALLEST:
        return f"${usd:,.2f}"
    digits = f"{float(f'{usd:.3g}' if abs(usd) >= 1e-4 else f'{usd:.2g}'):.10f}".rstrip("0")
    whole, _, cents = digits.partition(".")
    return f"${whole}.{cents:0<2}"


def percent(interval: Interval) -> str:
    """Return a share with its interval, as ``67 % (61-72)``."""
    return f"{interval.mean:.0%} ({100 * interval.low:.0f}-{100 * interval.high:.0f})"


def money_interval(interval: Interval) -> str:
    """Return an amount with its interval, as ``$0.646 ($0.412-$1.02)``."""
    return f"{money(interval.mean)} ({money(interval.low)}-{money(interval.high)})"
