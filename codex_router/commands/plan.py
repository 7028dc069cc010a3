"""``codex-router plan``: which arms to try in which order for one kind of task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from codex_router.commands.evidence_options import (
    HARNESS,
    EvidenceCommand,
    candidates,
    evidence_options,
    read_evidence,
    reference_arm,
)
from codex_router.commands.policy_in_force import read_policy
from codex_router.decide.estimator import Estimator
from codex_router.decide.planning import Planner, Stakes
from codex_router.decide.policy import Check
from codex_router.errors import RouterError
from codex_router.show.console import err, out, print_json
from codex_router.show.estimates import break_even_words, break_evens_json
from codex_router.show.sequences import plan_json, plan_table, three_numbers

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.decide.planning import Objective
    from codex_router.decide.policy import Policy
    from codex_router.records import Arm

SHARE = click.FloatRange(0.0, 1.0)
AMOUNT = click.FloatRange(0.0)


def check_options(function: Any) -> Any:
    """Add the options that say how results are checked."""
    for option in reversed(
        (
            click.option("--check-sensitivity", type=SHARE, help="Share of right results that the check accepts."),
            click.option("--check-false-accept", type=SHARE, help="Share of wrong results that it accepts too."),
            click.option("--check-cost", type=AMOUNT, metavar="USD", help="Cost of one check."),
        )
    ):
        function = option(function)
    return function


@click.command(cls=EvidenceCommand, short_help="which arms to try in which order for a category, and what to expect")
@evidence_options
@click.option("--category", required=True, metavar="NAME", help="Kind of task.")
@click.option(
    "--objective",
    type=click.Choice(["value", "no-loss"]),
    default="value",
    show_default=True,
    help="Most value, or the least spend that very probably solves as much as the reference.",
)
@click.option("--value", type=AMOUNT, metavar="USD", help="What a solved task is worth.  [default: the policy's]")
@click.option("--reference", metavar="MODEL:EFFORT", help="What no-loss is measured against.  [default: the best arm]")
@click.option("--attempts", type=click.IntRange(1, 5), help="Longest sequence.  [default: the policy's]")
@check_options
@click.option("--all", "everything", is_flag=True, help="List every sequence considered.")
def command(
    *,
    files: tuple[Path, ...],
    no_bundled: bool,
    no_ledger: bool,
    harness: str | None,
    models: str | None,
    seed: int,
    json_: bool,
    category: str,
    objective: Objective,
    value: float | None,
    reference: str | None,
    attempts: int | None,
    check_sensitivity: float | None,
    check_false_accept: float | None,
    check_cost: float | None,
    everything: bool,
) -> None:
    """Choose a sequence of arms for one kind of task; each is tried when the check rejected the one before."""
    policy = read_policy()
    evidence = read_evidence(files, no_bundled=no_bundled, no_ledger=no_ledger)
    estimator = Estimator(harness or HARNESS).fit(evidence.aggregates, evidence.attempts, evidence.summed)
    arms = candidates(evidence, models, no_bundled=no_bundled)
    best = reference_arm(reference, arms) if reference else None
    measured = _measured(estimator, arms, category)
    stakes = _stakes(policy, category, value, check_sensitivity, check_false_accept, check_cost)
    planner = Planner(
        estimator, measured, category, stakes, attempts=attempts or policy.max_attempts, reference=best, seed=seed
    )
    plan = planner.plan(objective, everything=everything)
    if json_:
        print_json(plan_json(plan, stakes, everything=everything))
        return
    console = out()
    console.print(plan_table(plan, everything=everything))
    for line in three_numbers(plan):
        console.print(line, soft_wrap=True)
    for row in break_evens_json(estimator.estimate(planner.arms, [category])):
        console.print(break_even_words(row), soft_wrap=True)
    if not plan.clear:
        err().print("no clear winner: the intervals do not tell the chosen sequence from the runner-up")


def _measured(estimator: Estimator, arms: list[Arm], category: str) -> list[Arm]:
    """Leave out models without any figures: a prior must not win."""
    estimates = estimator.estimate(arms, [category])
    known = [one.arm for one in estimates if one.n_model]
    unknown = sorted({one.arm.model for one in estimates if not one.n_model})
    if not known:
        raise RouterError("no figures for any of the models", hint="`codex-router fit` shows what there is")
    if unknown:
        err().print(f"never measured, so not considered: {', '.join(unknown)}")
    if all(one.guess for one in estimates):
        err().print(f"no evidence of its own for {category}: inferred from the other categories")
    return known


def _stakes(
    policy: Policy,
    category: str,
    value: float | None,
    sensitivity: float | None,
    false_accept: float | None,
    cost: float | None,
) -> Stakes:
    """Lay the options over the policy."""
    tiers = {one.name: one.tier for one in policy.categories}
    default = policy.task_value(tiers[category]) if category in tiers else policy.tiers[len(policy.tiers) // 2][1]
    check = Check(
        cost_usd=policy.check.cost_usd if cost is None else cost,
        sensitivity=policy.check.sensitivity if sensitivity is None else sensitivity,
        false_accept=policy.check.false_accept if false_accept is None else false_accept,
    )
    return Stakes(
        value_usd=default if value is None else value,
        check=check,
        wrong_accepted_usd=policy.wrong_accepted_usd,
        hand_over_usd=policy.hand_over_usd,
    )
