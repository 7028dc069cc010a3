"""The concave hull: exactly the arms that are best at some task value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_router.decide.hull import break_evens, upper_hull


def test_the_arm_below_the_line_between_its_neighbours_is_left_out() -> None:
    costs, passes = [0.1, 0.2, 1.0, 0.5], [0.5, 0.53, 0.9, 0.4]

    assert upper_hull(costs, passes) == [0, 2]
    assert break_evens(costs, passes, [0, 2]) == [pytest.approx(0.9 / 0.4)]


def test_of_equal_cost_the_better_and_of_equal_pass_rate_the_cheaper_stays() -> None:
    assert upper_hull([1.0, 1.0, 2.0], [0.5, 0.6, 0.6]) == [1]


points = st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 1000)), min_size=1, max_size=12, unique=True)


@given(points, st.floats(0.0, 50.0))
def test_at_any_value_the_best_arm_is_a_corner_and_break_evens_say_which(
    arms: list[tuple[int, int]], value: float
) -> None:
    costs, passes = [cost / 100 for cost, _ in arms], [rate / 1000 for _, rate in arms]
    hull = upper_hull(costs, passes)
    borders = break_evens(costs, passes, hull)

    assert borders == sorted(borders)
    best = max(value * p - c for c, p in zip(costs, passes, strict=True))
    chosen = hull[sum(border < value for border in borders)]
    assert value * passes[chosen] - costs[chosen] == pytest.approx(best, abs=1e-9)
