"""`codex-router outcome`: the user's word on whether a run solved its task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from codex_router.commands.judging import check_category
from codex_router.evidence.corrections import keep
from codex_router.evidence.ledger import Ledger
from codex_router.show import evidence as show
from codex_router.show.console import out, print_json

if TYPE_CHECKING:
    from typing import Literal


@click.command(name="outcome")
@click.argument("run")
@click.argument("outcome", type=click.Choice(["yes", "no"]))
@click.option("--category", help="What kind of task it was; `fit` teaches it to the classifier.")
@click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")
def command(*, run: str, outcome: Literal["yes", "no"], category: str | None, json_: bool) -> None:
    """Say whether RUN solved its task: yes or no.

    RUN is an attempt id or its beginning, a Codex session id, or `last`.
    """
    if category is not None:
        check_category(category)
    with Ledger.open(create=False) as ledger:
        found = ledger.set_outcome(run, outcome)
    if category is not None:
        keep(found.attempt.attempt_id, category, told=True)
    if json_:
        print_json({"run": show.run_json(found)})
    else:
        out().print(show.outcome_line(found))
