"""Estimates as people and programs see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_router.decide.hull import break_evens, upper_hull
from codex_router.show.table import money, money_interval, percent, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table

    from codex_router.records import Estimate, Interval

COLUMNS = (
    "model",
    "effort",
    ">solved per attempt",
    ">cost per attempt",
    ">cost / pass rate (lower bound)",
    ">turns",
    ">published",
    ">own",
    ">worth own runs",
    "",
)


def interval_json(interval: Interval) -> dict[str, Any]:
    """Return a mean with its 90 % interval."""
    return {"mean": interval.mean, "ci90": [interval.low, interval.high]}


def estimate_json(one: Estimate) -> dict[str, Any]:
    """Return an estimate; amounts in USD per attempt, shares 0 to 1."""
    return {
        "model": one.arm.model,
        "effort": one.arm.effort,
        "category": one.category,
        "harness": one.harness,
        "p_pass": interval_json(one.p_pass),
        "cost_usd": interval_json(one.cost_usd),
        "turns": interval_json(one.turns),
        "cost_per_solved_usd_lower_bound": one.cost_per_solved_usd,
        "n_published": one.n_published,
        "n_local": one.n_local,
        "n_effective": one.n_effective,
        "n_model": one.n_model,
        "guess": one.guess,
    }


def estimates_table(category: str, estimates: Iterable[Estimate]) -> Table:
    """Return the arms of one category, cheapest first; intervals are 90 %."""
    rows = sorted(estimates, key=lambda one: one.cost_usd.mean)
    return table(COLUMNS, [_row(one) for one in rows], title=f"{category} (90 % intervals)")


def _row(one: Estimate) -> list[str]:
    turns = f"{one.turns.mean:.0f} ({one.turns.low:.0f}-{one.turns.high:.0f})"
    remark = "" if one.n_model else "no figures: prior only"
    return [
        one.arm.model,
        one.arm.effort or "-",
        percent(one.p_pass),
        money_interval(one.cost_usd),
        money(one.cost_per_solved_usd),
        turns,
        f"{one.n_published:,}",
        f"{one.n_local:,}",
        f"{one.n_effective:.0f}",
        remark or ("guess" if one.guess else ""),
    ]


def break_evens_json(estimates: Sequence[Estimate]) -> list[dict[str, Any]]:
    """Return, for one category, the task values at which the best single arm changes."""
    known = [one for one in estimates if one.n_model]
    costs, passes = [one.cost_usd.mean for one in known], [one.p_pass.mean for one in known]
    hull = upper_hull(costs, passes)
    return [
        {
            "category": known[dearer].category,
            "arm": _arm(known[dearer]),
            "instead_of": _arm(known[cheaper]),
            "above_value_usd": value,
        }
        for cheaper, dearer, value in zip(hull, hull[1:], break_evens(costs, passes, hull), strict=False)
    ]


def _arm(one: Estimate) -> dict[str, str | None]:
    return {"model": one.arm.model, "effort": one.arm.effort}


def break_even_words(row: dict[str, Any]) -> str:
    """Return a break-even value as a sentence."""
    dearer, cheaper = (_words(row[name]) for name in ("arm", "instead_of"))
    value = money(row["above_value_usd"])
    return f"{dearer} pays only if a solved task is worth more than {value} to you; below that {cheaper} does"


def _words(arm: dict[str, str | None]) -> str:
    return " ".join(word for word in (arm["model"], arm["effort"]) if word)
