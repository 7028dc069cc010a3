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
LEFT, RIGHT, TOP, BOTTOM = 70, 12, 12, 34
BARS, BAR_LABEL, BAR_WORDS = 780, 250, 330
"""Width of a picture of horizontal bars, and of it what their names and their words may take."""
REM = 0.055
"""A unit of a picture, at least: what is smaller cannot be read, so it scrolls."""
NAME = 44
"""Letters of a point's name: on one side of its mark there is always room for as many."""
LETTER = 7.4
"""Width of a letter, about."""


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
            middle, words = x + step / 2, bucket[5:] if len(bucket) == 10 else bucket
            inside = min(middle, WIDTH - 2 - len(words) * LETTER / 2)
            parts.append(_text(inside, HEIGHT - 12, words, "middle", "axis"))
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
    drawn = sorted(usable, key=lambda point: (bool(point.chosen), point.on_hull))
    for point in drawn:
        parts += _point(point, x(point.cost_usd), y)
    marks = [Box(x(point.cost_usd) - 7, y(point.p_pass) - 8, 14, 16) for point in usable]
    for point in reversed(drawn):
        if point.chosen or point.on_hull:
            parts += _label(point, x(point.cost_usd), y(point.p_pass), marks)
    return _svg(height, title, parts)


class Box(NamedTuple):
    """A place in a picture that something takes."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: Box) -> bool:
        """Tell whether both take some of the same place."""
        across = self.x < other.x + other.width and other.x < self.x + self.width
        return across and self.y < other.y + other.height and other.y < self.y + self.height


def _label(point: Point, x: float, y: float, taken: list[Box]) -> list[str]:
    """Write a point's name where it hides no mark and no other name; a tier's name in any case."""
    words = shortened(f"{point.chosen}: {point.label}" if point.chosen else point.label, NAME)
    width = len(words) * LETTER
    left, right, middle = x - 10 - width, x + 10, x - width / 2
    places = [(right, y), (left, y), (right, y - 12), (left, y - 12), (right, y + 12), (left, y + 12),
              (middle, y - 16), (middle, y + 18)]  # fmt: skip
    boxes = [Box(at, height - 6, width, 12) for at, height in places if LEFT <= at <= WIDTH - width - 2]
    free = [box for box in boxes if not any(box.meets(other) for other in taken)]
    if not free and not point.chosen:
        return []
    best = free[0] if free else min(boxes, key=lambda box: sum(box.meets(other) for other in taken))
    taken.append(best)
    return [_text(best.x, best.y + 10, words, "start", "")]


def _point(point: Point, x: float, y: Callable[[float], float]) -> list[str]:
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
    return parts


def bars(rows: Sequence[Bar], title: str, unit: str = "usd") -> str:
    """Return horizontal bars with their values and, where known, their 90 % intervals."""
    if not rows:
        return ""
    label, row_height = BAR_LABEL, 26
    height = 10 + row_height * len(rows)
    top = (
        max([row.value for row in rows] + [min(row.high, row.value * 3) for row in rows if row.high is not None]) or 1.0
    )
    room = BARS - label - BAR_WORDS
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
            cap = f"M{label + b:.1f} {y + 8}v9" if row.high <= top else "m-5 -4l5 4l-5 4"  # an arrow: it goes on
            parts.append(
                f'<path d="M{label + a:.1f} {y + 8}v9M{label + a:.1f} {y + 12.5}H{label + b:.1f}{cap}" '
                'stroke="var(--ink)" fill="none" stroke-width="1.4"/>'
            )
        beside, most = f"{words} {row.note}", int((BARS - label - end - 6) / LETTER)
        beside = beside if len(beside) <= most else f"{beside[: most - 1]}…"
        parts.append(_text(label + end + 6, y + 17, beside, "start", ""))
    return _svg(height, title, parts, BARS)


def nice(value: float) -> float:
    """Return a round number that is not less."""
    if value <= 0:
        return 1.0
    size = 10 ** math.floor(math.log10(value))
    return next(float(step * size) for step in (1, 2, 2.5, 5, 10) if step * size >= value)


def shortened(text: str, most: int = 36) -> str:
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


def _svg(height: float, title: str, parts: Sequence[str], width: float = WIDTH) -> str:
    return (
        f'<svg style="--least: {width * REM:.0f}rem" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f"{''.join(parts)}</svg>"
    )
