"""Tables of the report page: they say what they are, keep their numbers aligned and are sorted by them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Cell = tuple[str, float | int | None]
DOWN = ' aria-sort="descending"'


def table(label: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]], *, sorted_by: str = "") -> str:
    """Return a table; a cell with a number is aligned to the right and sorted by it.

    Args:
        label: what it is, for those who do not see it.
        heads: of the columns.
        rows: of as many cells.
        sorted_by: the column by which the rows stand, downwards; without it the table cannot be sorted.
    """
    sortable = bool(sorted_by)
    heading = _button if sortable else escape
    numbers = [bool(rows) and rows[0][index][1] is not None for index in range(len(heads))]
    head = "".join(
        f'<th{_kind(number)}{DOWN if name == sorted_by else ""} scope="col">{heading(name)}</th>'
        for name, number in zip(heads, numbers, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_kind(number)}{_value(value) if sortable else ''}>{_isolated(text)}</td>"
            for (text, value), number in zip(row, numbers, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    attributes: Any = ' class="sortable" data-filter="filter" data-count="count"' if sortable else ""
    region = f'class="wide" role="region" tabindex="0" aria-label="{escape(label)}"'
    return (
        f'<div {region}><table{attributes} aria-label="{escape(label)}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _button(name: str) -> str:
    return f"<button>{escape(name)}</button>"


def _kind(number: bool) -> str:  # noqa: FBT001 - a cell is a number or not
    return ' class="n"' if number else ""


def _value(value: float | None) -> str:
    return "" if value is None else f' data-value="{value:.10g}"'


def _isolated(text: str) -> str:
    """Return a text that keeps its own direction: a Hebrew or Arabic name must not turn what stands beside it."""
    return escape(text) if text.isascii() else f"<bdi>{escape(text)}</bdi>"


def nothing(words: str) -> str:
    """Return what stands where there is nothing to show."""
    return f'<p class="none">{escape(words)}</p>'


def as_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return the figures of a picture, for those who do not see it."""
    return f"<details><summary>as a table</summary>{table(title, heads, rows)}</details>"
