"""The results of an evaluation, averaged over its splits, as people and programs see them."""

from __future__ import annotations

from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from codex_router.decide.evaluation import CHECKS, LOSS
from codex_router.decide.hull import upper_hull
from codex_router.show.plot import Point, svg
from codex_router.show.table import money, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table as RichTable

    from codex_router.decide.evaluation import Evaluation, Policy, Split
    from codex_router.decide.forecast_error import PairErrors, RetryErrors

COLUMNS = (
    "policy",
    ">cost per task",
    ">solved",
    ">wrong accepted",
    ">saved",
    ">against reference",
    ">splits that lose",
)


def policies_json(splits: Sequence[Split]) -> list[dict[str, Any]]:
    """Return every policy with its means over the splits; shares 0 to 1, USD per task."""
    return [_policy_json(policy, splits) for policy in splits[0].scores]


def _policy_json(policy: Policy, splits: Sequence[Split]) -> dict[str, Any]:
    scores = [split.scores[policy] for split in splits]
    saved = [1 - score.outcome.cost_usd / split.reference.cost_usd for score, split in zip(scores, splits, strict=True)]
    gained = [score.outcome.solved - split.reference.solved for score, split in zip(scores, splits, strict=True)]
    document: dict[str, Any] = {
        "kind": policy.kind,
        "name": policy_name(policy),
        "model": policy.arm.model if policy.arm else None,
        "effort": policy.arm.effort if policy.arm else None,
        "attempts": policy.attempts,
        "check": policy.check,
        "objective": policy.objective,
        "cost_usd": fmean(score.outcome.cost_usd for score in scores),
        "resolved": fmean(score.outcome.solved for score in scores),
        "wrong_accepted": fmean(score.outcome.wrong_accepted for score in scores),
        "saved_share": fmean(saved),
        "gained_share": fmean(gained),
        "gained_share_sd": pstdev(gained),
        "splits_losing_share": fmean(gain < -LOSS for gain in gained),
        "oracle_savings_share": _oracle_share(scores, splits),
        "predicted": None,
        "most_chosen": max((score.chosen for score in scores), key=[score.chosen for score in scores].count),
    }
    if scores[0].predicted:
        expected = [score.predicted for score in scores if score.predicted]
        document["predicted"] = {
            "resolved": fmean(one.solved for one in expected),
            "spend_usd": fmean(one.cost_usd for one in expected),
            "wrong_accepted": fmean(one.wrong_accepted for one in expected),
        }
    return document


def _oracle_share(scores: Sequence[Any], splits: Sequence[Split]) -> float | None:
    """Return the savings as a share of the most that could be saved without loss; None when nothing could."""
    got = fmean(split.reference.cost_usd - score.outcome.cost_usd for score, split in zip(scores, splits, strict=True))
    possible = fmean(split.reference.cost_usd - split.oracle_cost_usd for split in splits)
    return got / possible if possible > 0 else None


def policy_name(policy: Policy) -> str:
    """Return a policy in words."""
    if policy.kind == "single":
        return str(policy.arm)
    if policy.kind == "plan":
        return f"{policy.objective} plan, up to {policy.attempts} attempts, {policy.check} check"
    return {
        "static": "best single arm",
        "per category": "best arm per category",
        "independence": "no-loss, 2 attempts, taken for independent (a warning)",
        "oracle": "oracle: the cheapest arm that solves",
    }[policy.kind]


def coverage_json(splits: Sequence[Split]) -> dict[str, Any]:
    """Return how often 90 % intervals held."""
    found = [pair for split in splits for pair in split.covered]
    if not found:
        return {"p_pass": None, "cost_usd": None, "intervals": 0}
    return {
        "p_pass": fmean(passes for passes, _ in found),
        "cost_usd": fmean(cost for _, cost in found),
        "intervals": len(found),
    }


def pairs_json(category: str, errors: PairErrors) -> dict[str, Any]:
    """Return the forecast errors of two-step cascades."""
    return {
        "category": category,
        "pairs": errors.pairs,
        "resolved_rmse": errors.resolved_rmse,
        "spend_mean_relative_error": errors.spend_error,
        "independence_resolved_rmse": errors.independent_resolved_rmse,
        "independence_spend_mean_relative_error": errors.independent_spend_error,
    }


def retries_json(category: str, errors: RetryErrors) -> dict[str, Any]:
    """Return the forecast errors of pass@k."""
    return {
        "category": category,
        "k": errors.k,
        "arms": errors.arms,
        "resolved_rmse": errors.rmse,
        "independence_resolved_rmse": errors.independent_rmse,
    }


def evaluation_table(rows: Sequence[dict[str, Any]], title: str) -> RichTable:
    """Return the policies as a table."""
    return table(COLUMNS, [_row(row) for row in rows], title=title)


def _row(row: dict[str, Any]) -> list[str]:
    return [
        row["name"],
        money(row["cost_usd"]),
        f"{row['resolved']:.1%}",
        f"{row['wrong_accepted']:.1%}" if row["check"] else "",
        f"{row['saved_share']:.0%}",
        f"{100 * row['gained_share']:+.1f} points",
        f"{row['splits_losing_share']:.0%}",
    ]


def picture(rows: Sequence[dict[str, Any]], evaluation: Evaluation, title: str) -> str:
    """Return the evaluation as SVG; plans are those under a perfect check."""
    reference = str(evaluation.table.arms[evaluation.reference])
    singles = [_point("single", row) for row in rows if row["kind"] == "single"]
    plans = [
        _point(f"plan, {row['attempts']} attempts", row)
        for row in rows
        if row["kind"] == "plan" and row["check"] == next(iter(CHECKS)) and row["attempts"] <= 3
    ]
    marked = [point._replace(kind="reference") if point.name == reference else point for point in singles]
    hull = upper_hull([point.cost_usd for point in singles], [point.solved for point in singles])
    best = [_point("oracle", row)._replace(name="oracle") for row in rows if row["kind"] == "oracle"]
    return svg([*marked, *plans, *best], [singles[index] for index in hull], title)


def _point(kind: str, row: dict[str, Any]) -> Point:
    return Point(kind, row["name"], row["cost_usd"], row["resolved"])
