"""From a prompt to the profile it gets: what `route` and `exec` share, on the standard library alone."""

from __future__ import annotations

from codex_router.codex.router_file import read_plan
from codex_router.decide.stakes import choose_tier
from codex_router.errors import UsageError
from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from os import PathLike

    from codex_router.decide.classify import Classifier
    from codex_router.records import Classification, Plan, Tier

UNSURE_TIER = "standard"
"""Where a prompt goes that tells too little; the middle tier when there is none of that name."""


class Route(NamedTuple):
    """The profile for a prompt, and why."""

    tier: Tier
    category: str
    """``none`` when the prompt tells too little."""
    classification: Classification | None
    """None when tier or category was given by the user."""
    why: str
    """One phrase, as ``bugfix (0.83)``."""
    dearest: Tier
    """The tier of the highest task value, for comparisons."""
    plan: Plan
    judge: Classifier | None = None
    """What the prompt was judged by; None when tier or category was given by the user."""

    @property
    def told(self) -> bool:
        """Tell whether the user said which category it is."""
        return self.classification is None and self.category != "none"


def route(prompt: str | None, home: str | PathLike[str], tier: str | None = None, category: str | None = None) -> Route:
    """Return the profile for a prompt.

    Args:
        prompt: None when it cannot be seen; it then counts as telling too little.
        home: the Codex home with ``codex-router.toml``.
        tier: given by the user, wins over everything.
        category: given by the user, wins over the classifier.

    Raises:
        RouterError: no ``codex-router.toml``, or no such tier or category.
    """
    plan = read_plan(home)
    dearest = max(plan.tiers, key=lambda one: one.task_value_usd)
    if tier is not None:
        return Route(_tier(plan, tier), category or "none", None, "as told", dearest, plan)
    if category is not None:
        name = plan.tier_for(category)
        if name is None:
            known = ", ".join(route_category for route_category, _ in plan.routes)
            raise UsageError(f"no route for category {category!r}", hint=f"routes are: {known}")
        return Route(_tier(plan, name, category), category, None, f"{category}, as told", dearest, plan)
    return _classified(prompt or "", plan, dearest)


def _classified(prompt: str, plan: Plan, dearest: Tier) -> Route:
    from codex_router.commands.judging import classifier  # 8 ms, for prompts whose kind nobody has told
    from codex_router.decide.classify import NONE, classify

    judge = classifier()
    found = classify(prompt, judge)
    chance = dict(found.probabilities).get(found.category, 0.0)
    usual = plan.tier_for(found.category)
    if found.abstained or usual is None:
        return Route(_unsure(plan), NONE, found, f"not sure ({found.category} {chance:.2f})", dearest, plan, judge)
    name = choose_tier(found.probabilities, dict(plan.routes), task_values(plan), _unsure(plan).name)
    why = f"{found.category} ({chance:.2f})"
    tier = _tier(plan, name, found.category)
    why = why if name == usual else f"{why}, by stakes"
    return Route(tier, found.category, found, why, dearest, plan, judge)


def task_values(plan: Plan) -> dict[str, float]:
    """Return what a solved task of each tier is worth, USD."""
    return {tier.name: tier.task_value_usd for tier in plan.tiers}


def _unsure(plan: Plan) -> Tier:
    ends = next((tier for tier in plan.tiers if (tier.template or tier.name) == UNSURE_TIER), None)
    return ends or sorted(plan.tiers, key=lambda tier: tier.task_value_usd)[len(plan.tiers) // 2]


def _tier(plan: Plan, name: str, category: str = "") -> Tier:
    """Return a tier, with the budget of the category where that has its own."""
    found = plan.tier(name)
    if found is None:
        raise UsageError(f"no tier {name!r}", hint=f"tiers are: {', '.join(tier.name for tier in plan.tiers)}")
    return found._replace(budget=plan.budget_for(category, found))


def choice(tier: Tier) -> list[str]:
    """Return what makes Codex run a tier, for right behind the word ``exec``.

    Model and effort are named besides the profile, since a trusted project's ``.codex/config.toml`` beats the profile
    file (measured: 0.134 to 0.169) but neither ``-m`` nor ``-c``.
    """
    words = ["--profile", tier.name, "-m", tier.arm.model]
    if tier.arm.effort:
        words += ["-c", f"model_reasoning_effort={tier.arm.effort}"]
    if tier.model_provider:
        words += ["-c", f"model_provider={tier.model_provider}"]
    return words
