"""Which tier a prompt deserves when its category is not certain: the one with the least expected regret.

A tier is the arm that is right for tasks of its value: it spends until one more dollar buys less than one more dollar
of solved work. With the spend of the right arm proportional to the task's value (twice the stake, twice the spend), an
extra dollar at value v buys 1/v of a solved task, and using the arm for value u on a task worth v loses

    r(u, v) = integral from u to v of (v - x) dx / x = v ln(v/u) - (v - u)

dollars per dollar of value density: zero for u = v, and for the same factor larger when a task gets too little than
when it gets too much. With values of 25, 5 and 1 dollars, a precision task sent to bulk costs 56 and a bulk task sent
to precision 21; a prompt goes to precision rather than to standard when it belongs there with probability 0.37, and
to bulk only when it belongs there with 0.63 or more. The thresholds follow from the task values alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def regret(used: float, deserved: float) -> float:
    """Return what is lost on a task worth `deserved` USD when the arm for tasks worth `used` USD takes it."""
    return deserved * math.log(deserved / used) - (deserved - used)


def choose_tier(
    probabilities: Iterable[tuple[str, float]],
    tier_of: Mapping[str, str],
    task_values: Mapping[str, float],
    unsure: str,
) -> str:
    """Return the tier with the least expected regret.

    Args:
        probabilities: (category, probability).
        tier_of: category to tier; a category without one counts for `unsure`.
        task_values: tier to the value of a solved task, USD, positive.
        unsure: the tier for prompts that tell too little.
    """
    shares = dict.fromkeys(task_values, 0.0)
    for category, probability in probabilities:
        tier = tier_of.get(category, unsure)
        shares[tier if tier in shares else unsure] += probability
    values = {tier: max(value, 0.01) for tier, value in task_values.items()}

    def expected(used: str) -> float:
        return sum(share * regret(values[used], values[deserved]) for deserved, share in shares.items())

    return min(sorted(values, key=lambda tier: -values[tier]), key=expected)
