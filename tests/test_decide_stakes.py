"""Which tier a prompt deserves when its category is not certain."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codex_router.decide.stakes import GAP, SPEND_USD, choose_tier, regret, stakes, threshold

VALUES = {"precision": 25.0, "standard": 5.0, "bulk": 1.0}
TIER_OF = {"review": "precision", "design": "precision", "feature": "standard", "docs": "bulk"}
value = st.floats(0.01, 1000)


def test_what_it_costs_to_be_wrong() -> None:
    assert regret(1, 25) == pytest.approx(24 * GAP)
    assert regret(25, 1) == pytest.approx(4 * SPEND_USD)
    assert regret(5, 5) == 0


@given(value, value, value)
def test_the_further_off_the_worse(one: float, two: float, three: float) -> None:
    low, middle, high = sorted((one, two, three))
    assert regret(low, high) >= regret(middle, high) >= 0
    assert regret(high, low) >= regret(middle, low) >= 0


def tier(review: float, feature: float, docs: float) -> str:
    return choose_tier((("review", review), ("feature", feature), ("docs", docs)), TIER_OF, VALUES, "standard")


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ((1, 0, 0), "precision"),
        ((0, 1, 0), "standard"),
        ((0, 0, 1), "bulk"),
        ((0.30, 0.70, 0), "precision"),
        ((0.28, 0.72, 0), "standard"),
        ((0, 0.47, 0.53), "bulk"),
        ((0, 0.49, 0.51), "standard"),
    ],
)
def test_the_thresholds_are_those_of_the_task_values(chances: tuple[float, float, float], expected: str) -> None:
    assert tier(*chances) == expected


def test_probabilities_of_a_tier_add_up() -> None:
    chances = (("feature", 0.7), ("review", 0.15), ("design", 0.15))
    assert choose_tier(chances, TIER_OF, VALUES, "standard") == "precision"


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1))
def test_a_higher_stake_never_lowers_the_tier(review: float, feature: float, docs: float) -> None:
    order = ["bulk", "standard", "precision"]
    raised = {**VALUES, "precision": 100.0}
    chances = (("review", review), ("feature", feature), ("docs", docs))
    if tier(review, feature, docs) == "precision":
        assert order.index(choose_tier(chances, TIER_OF, raised, "standard")) == 2


def test_what_has_no_tier_says_nothing() -> None:
    assert choose_tier((("none", 0.9), ("docs", 0.1)), TIER_OF, VALUES, "standard") == "bulk"
    assert choose_tier((("none", 1.0),), TIER_OF, VALUES, "standard") == "standard"


def test_equal_values_route_by_probability() -> None:
    equal = dict.fromkeys(VALUES, 5.0)
    assert choose_tier((("review", 0.4), ("docs", 0.6)), TIER_OF, equal, "standard") == "bulk"


@given(value, value)
def test_at_the_threshold_both_tiers_stand_to_lose_the_same(one: float, two: float) -> None:
    low, high = sorted((one, two))
    assume(high > low * 1.001)
    share = threshold(low, high)
    assert 0 < share < 1
    chances = (("review", share), ("docs", 1 - share))
    lower, higher = stakes(chances, {"review": "high", "docs": "low"}, {"low": low, "high": high})
    assert lower.expected_regret_usd == pytest.approx(higher.expected_regret_usd)
    assert (lower.tier, higher.tier) == ("low", "high")
    assert higher.probability == share
