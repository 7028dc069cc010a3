"""Turn a plan into text: ``codex-router.toml`` for people, profile files or tables for the installed Codex."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import tomlkit

from codex_router.codex.versions import TABLE_KEYS, Reads
from codex_router.errors import UsageError
from codex_router.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_router.records import Budget, Plan, Tier

MARK = "written by codex-router"
"""Stands in a comment of everything we render, for people and for telling our tables in our own bytes."""
NO_TEMPLATES = frozenset({"policy", "categories", "codex-models"})
"""Files beside the templates; a tier may be called so."""
MOST_TOKENS = 2**53
"""A budget beyond it is none, and Codex would not read the number."""
REMIND_AT = 0.6
"""Share of the budget after which the model is reminded (arXiv 2510.16786: limits with reminders lose least)."""
FORBIDDEN = re.compile(r"sandbox|approv|danger|trust|network_access")
"""Keys that decide what a run may do; no tier ever sets one."""

ROUTER_HEAD = """\
codex-router.toml: which model and effort each kind of task gets.
Review it, edit it, then run `codex-router apply`, which renders it for the installed Codex.
max_turns (model responses) and max_cost_usd are runaway insurance, held by `codex-router exec`; 0 is no limit.
expected_cost_usd is the predicted mean cost of an attempt, for comparisons only.
task_value_usd is what a solved task was taken to be worth when the arm was chosen.
solves_after is the share of tasks it is foretold to solve of those that a cheaper profile failed at; after a failed
check, `codex-router exec` goes on only where that share of the task's value exceeds the cost."""


def router_text(plan: Plan) -> str:
    """Return ``codex-router.toml`` for a plan; the same plan gives the same bytes."""
    document = tomlkit.document()
    _comment(document, ROUTER_HEAD)
    document.add(tomlkit.nl())
    document["schema"] = 1
    profiles = tomlkit.table(is_super_table=True)
    for tier in plan.tiers:
        profiles[tier.name] = _router_table(tier)
    document["profile"] = profiles
    routes = tomlkit.table()
    for note in plan.notes:
        _comment(routes, note)
    for category, name in plan.routes:
        routes[category] = name
    document["route"] = routes
    if plan.budgets:
        budgets = tomlkit.table(is_super_table=True)
        for category, budget in plan.budgets:
            budgets[category] = _own_budget(budget)
        document["budget"] = budgets
    return tomlkit.dumps(document)


def _router_table(tier: Tier) -> Any:
    table = tomlkit.table()
    if tier.rests_on:
        _comment(table, tier.rests_on)
    table["model"] = tier.arm.model
    if tier.model_provider:
        table["model_provider"] = tier.model_provider
    if tier.arm.effort:
        table["reasoning_effort"] = tier.arm.effort
    table["max_turns"] = tier.budget.max_turns or 0
    table["max_cost_usd"] = tier.budget.max_cost_usd or 0
    if tier.budget.max_seconds is not None:
        table["max_seconds"] = tier.budget.max_seconds
    if tier.expected_cost_usd:
        table["expected_cost_usd"] = tier.expected_cost_usd
    table["task_value_usd"] = tier.task_value_usd
    if tier.solves_after:
        table["solves_after"] = _inline(tier.solves_after)
    if tier.template and tier.template != tier.name:
        table["template"] = tier.template
    return table


def _inline(shares: tuple[tuple[str, float], ...]) -> Any:
    table = tomlkit.inline_table()
    table.update(dict(shares))
    return table


class Price(NamedTuple):
    """List price of a model."""

    input_usd_per_mtok: float
    output_usd_per_mtok: float


Prices = Mapping[str, Price]
"""Known list prices by model."""


def _own_budget(budget: Budget) -> Any:
    table = tomlkit.table()
    table["max_turns"] = budget.max_turns or 0
    table["max_cost_usd"] = budget.max_cost_usd or 0
    if budget.max_seconds is not None:
        table["max_seconds"] = budget.max_seconds
    return table


def profile_text(tier: Tier, reads: Reads, prices: Prices) -> str:
    """Return ``<tier>.config.toml`` for a Codex that reads profile files."""
    head = (
        f"# Codex profile `{tier.name}`, {MARK}: edit codex-router.toml and run `codex-router apply`.\n"
        f"# Budget held by `codex-router exec`: {_budget_words(tier)}.\n"
    )
    text = head + "".join(f"{line}\n" for line in _assignments(tier)) + "\n" + _levers(tier, reads)
    price = prices.get(tier.arm.model)
    if reads.rollout_budget and tier.budget.max_cost_usd and price is not None and price.input_usd_per_mtok > 0:
        text += "\n" + _native_budget(tier.budget.max_cost_usd, price)
    return text


def _native_budget(max_cost_usd: float, price: Price) -> str:
    """Return Codex's own token budget that comes nearest to a dollar budget.

    Codex stops when output x weight + (input - cached) reaches the limit (measured, 0.142 to 0.169). With the ratio
    of the two prices as the weight this is a limit in dollars that does not see the cached share.
    """
    limit = max(2, min(MOST_TOKENS, round(max_cost_usd / price.input_usd_per_mtok * 1e6)))
    weight = price.output_usd_per_mtok / price.input_usd_per_mtok
    return (
        f"# Codex's own limit, for runs without `codex-router exec`: ${max_cost_usd:,.2f} of fresh input and output\n"
        f"# at list prices (output weighs {weight:g} times as much, cached input nothing). The model is told when\n"
        f"# {REMIND_AT:.0%} are used; at the limit the run ends with exit status 1.\n"
        "suppress_unstable_features_warning = true\n\n"
        "[features.rollout_budget]\n"
        "enabled = true\n"
        f"limit_tokens = {limit}\n"
        f"reminder_at_remaining_tokens = [{max(1, round(limit * (1 - REMIND_AT)))}]\n"
        f"sampling_token_weight = {round(weight, 6)!r}\n"
        "prefill_token_weight = 1.0\n"
    )


def tables_text(tiers: Iterable[Tier], reads: Reads) -> str:
    """Return the ``[profiles.<tier>]`` tables for a Codex before 0.134."""
    blocks = []
    for tier in tiers:
        head = (
            f"[profiles.{tier.name}]\n"
            f"# {MARK}: edit codex-router.toml and run `codex-router apply`\n"
            f"# budget held by `codex-router exec`: {_budget_words(tier)}\n"
        )
        blocks.append(
            head + "".join(f"{line}\n" for line in _assignments(tier)) + _levers(tier, reads).replace("\n\n", "\n")
        )
    return "\n".join(blocks)


def _assignments(tier: Tier) -> list[str]:
    values = {
        "model": tier.arm.model,
        "model_provider": tier.model_provider,
        "model_reasoning_effort": tier.arm.effort,
    }
    return [f"{key} = {tomlkit.item(value).as_string()}" for key, value in values.items() if value]


def _budget_words(tier: Tier) -> str:
    turns, cost = tier.budget.max_turns, tier.budget.max_cost_usd
    words = [f"{turns} turns" if turns else "", f"${cost:,.2f}" if cost else ""]
    return " and ".join(word for word in words if word) or "none"


def _levers(tier: Tier, reads: Reads) -> str:
    """Return the template's paragraphs that this Codex accepts."""
    paragraphs = template(tier.template or tier.name)
    if not reads.profile_files:
        paragraphs = [(key, text) for key, text in paragraphs if key in TABLE_KEYS]
    return "\n".join(text for _, text in paragraphs)


def template(name: str) -> list[tuple[str, str]]:
    """Return (key, paragraph) of each lever of a template; a name without one gets the standard tier's.

    Raises:
        UsageError: a paragraph is not comments and one assignment, or names a sandbox or approval setting.
    """
    where = shipped("profiles") / f"{name}.toml"
    if name in NO_TEMPLATES or not where.is_file():
        where = shipped("profiles") / "standard.toml"
    paragraphs = []
    for text in where.read_text(encoding="utf-8").split("\n\n"):
        values = tomllib.loads(text)
        if len(values) > 1:
            raise UsageError("a paragraph holds more than one key", where=where, hint="see profiles/README.md")
        for key in values:
            if FORBIDDEN.search(key):
                raise UsageError(f"a tier must not set `{key}`", where=where, hint="it decides what a run may do")
            paragraphs.append((key, text.strip("\n") + "\n"))
    return paragraphs


def article_tables(plan: Plan) -> str:
    """Return the tiers as the ``[profile.NAME]`` tables that articles print; no Codex starts with them."""
    tables = []
    for tier in plan.tiers:
        values = {
            "model": tier.arm.model,
            "reasoning_effort": tier.arm.effort,
            "max_turns": tier.budget.max_turns,
            "max_cost_usd": tier.budget.max_cost_usd,
        }
        lines = [f"{key} = {tomlkit.item(value).as_string()}\n" for key, value in values.items() if value]
        tables.append(f"[profile.{tier.name}]\n# {MARK}\n" + "".join(lines))
    return "\n".join(tables)


def _comment(container: Any, text: str) -> None:
    for line in text.splitlines():
        container.add(tomlkit.comment(line))
