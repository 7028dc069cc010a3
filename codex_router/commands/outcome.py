"""`codex-router outcome`: the user's word on whether a run solved its task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from codex_router.evidence.ledger import Ledger
from codex_router.show import evidence as show
from codex_router.show.console import out, print_json

if TYPE_CHECKING:
    from typing import Literal


@click.command(name="outcome")
@click.argument("run")
@click.argument("outcome", type=click.Choice(["yes", "no"]))
@click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")
def command(run: str, outcome: Literal["yes", "no"], json_: bool) -> None:  # noqa: FBT001
    """Say whether RUN solved its task: yes or no.

    RUN is an attempt id or its beginning, a Codex session id, or `last`.
    """
    with Ledger.open(create=False) as ledger:
        found = ledger.set_outcome(run, outcome)
    if json_:
        print_json({"run": show.run_json(found)})
    else:
        out().print(show.outcome_line(found))
