"""List prices of a plan's models, in the form that rendering needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_router.codex.render import Price
from codex_router.evidence.prices import rates

if TYPE_CHECKING:
    from codex_router.codex.render import Prices
    from codex_router.records import Plan


def prices_of(plan: Plan) -> Prices:
    """Return the known base prices of the models in a plan; a model without a known price is left out."""
    found = {}
    for model in {tier.arm.model for tier in plan.tiers}:
        known = rates(model)
        if known is not None:
            found[model] = Price(known.tiers[0].input_usd, known.tiers[0].output_usd)
    return found
