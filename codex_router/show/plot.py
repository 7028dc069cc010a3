"""A picture of an evaluation as SVG: cost against solved tasks, single arms with their hull, plans, the oracle."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH, HEIGHT = 900, 560
LEFT, RIGHT, TOP, BOTTOM = 70, 250, 40, 60
STYLES = {
    "single": ("#666666", "circle"),
    "plan, 2 attempts": ("#1f77b4", "square"),
    "plan, 3 attempts": ("#2ca02c", "square"),
    "oracle": ("#d62728", "diamond"),
    "reference": ("#000000", "diamond"),
}


class Point(NamedTuple):
    """One mark."""

    kind: str
    """A key of `STYLES`."""
    name: str
    cost_usd: float
    solved: float


def svg(points: Sequence[Point], hull: Sequence[Point], title: str) -> str:
    """Return the picture; cost per task in USD on a logarithmic axis, share of tasks solved on the other."""
    scale = _Scale.of(points)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        "<style>text {font-size: 12px}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
        *_axes(scale),
        _line(hull, scale),
        *(_mark(point, scale) for point in points),
        *_legend(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Scale(NamedTuple):
    log_low: float
    log_high: float
    low: float
    high: float

    @classmethod
    def of(cls, points: Sequence[Point]) -> _Scale:
        costs, shares = [max(p.cost_usd, 1e-6) for p in points], [p.solved for p in points]
        return cls(
            math.log10(min(costs)) - 0.08,
            math.log10(max(costs)) + 0.08,
            max(math.floor(min(shares) * 20 - 0.4) / 20, 0.0),
            min(math.ceil(max(shares) * 20 + 0.4) / 20, 1.0),
        )

    def x(self, cost_usd: float) -> float:
        part = (math.log10(max(cost_usd, 1e-6)) - self.log_low) / (self.log_high - self.log_low)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def y(self, solved: float) -> float:
        return HEIGHT - BOTTOM - (solved - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def _axes(scale: _Scale) -> Iterable[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    yield f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#333"/>'
    for cost in _cost_ticks(scale):
        x = scale.x(cost)
        yield f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="#eee"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">${cost:g}</text>'
    step = 0.05 if scale.high - scale.low <= 0.5 else 0.1
    for index in range(math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9) + 1):
        y = scale.y(index * step)
        yield f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#eee"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{index * step:.0%}</text>'
    centre, middle = (LEFT + right) / 2, (TOP + bottom) / 2
    yield f'<text x="{centre}" y="{HEIGHT - 16}" text-anchor="middle">cost per task, USD (logarithmic)</text>'
    yield f'<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">tasks solved</text>'


def _cost_ticks(scale: _Scale) -> list[float]:
    powers = range(math.floor(scale.log_low), math.ceil(scale.log_high) + 1)
    ticks = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    return [tick for tick in ticks if scale.log_low <= math.log10(tick) <= scale.log_high]


def _line(hull: Sequence[Point], scale: _Scale) -> str:
    corners = " ".join(f"{scale.x(p.cost_usd):.1f},{scale.y(p.solved):.1f}" for p in hull)
    return f'<polyline points="{corners}" fill="none" stroke="#999" stroke-dasharray="5 4"/>'


def _mark(point: Point, scale: _Scale) -> str:
    colour, shape = STYLES[point.kind]
    x, y = scale.x(point.cost_usd), scale.y(point.solved)
    tip = f"<title>{escape(f'{point.name}: ${point.cost_usd:.3f}, {point.solved:.1%} solved')}</title>"
    label = "" if point.kind.startswith("plan") else _label(point.name, x, y)
    return f'<g fill="{colour}">{tip}{_shape(shape, x, y)}</g>{label}'


def _label(name: str, x: float, y: float) -> str:
    return f'<text x="{x + 7:.1f}" y="{y + 4:.1f}" font-size="10" fill="#555">{escape(name)}</text>'


def _shape(shape: str, x: float, y: float) -> str:
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    if shape == "square":
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>'
    return f'<path d="M{x:.1f} {y - 6:.1f}L{x + 6:.1f} {y:.1f}L{x:.1f} {y + 6:.1f}L{x - 6:.1f} {y:.1f}Z"/>'


def _legend() -> Iterable[str]:
    x = WIDTH - 150
    for index, (kind, (colour, shape)) in enumerate(STYLES.items()):
        y = HEIGHT - BOTTOM - 20 * (len(STYLES) - index)
        yield f'<g fill="{colour}">{_shape(shape, x, y)}</g><text x="{x + 12}" y="{y + 4}">{kind}</text>'
