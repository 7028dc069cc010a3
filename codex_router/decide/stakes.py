"""Which tier a prompt deserves when its category is not certain: the one with the least expected regret.

A tier is the arm that is right for tasks of its value. Two things go wrong when a task meets another tier's arm:

- it gets too little: the arm solves `GAP` fewer of such tasks, each of which was worth the difference in value more
  than the arm was chosen for;
- it gets too much: the arm spends more than the task's own would. What an arm spends on an attempt is taken to grow
  with the root of the stake, `SPEND_USD` at one dollar.

With task values of 25, 5 and 1 dollars, a precision task sent to bulk costs 2.40 and a bulk task sent to standard 0.37:
a prompt goes to precision rather than to standard when it belongs there with probability 0.29, and to bulk only when
that is at least 0.52 sure. The thresholds follow from the task values; a policy with equal values routes by
probability alone. `GAP` and `SPEND_USD` are judgements: about what a step down the published hulls costs and saves.
"""

from __future__ import annotations

import math

from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GAP = 0.10
"""Share of tasks that an arm for a lower value fails to solve and the right one solves."""
SPEND_USD = 0.30
"""Spend of an attempt by the arm that is right for tasks worth one dollar."""


def regret(used: float, deserved: float) -> float:
    """Return what is lost, USD, on a task worth `deserved` USD when the arm for tasks worth `used` USD takes it."""
    if deserved > used:
        return GAP * (deserved - used)
    return SPEND_USD * (math.sqrt(used) - math.sqrt(deserved))


def threshold(lower: float, higher: float) -> float:
    """Return the probability from which the dearer arm loses less than the cheaper one, were there only these two.

    Args:
        lower: task value, USD, of the one tier.
        higher: that of the other; more than `lower`.
    """
    spared, spent = regret(lower, higher), regret(higher, lower)
    return spent / (spared + spent)


class Stake(NamedTuple):
    """What a tier has to do with a prompt."""

    tier: str
    probability: float
    """That the prompt deserves it; categories without a tier left out, so the sum may be less than 1."""
    expected_regret_usd: float
    """What choosing it is expected to lose."""


def stakes(
    probabilities: Iterable[tuple[str, float]], tier_of: Mapping[str, str], task_values: Mapping[str, float]
) -> list[Stake]:
    """Return every tier's stake in a prompt, in the order of `task_values`.

    Args:
        probabilities: (category, probability).
        tier_of: category to tier; a category without a tier, such as ``none``, says nothing.
        task_values: tier to the value of a solved task, USD.
    """
    shares = dict.fromkeys(task_values, 0.0)
    for category, probability in probabilities:
        tier = tier_of.get(category)
        if tier in shares:
            shares[tier] += probability

    def expected(used: str) -> float:
        return sum(share * regret(task_values[used], task_values[deserved]) for deserved, share in shares.items())

    return [Stake(tier, share, expected(tier)) for tier, share in shares.items()]


def choose_tier(
    probabilities: Iterable[tuple[str, float]],
    tier_of: Mapping[str, str],
    task_values: Mapping[str, float],
    unsure: str,
) -> str:
    """Return the tier with the least expected regret; of equals the one that a task more probably deserves.

    Args:
        probabilities: as in `stakes`, like the next two.
        tier_of: category to tier.
        task_values: tier to USD.
        unsure: the tier when nothing is said.
    """
    found = stakes(probabilities, tier_of, task_values)
    if not any(one.probability for one in found):
        return unsure
    return min(found, key=lambda one: (one.expected_regret_usd, -one.probability)).tier
