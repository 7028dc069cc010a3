"""``codex-router fit``: what each arm is expected to solve, cost and take, and what that rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from codex_router.commands.evidence_options import (
    HARNESS,
    EvidenceCommand,
    candidates,
    evidence_options,
    read_evidence,
)
from codex_router.commands.judging import teach
from codex_router.commands.policy_in_force import read_policy
from codex_router.decide.estimator import Estimator
from codex_router.errors import RouterError
from codex_router.show.console import err, out, print_json
from codex_router.show.estimates import break_even_words, break_evens_json, estimate_json, estimates_table

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.records import Estimate


@click.command(cls=EvidenceCommand, short_help="the estimates per category and arm, and what they rest on")
@evidence_options
@click.option("--category", "wanted", multiple=True, metavar="NAME", help="Only this category; may be repeated.")
def command(
    *,
    files: tuple[Path, ...],
    no_bundled: bool,
    no_ledger: bool,
    harness: str | None,
    models: str | None,
    seed: int,  # noqa: ARG001 - the estimates are not drawn; accepted so that scripts can pass it to every verb
    json_: bool,
    wanted: tuple[str, ...],
) -> None:
    """Estimate pass rate, cost and turns of every arm in every category, with 90 % intervals."""
    taught = 0 if no_ledger else teach()
    if taught:
        err().print(f"the classifier learnt from {taught} of your corrections")
    evidence = read_evidence(files, no_bundled=no_bundled, no_ledger=no_ledger)
    arms = candidates(evidence, models, no_bundled=no_bundled)
    if not arms:
        raise RouterError(
            "no evidence and no models", hint="name tables with `--evidence`, or leave out `--no-bundled`"
        )
    known = [category.name for category in read_policy().categories]
    if no_bundled:
        known = [name for name in known if name in set(evidence.categories())]
    categories = list(wanted) or list(dict.fromkeys([*known, *(evidence.categories() if no_bundled else ())]))
    estimator = Estimator(harness or HARNESS).fit(evidence.aggregates, evidence.attempts, evidence.summed)
    estimates = estimator.estimate(arms, categories)
    by_category = {name: [one for one in estimates if one.category == name] for name in categories}
    if json_:
        print_json(_document(estimates, by_category))
    else:
        _show(by_category)


def _document(estimates: list[Estimate], by_category: dict[str, list[Estimate]]) -> dict[str, Any]:
    return {
        "arms": [estimate_json(one) for one in estimates],
        "break_even": [row for group in by_category.values() for row in break_evens_json(group)],
    }


def _show(by_category: dict[str, list[Estimate]]) -> None:
    console = out()
    for name, group in by_category.items():
        console.print(estimates_table(name, group))
        for row in break_evens_json(group):
            console.print(f"  {break_even_words(row)}", soft_wrap=True)
        console.print()
    bare = [name for name, group in by_category.items() if all(one.guess for one in group)]
    if bare:
        err().print(f"no evidence of their own for {', '.join(bare)}: inferred from the other categories")
