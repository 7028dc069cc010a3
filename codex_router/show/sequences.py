"""Sequences of arms as people and programs see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_router.show.estimates import interval_json
from codex_router.show.table import money, money_interval, percent, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from codex_router.decide.planning import Option, SequencePlan, Stakes
    from codex_router.records import Arm

COLUMNS = (
    "",
    "arms, in order",
    "checked",
    ">solved",
    ">wrong accepted",
    ">unsolved",
    ">spend per task",
    ">worth per task",
    ">no loss",
)


def arms_json(arms: Iterable[Arm]) -> list[dict[str, str | None]]:
    """Return arms as objects."""
    return [{"model": arm.model, "effort": arm.effort} for arm in arms]


def option_json(option: Option) -> dict[str, Any]:
    """Return a sequence and its prediction; shares 0 to 1, USD per task."""
    resolved = option.resolved
    return {
        "sequence": arms_json(option.arms),
        "checked": option.checked,
        "predicted": {
            "resolved": interval_json(resolved),
            "unsolved": {"mean": 1 - resolved.mean, "ci90": [1 - resolved.high, 1 - resolved.low]},
            "spend_usd": interval_json(option.spend_usd),
            "wrong_accepted": interval_json(option.wrong_accepted),
            "handed_over": interval_json(option.handed_over),
            "worth_usd": interval_json(option.worth_usd),
            "p_no_loss": option.p_no_loss,
        },
    }


def plan_json(plan: SequencePlan, stakes: Stakes, *, everything: bool) -> dict[str, Any]:
    """Return the choice with all that it rests on."""
    middle = plan.association.middle()
    document: dict[str, Any] = {
        "category": plan.category,
        "objective": plan.objective,
        **option_json(plan.chosen),
        "clear_winner": plan.clear,
        "cost_per_attempt_usd": plan.first.spend_usd.mean,
        "cost_per_solved_usd_lower_bound": _per_solved(plan.first),
        "reference": option_json(plan.reference),
        "saved_share": 1 - plan.chosen.spend_usd.mean / plan.reference.spend_usd.mean,
        "runners_up": [
            {**option_json(option), "p_at_least_as_good": probability} for option, probability in plan.runners_up
        ],
        "stakes": stakes_json(stakes),
        "difficulty": {
            "common": middle.common,
            "same_model": middle.same,
            "pairs_learnt_from": plan.association.pairs,
        },
    }
    if everything:
        document["sequences"] = [option_json(option) for option in plan.considered]
    return document


def stakes_json(stakes: Stakes) -> dict[str, Any]:
    """Return what results are worth and how they are judged."""
    return {
        "value_usd": stakes.value_usd,
        "wrong_accepted_usd": stakes.wrong_accepted_usd,
        "hand_over_usd": stakes.hand_over_usd,
        "check_cost_usd": stakes.check.cost_usd,
        "check_sensitivity": stakes.check.sensitivity,
        "check_false_accept": stakes.check.false_accept,
        "no_loss_tolerance": stakes.tolerance,
        "no_loss_confidence": stakes.confidence,
    }


def plan_table(plan: SequencePlan, *, everything: bool) -> Table:
    """Return the choice, its runners-up and the reference; with `everything`, all sequences by spend."""
    rows = [_row("chosen", plan.chosen)]
    as_good = "as good" if plan.objective == "value" else "as cheap"
    rows += [_row(f"{as_good}: {probability:.0%}", option) for option, probability in plan.runners_up]
    rows.append(_row("reference", plan.reference))
    if everything:
        rows += [_row("", option) for option in sorted(plan.considered, key=lambda option: option.spend_usd.mean)]
    return table(COLUMNS, rows, title=f"{plan.category}, objective {plan.objective} (90 % intervals)")


def _row(name: str, option: Option) -> list[str]:
    return [
        name,
        " > ".join(str(arm) for arm in option.arms),
        "yes" if option.checked else "no",
        percent(option.resolved),
        f"{option.wrong_accepted.mean:.0%}",
        f"{1 - option.resolved.mean:.0%}",
        money_interval(option.spend_usd),
        money(option.worth_usd.mean),
        f"{option.p_no_loss:.0%}",
    ]


def three_numbers(plan: SequencePlan) -> list[str]:
    """Return the three numbers that belong side by side."""
    attempt, whole = plan.first, plan.chosen
    return [
        f"cost of one attempt by {attempt.arms[0]}: {money(attempt.spend_usd.mean)}",
        f"cost / pass rate of it: {money(_per_solved(attempt))} (a lower bound: tasks that failed once fail again)",
        f"the whole plan: {money(whole.spend_usd.mean)} per task, {1 - whole.resolved.mean:.0%} of tasks stay unsolved",
    ]


def _per_solved(option: Option) -> float:
    return option.spend_usd.mean / max(option.resolved.mean, 1e-9)
