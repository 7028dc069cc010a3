"""``codex-router evaluate``: replay per-task results, to see what plans would have cost and solved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import track

from codex_router.commands.evidence_options import (
    EvidenceCommand,
    evidence_options,
    parse_arm,
    read_evidence,
    reference_arm,
)
from codex_router.decide.evaluation import CHECKS, Evaluation, Setting
from codex_router.decide.forecast_error import pair_errors, retry_errors
from codex_router.decide.replay import table_of
from codex_router.errors import RouterError, UsageError
from codex_router.show import evaluation as show
from codex_router.show.console import err, out, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_router.decide.replay import Table
    from codex_router.records import Arm, Attempt

FEWEST_TASKS = 40
"""Tasks tried by all arms, below which a replay says nothing."""


@click.command(cls=EvidenceCommand, short_help="replay per-task results: what plans would have cost and solved")
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(path_type=Path))
@evidence_options
@click.option("--train", default=100, show_default=True, type=click.IntRange(10), help="Tasks to learn from.")
@click.option("--splits", default=20, show_default=True, type=click.IntRange(1, 1000), help="Random splits.")
@click.option("--value", default=5.0, show_default=True, type=click.FloatRange(0.0), help="USD per solved task.")
@click.option("--reference", metavar="MODEL:EFFORT", help="What savings are measured against.  [default: the best arm]")
@click.option("--attempts", "longest", default=3, show_default=True, type=click.IntRange(2, 4), help="Longest plan.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.svg", help="Draw it.")
def command(
    *,
    file: Path | None,
    files: tuple[Path, ...],
    no_bundled: bool,  # noqa: ARG001 - bundled figures may hold the very results that are replayed: never used
    no_ledger: bool,
    harness: str | None,
    models: str | None,
    seed: int,
    json_: bool,
    train: int,
    splits: int,
    value: float,
    reference: str | None,
    longest: int,
    plot: Path | None,
) -> None:
    """Replay per-task results: learn from some tasks, choose, and count on the others.

    FILE is a table of kind `attempts` where the same tasks were tried by several arms; without FILE the ledger is
    replayed. Only the training tasks are learnt from, and what `--evidence` names.
    """
    attempts = _attempts(file, harness, models, no_ledger=no_ledger)
    table = _table(attempts, train, file)
    known = reference_arm(reference, table.arms) if reference else None
    if known and known not in table.arms:
        raise UsageError(f"the reference {known} did not try all tasks", hint=f"one of {_names(table)}")
    published = read_evidence(files, no_bundled=True, no_ledger=True).aggregates
    setting = Setting(train, value, tuple(range(2, longest + 1)), known, published)
    evaluation = Evaluation(table, attempts, setting)
    hidden = not err().is_terminal
    seeds = track(range(seed, seed + splits), "replaying", console=err(), transient=True, disable=hidden)
    results = [evaluation.split(one) for one in seeds]
    rows = show.policies_json(results)
    if plot:
        _draw(plot, show.picture(rows, evaluation, f"{file.name if file else 'ledger'}: {splits} splits"))
    document = _document(evaluation, attempts, splits, rows, show.coverage_json(results))
    if json_:
        print_json(document)
    else:
        _show(document)


def _attempts(file: Path | None, harness: str | None, models: str | None, *, no_ledger: bool) -> list[Attempt]:
    if file is None and no_ledger:
        raise UsageError("nothing to replay", hint="name a table of kind `attempts`, or leave out `--no-ledger`")
    evidence = read_evidence([file] if file else [], no_bundled=True, no_ledger=file is not None)
    wanted = [parse_arm(text) for text in models.split(",")] if models else None
    return [
        attempt
        for attempt in evidence.attempts
        if (harness is None or attempt.harness == harness)
        and (wanted is None or any(_names_it(arm, attempt.arm) for arm in wanted))
    ]


def _names_it(wanted: Arm, arm: Arm) -> bool:
    return wanted == arm or (wanted.effort is None and wanted.model == arm.model)


def _table(attempts: Sequence[Attempt], train: int, file: Path | None) -> Table:
    """Arrange the attempts.

    Raises:
        RouterError: too few tasks were tried by all arms, or a cost is missing altogether.
    """
    table = table_of(attempts)
    if len(table.arms) < 2 or len(table.tasks) < max(train + 1, FEWEST_TASKS):
        raise RouterError(
            f"{len(table.tasks)} tasks were tried by all of {len(table.arms)} arms: too few to learn from {train}",
            where=file or "the ledger",
            hint="a replay needs a table in which the same tasks were tried by several arms; lower `--train`, "
            "or restrict the arms with `--models`",
        )
    for arm, costs in zip(table.arms, table.cost_usd.T, strict=True):
        if costs[0] != costs[0]:
            raise RouterError(f"no cost is known of {arm}", where=file, hint="leave it out with `--models`")
    return table


def _names(table: Table) -> str:
    return ", ".join(f"`{arm.model}{':' + arm.effort if arm.effort else ''}`" for arm in table.arms)


def _document(
    evaluation: Evaluation,
    attempts: Sequence[Attempt],
    splits: int,
    rows: list[dict[str, Any]],
    covered: dict[str, Any],
) -> dict[str, Any]:
    table, setting = evaluation.table, evaluation.setting
    reference = table.arms[evaluation.reference]
    return {
        "tasks": len(table.tasks),
        "arms": len(table.arms),
        "categories": {name: len(table.rows(name)) for name in table.categories},
        "harness": evaluation.harness,
        "train_tasks": setting.train,
        "splits": splits,
        "value_usd": setting.value_usd,
        "reference": {"model": reference.model, "effort": reference.effort},
        "checks": {name: {"sensitivity": c.sensitivity, "false_accept": c.false_accept} for name, c in CHECKS.items()},
        "policies": rows,
        "interval_coverage": covered,
        "forecast_error": [show.pairs_json(name, pair_errors(table, name)) for name in table.categories],
        "retry_forecast_error": [
            show.retries_json(name, errors) for name in table.categories for errors in retry_errors(attempts, name)
        ],
    }


def _show(document: dict[str, Any]) -> None:
    console = out()
    reference = document["reference"]
    named = " ".join(word for word in (reference["model"], reference["effort"]) if word)
    title = (
        f"{document['tasks']} tasks, {document['train_tasks']} to learn from, {document['splits']} splits; "
        f"against {named}"
    )
    console.print(show.evaluation_table(document["policies"], title))
    covered = document["interval_coverage"]
    if covered["intervals"]:
        words = f"90 % intervals held: pass rate {covered['p_pass']:.0%}, cost {covered['cost_usd']:.0%}"
        console.print(f"{words} of {covered['intervals']}")
    for row in document["forecast_error"]:
        console.print(
            f"{row['category']}: {row['pairs']} cascades of two foretold from pass rates within "
            f"{100 * row['resolved_rmse']:.1f} points and {row['spend_mean_relative_error']:.1%} of the spend "
            f"(taken for independent: {100 * row['independence_resolved_rmse']:.1f} points)",
            soft_wrap=True,
        )
    for row in document["retry_forecast_error"]:
        console.print(
            f"{row['category']}: pass@{row['k']} of {row['arms']} arms within {100 * row['resolved_rmse']:.1f} points"
        )


def _draw(path: Path, picture: str) -> None:
    try:
        path.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise RouterError(f"cannot be written: {error.strerror}", where=path) from error
