"""Which tier a prompt deserves when its category is not certain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from codex_router.decide.stakes import choose_tier, regret

VALUES = {"precision": 25.0, "standard": 5.0, "bulk": 1.0}
TIER_OF = {"review": "precision", "feature": "standard", "docs": "bulk"}
value = st.floats(0.05, 500)


@given(value, value)
def test_regret_is_the_integral_it_says_it_is(used: float, deserved: float) -> None:
    area, _ = integrate.quad(lambda x: (deserved - x) / x, used, deserved)
    assert regret(used, deserved) == pytest.approx(area, rel=1e-6, abs=1e-6)
    assert regret(used, deserved) >= -1e-9


@given(value)
def test_the_right_arm_is_not_regretted(worth: float) -> None:
    assert regret(worth, worth) == 0


@given(value, st.floats(1.5, 50))
def test_too_little_is_regretted_more_than_too_much(worth: float, factor: float) -> None:
    assert regret(worth, worth * factor) > regret(worth * factor, worth)


def tier(review: float, feature: float, docs: float) -> str:
    chances = (("review", review), ("feature", feature), ("docs", docs))
    return choose_tier(chances, TIER_OF, VALUES, "standard")


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ((1, 0, 0), "precision"),
        ((0, 1, 0), "standard"),
        ((0, 0, 1), "bulk"),
        ((0.38, 0.62, 0), "precision"),
        ((0.36, 0.64, 0), "standard"),
        ((0, 0.36, 0.64), "bulk"),
        ((0, 0.38, 0.62), "standard"),
    ],
)
def test_the_thresholds_are_those_of_the_values(chances: tuple[float, float, float], expected: str) -> None:
    assert tier(*chances) == expected


def test_probabilities_of_a_tier_add_up() -> None:
    tier_of = {"review": "precision", "design": "precision", "feature": "standard"}
    chances = (("feature", 0.6), ("review", 0.2), ("design", 0.2))
    assert choose_tier(chances, tier_of, VALUES, "standard") == "precision"


def test_what_has_no_tier_counts_for_the_middle_one() -> None:
    assert choose_tier((("none", 0.9), ("docs", 0.1)), TIER_OF, VALUES, "standard") == "standard"


def test_a_value_of_nothing_does_not_divide_by_zero() -> None:
    assert choose_tier((("docs", 1.0),), TIER_OF, {**VALUES, "bulk": 0.0}, "standard") == "bulk"
