"""From evidence to a plan: the step that `init` and `diff --refit` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from codex_router.codex.catalogue import Catalogue, on_offer, restricted
from codex_router.codex.router_file import check_model_name, check_tier_name, read_plan
from codex_router.commands.own_evidence import own_turns
from codex_router.commands.policy_in_force import read_policy
from codex_router.decide.estimator import Estimator
from codex_router.decide.tiers import plan_for
from codex_router.errors import RouterError
from codex_router.evidence.bundled import aggregates
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.tables import distinct
from codex_router.records import Plan, Tier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from codex_router.codex.locate import Codex
    from codex_router.decide.policy import Policy
    from codex_router.records import Estimate

HARNESS = "codex"


class Recommendation(NamedTuple):
    """A plan and what it was chosen from."""

    plan: Plan
    catalogue: Catalogue
    estimator: Estimator


def recommend(codex: Codex | None, home: Path, models: Sequence[str] = (), prefix: str = "") -> Recommendation:
    """Return the plan that the evidence recommends for the arms on offer.

    Args:
        codex: the installed Codex; None when there is none.
        home: the Codex home, whose configuration may name further models.
        models: ``MODEL`` or ``MODEL:EFFORT`` to restrict the choice to; empty for all on offer.
        prefix: put before every tier's name.

    Raises:
        RouterError: no arm is on offer or measured, the policy is wrong, or ``config.toml`` does not parse.
    """
    policy = read_policy()
    catalogue = on_offer(codex, home)
    arms = restricted(catalogue, models) if models else catalogue.arms()
    for arm in arms:
        check_model_name(arm.model, catalogue.source)
    estimator = _estimator()
    plan = plan_for(estimator, arms, policy, _in_force(home, prefix))
    return Recommendation(_named(plan, catalogue, prefix), catalogue, estimator)


def prefix_in_force(home: Path) -> str:
    """Return what `init --prefix` put before the name of every tier in force; empty for nothing."""
    try:
        tiers = read_plan(home).tiers
    except RouterError:
        return ""
    found = {tier.name.removesuffix(tier.template or tier.name) for tier in tiers}
    return found.pop() if len(found) == 1 else ""


def estimates_on_offer(codex: Codex | None, home: Path) -> tuple[list[Estimate], Policy]:
    """Return what is believed of every arm on offer in every category, and the policy in force.

    Raises:
        RouterError: as `recommend`.
    """
    policy = read_policy()
    names = [category.name for category in policy.categories]
    return _estimator().estimate(on_offer(codex, home).arms(), names), policy


def _estimator() -> Estimator:
    with Ledger.open(create=False) as ledger:
        published = distinct((*aggregates(), *ledger.aggregates()))
        own = ledger.attempts()
    turns = own_turns()
    return Estimator(target_harness=HARNESS).fit(published, [*own, *turns.attempts], turns.summed)


def _in_force(home: Path, prefix: str) -> Plan | None:
    """Return the plan that the user has now, if any: it is changed only where a change credibly pays."""
    try:
        plan = read_plan(home)
    except RouterError:
        return None  # none yet, or one that is told about where it is used
    return plan._replace(tiers=tuple(tier._replace(name=tier.name.removeprefix(prefix)) for tier in plan.tiers))


def _named(plan: Plan, catalogue: Catalogue, prefix: str) -> Plan:
    """Give the tiers their prefix and the provider that their model needs."""
    tiers = tuple(_with(tier, prefix, catalogue) for tier in plan.tiers)
    routes = tuple((category, prefix + name) for category, name in plan.routes)
    return Plan(tiers, routes, plan.notes, plan.budgets)


def _with(tier: Tier, prefix: str, catalogue: Catalogue) -> Tier:
    model = catalogue.model(tier.arm.model)
    return Tier(
        name=check_tier_name(prefix + tier.name),
        task_value_usd=tier.task_value_usd,
        arm=tier.arm,
        budget=tier.budget,
        model_provider=model.provider if model else None,
        estimate=tier.estimate,
        expected_cost_usd=float(f"{tier.estimate.cost_usd.mean:.3g}") if tier.estimate else None,
        rests_on=tier.rests_on,
        solves_after=tuple((prefix + name, round(share, 2)) for name, share in tier.solves_after),
        template=tier.name if prefix else None,
    )
