"""Charts as SVG text, drawn here so that the page needs neither network nor script.

Each series has a colour and a pattern, and each value stands in a title or a table, so that nothing rests on colour
alone. Colours are CSS variables: the page's style decides for light and dark.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from codex_router.show.table import money

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SERIES = 8
"""Colours and patterns that there are; what comes after is summed as ``other``."""
WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 12, 34


class Stack(NamedTuple):
    """Amounts over time, one list of values per series."""

    buckets: Sequence[str]
    series: Sequence[tuple[str, Sequence[float]]]


class Point(NamedTuple):
    """An arm in the picture of cost and pass rate."""

    label: str
    cost_usd: float
    p_pass: float
    p_low: float
    p_high: float
    chosen: str
    """The tier that uses it; empty for none."""
    on_hull: bool


class Bar(NamedTuple):
    """A horizontal bar, with an interval where there is one."""

    label: str
    value: float
    low: float | None
    high: float | None
    note: str
    series: int = 0


PATTERNS = (
    "",
    '<path d="M0 6L6 0" stroke="var(--paper)" stroke-width="1.4"/>',
    '<path d="M0 3H6" stroke="var(--paper)" stroke-width="1.4"/>',
    '<circle cx="3" cy="3" r="1.3" fill="var(--paper)"/>',
    '<path d="M0 0L6 6" stroke="var(--paper)" stroke-width="1.4"/>',
    '<path d="M3 0V6" stroke="var(--paper)" stroke-width="1.4"/>',
    '<path d="M0 3H6M3 0V6" stroke="var(--paper)" stroke-width="1"/>',
    '<path d="M0 6L6 0M0 0L6 6" stroke="var(--paper)" stroke-width="1"/>',
)


def patterns() -> str:
    """Return the fills that all charts of a page share; put it into the page once."""
    fills = "".join(
        f'<pattern id="p{index}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<rect width="6" height="6" fill="var(--s{index})"/>{mark}</pattern>'
        for index, mark in enumerate(PATTERNS)
    )
    return f'<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>{fills}</defs></svg>'


def legend(names: Sequence[str]) -> str:
    """Return which fill is which series."""
    items = "".join(
        f'<li><svg viewBox="0 0 16 12" aria-hidden="true"><rect width="16" height="12" fill="url(#p{index})"/></svg>'
        f"{escape(name)}</li>"
        for index, name in enumerate(names)
    )
    return f'<ul class="legend">{items}</ul>'


def stacked_bars(stack: Stack, title: str) -> str:
    """Return amounts over time as stacked bars, the first series at the bottom."""
    sums = [sum(values[index] for _, values in stack.series) for index in range(len(stack.buckets))]
    top = nice(max(sums, default=0.0))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(stack.buckets))
    parts = [_rules(top)]
    every = max(1, math.ceil(len(stack.buckets) / 8))
    for index, bucket in enumerate(stack.buckets):
        x = LEFT + index * step
        base = 0.0
        for number, (name, values) in enumerate(stack.series):
            if values[index] <= 0:
                continue
            low, high = _y(base, top), _y(base + values[index], top)
            base += values[index]
            parts.append(
                f'<rect class="bar" x="{x + step * 0.1:.1f}" y="{high:.1f}" width="{step * 0.8:.1f}" '
                f'height="{max(0.0, low - high):.1f}" fill="url(#p{number % SERIES})">'
                f"<title>{escape(bucket)} · {escape(name)}: {money(values[index])}</title></rect>"
            )
        if index % every == 0:
            parts.append(
                _text(x + step / 2, HEIGHT - 12, bucket[5:] if len(bucket) == 10 else bucket, "middle", "axis")
            )
    return _svg(HEIGHT, title, parts)


def cost_and_pass(points: Sequence[Point], title: str) -> str:
    """Return the picture of cost (log scale) and pass rate, with the hull and the tiers in force."""
    usable = [point for point in points if point.cost_usd > 0]
    if not usable:
        return ""
    height = 420
    low = 10 ** math.floor(math.log10(min(point.cost_usd for point in usable)))
    high = 10 ** math.ceil(math.log10(max(point.cost_usd for point in usable) * 1.05))
    scale = math.log10(high / low) or 1.0

    def x(cost: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(cost / low) / scale

    def y(share: float) -> float:
        return TOP + (height - TOP - BOTTOM - 12) * (1 - share)

    parts = []
    for tenth in range(0, 11, 2):
        parts.append(
            f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tenth / 10):.1f}" y2="{y(tenth / 10):.1f}"/>'
        )
        parts.append(_text(LEFT - 6, y(tenth / 10) + 4, f"{tenth * 10} %", "end", "axis"))
    cost = low
    while cost <= high * 1.001:
        anchor = "end" if cost * 10 > high * 1.001 else "middle"
        parts.append(_text(x(cost), height - 26, money(cost), anchor, "axis"))
        cost *= 10
    parts.append(_text((LEFT + WIDTH) / 2, height - 8, "mean cost of one attempt (log scale)", "middle", "axis"))
    hull = sorted((point for point in usable if point.on_hull), key=lambda point: point.cost_usd)
    if len(hull) > 1:
        line = " ".join(f"{x(point.cost_usd):.1f},{y(point.p_pass):.1f}" for point in hull)
        parts.append(f'<polyline class="hull" points="{line}"/>')
    taken: list[tuple[float, float]] = []
    for point in sorted(usable, key=lambda point: (not point.chosen, not point.on_hull)):
        parts += _point(point, x(point.cost_usd), y, taken)
    return _svg(height, title, parts)


def _point(point: Point, x: float, y: Callable[[float], float], taken: list[tuple[float, float]]) -> list[str]:
    said = (
        f"{point.label}: {point.p_pass:.0%} pass (90 %: {point.p_low:.0%} to {point.p_high:.0%}), "
        f"{money(point.cost_usd)}" + (f", tier {point.chosen}" if point.chosen else "")
    )
    colour = "var(--s1)" if point.chosen else "var(--s0)"
    middle = y(point.p_pass)
    width = 1.6 if point.chosen else 0.8
    ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{y(point.p_high):.1f}" y2="{y(point.p_low):.1f}"'
    opacity = 1 if point.chosen else 0.5
    parts = [f'<line {ends} stroke="{colour}" stroke-width="{width}" opacity="{opacity}"/>']
    shape = (
        f'<path d="M{x:.1f} {middle - 7:.1f}l7 7l-7 7l-7 -7z" fill="{colour}">'
        if point.chosen
        else f'<circle cx="{x:.1f}" cy="{middle:.1f}" r="4" fill="{colour}">'
    )
    parts.append(f"{shape}<title>{escape(said)}</title></{'path' if point.chosen else 'circle'}>")
    if (point.chosen or point.on_hull) and all(abs(x - a) > 120 or abs(middle - b) > 13 for a, b in taken):
        label = f"{point.chosen}: {point.label}" if point.chosen else point.label
        end = x > WIDTH * 0.72
        parts.append(_text(x - 10 if end else x + 10, middle + 4, label, "end" if end else "start", ""))
        taken.append((x, middle))
    return parts


def bars(rows: Sequence[Bar], title: str, unit: str = "usd") -> str:
    """Return horizontal bars with their values and, where known, their 90 % intervals."""
    if not rows:
        return ""
    label, row_height = 210, 26
    height = 10 + row_height * len(rows)
    top = (
        max([row.value for row in rows] + [min(row.high, row.value * 3) for row in rows if row.high is not None]) or 1.0
    )
    room = WIDTH - label - 220
    parts = []
    for index, row in enumerate(rows):
        y, width = 5 + index * row_height, room * row.value / top
        words = money(row.value) if unit == "usd" else f"{row.value:.0%}"
        parts.append(_text(label - 8, y + 17, shortened(row.label), "end", ""))
        parts.append(
            f'<rect x="{label}" y="{y + 4}" width="{max(width, 0.5):.1f}" height="17" fill="url(#p{row.series})">'
            f"<title>{escape(row.label)}: {words} {escape(row.note)}</title></rect>"
        )
        end = width
        if row.low is not None and row.high is not None:
            a, b = room * row.low / top, min(room * row.high / top, room)
            end = max(end, b)
            parts.append(
                f'<path d="M{label + a:.1f} {y + 12.5}H{label + b:.1f}M{label + a:.1f} {y + 8}V{y + 17}'
                f'M{label + b:.1f} {y + 8}V{y + 17}" stroke="var(--ink)" fill="none" stroke-width="1.4"/>'
            )
        parts.append(_text(label + end + 6, y + 17, f"{words} {row.note}", "start", ""))
    return _svg(height, title, parts)


def nice(value: float) -> float:
    """Return a round number that is not less."""
    if value <= 0:
        return 1.0
    size = 10 ** math.floor(math.log10(value))
    return next(float(step * size) for step in (1, 2, 2.5, 5, 10) if step * size >= value)


def shortened(text: str, most: int = 28) -> str:
    """Return a text that fits beside a bar; the beginning of a path tells least."""
    return text if len(text) <= most else "…" + text[-(most - 1) :]


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _rules(top: float) -> str:
    parts = []
    for quarter in range(5):
        value = top * quarter / 4
        parts.append(
            f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(value, top):.1f}" y2="{_y(value, top):.1f}"/>'
        )
        parts.append(_text(LEFT - 6, _y(value, top) + 4, money(value) if value else "$0", "end", "axis"))
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str, kind: str) -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{escape(text)}</text>'


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f"{''.join(parts)}</svg>"
    )
