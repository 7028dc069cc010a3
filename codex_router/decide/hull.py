"""The upper concave hull of (cost, pass rate) and the task values at which its corners change places."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def upper_hull(costs: Sequence[float], passes: Sequence[float]) -> list[int]:
    """Return the indices of the arms that are best at some task value, cheapest first.

    An arm maximises ``value * pass - cost`` for some value >= 0 exactly if it is a corner of the upper concave hull of
    the points (cost, pass) to the left of the highest pass rate (Andrew's monotone chain).
    """
    order = sorted(range(len(costs)), key=lambda index: (costs[index], -passes[index]))
    hull: list[int] = []
    for point in order:
        if hull and passes[point] <= passes[hull[-1]]:
            continue
        while len(hull) > 1 and _break_even(costs, passes, hull[-2], hull[-1]) >= _break_even(
            costs, passes, hull[-1], point
        ):
            hull.pop()
        hull.append(point)
    return hull


def break_evens(costs: Sequence[float], passes: Sequence[float], hull: Sequence[int]) -> list[float]:
    """Return, for each corner but the first, the task value in USD above which it beats the corner before it."""
    return [_break_even(costs, passes, a, b) for a, b in pairwise(hull)]


def _break_even(costs: Sequence[float], passes: Sequence[float], a: int, b: int) -> float:
    """Return (c_b - c_a) / (p_b - p_a), the value at which both arms are worth the same; p_b > p_a."""
    gain = passes[b] - passes[a]
    return (costs[b] - costs[a]) / gain if gain > 0 else math.inf
