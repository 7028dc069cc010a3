"""``codex-router doctor``: is everything as it should be, and what to do when not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from codex_router.codex.catalogue import on_offer
from codex_router.codex.checks import (
    Row,
    check_codex,
    check_config,
    check_journal,
    check_login,
    check_permissions,
    check_profiles,
    check_project,
)
from codex_router.codex.install import our_tables
from codex_router.codex.journal import Journal
from codex_router.codex.locate import find_codex
from codex_router.codex.router_file import read_plan, router_file
from codex_router.commands.apply import rendered
from codex_router.commands.home_option import home_option
from codex_router.commands.policy_in_force import read_policy
from codex_router.errors import ExitCode, RouterError
from codex_router.evidence.ledger import FILE, Ledger
from codex_router.evidence.prices import rates
from codex_router.home import router_home
from codex_router.show.console import out, print_json, show
from codex_router.show.table import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_router.codex.locate import Codex
    from codex_router.records import Plan

SQUEEZE_TURNS = 20
"""Fewer turns than this stop many runs that would have succeeded (docs/explanation/decision-model.md)."""
STYLES = {"ok": "ok", "info": "hint", "warning": "warn", "error": "bad"}


@click.command(short_help="check Codex, the profiles, the configuration and the ledger")
@home_option
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def command(*, home: Path, as_json: bool) -> int:
    """Check everything and change nothing; exit 1 when a row is an error."""
    rows = list(_rows(home))
    if as_json:
        print_json({"rows": [row._asdict() for row in rows]})
    else:
        _show(rows)
    return ExitCode.FAILED if any(row.level == "error" for row in rows) else ExitCode.DONE


def _rows(home: Path) -> Iterator[Row]:
    codex = None
    try:
        codex = find_codex()
        yield from check_codex(codex)
        yield from check_login(codex, home)
    except RouterError as error:
        yield Row("error", "codex", _words(error), error.hint or "")
    yield from _config_rows(codex, home)
    yield from _plan_rows(codex, home)
    yield from check_project(Path.cwd(), home)
    yield from check_permissions(home)
    yield from _own_rows()


def _config_rows(codex: Codex | None, home: Path) -> Iterator[Row]:
    try:
        ours = frozenset(our_tables(Journal(), home))
    except RouterError as error:
        yield Row("error", "journal", _words(error), error.hint or "")
        ours = frozenset()
    yield from check_config(codex, home, ours)


def _plan_rows(codex: Codex | None, home: Path) -> Iterator[Row]:
    try:
        plan = read_plan(home)
    except RouterError as error:
        level = "error" if router_file(home).exists() else "warning"
        yield Row("error" if level == "error" else "warning", "plan", _words(error), error.hint or "")
        return
    yield Row("ok", "plan", f"`{router_file(home)}`: {', '.join(f'{tier.name} = {tier.arm}' for tier in plan.tiers)}")
    try:
        catalogue = on_offer(codex, home)
    except RouterError:
        return  # said already
    yield from check_profiles(codex, home, plan, catalogue)
    yield from _drift(codex, home)
    yield from _prices(plan)
    yield from _budgets(plan)


def _drift(codex: Codex | None, home: Path) -> Iterator[Row]:
    """Compare Codex's files with what `apply` would write now: an edit, or another Codex version since."""
    try:
        changes, _ = rendered(codex, home, Journal())
    except RouterError as error:
        yield Row("warning", "files", _words(error), error.hint or "")
        return
    if changes.needed:
        names = ", ".join(f"`{change.path.name}`" for change in changes.needed)
        what = f"not what codex-router.toml says for this Codex: {names}"
        yield Row("warning", "files", what, "see `codex-router diff`, then run `codex-router apply`")
    else:
        yield Row("ok", "files", "Codex's files say what codex-router.toml says")


def _prices(plan: Plan) -> Iterator[Row]:
    for model in sorted({tier.arm.model for tier in plan.tiers}):
        known = rates(model)
        if known is None:
            hint = "cost budgets cannot hold for it; turn budgets do"
            yield Row("warning", "prices", f"no list price is known for {model}", hint)
        else:
            base = known.tiers[0]
            yield Row("ok", "prices", f"{model}: ${base.input_usd:g} in, ${base.output_usd:g} out per million tokens")


def _budgets(plan: Plan) -> Iterator[Row]:
    for tier in plan.tiers:
        turns, cost = tier.budget.max_turns, tier.budget.max_cost_usd
        if turns is None and cost is None:
            hint = "set max_turns or max_cost_usd in codex-router.toml, then `codex-router apply`"
            yield Row("warning", "budget", f"{tier.name} has none: a runaway run is stopped by nobody", hint)
        elif turns is not None and turns < SQUEEZE_TURNS:
            hint = f"raise max_turns to {SQUEEZE_TURNS} or more: budgets are insurance, not a squeeze"
            yield Row("warning", "budget", f"{tier.name}: {turns} turns stop many runs that would succeed", hint)
        else:
            yield Row("ok", "budget", f"{tier.name}: {turns or 'any number of'} turns, {_usd(cost)}")


def _usd(cost: float | None) -> str:
    return "any cost" if cost is None else f"${cost:,.2f}"


def _own_rows() -> Iterator[Row]:
    """Check what is ours: policy, journal, ledger."""
    try:
        read_policy()
        yield Row("ok", "policy", "policy and categories are valid")
    except RouterError as error:
        yield Row("error", "policy", _words(error), error.hint or "mend that key")
    try:
        yield from check_journal(Journal())
        path = router_home() / FILE
        if not path.exists():
            yield Row("ok", "ledger", f"`{path}` is not there yet; the first run makes it")
            return
        with Ledger.open() as ledger:
            yield Row("ok", "ledger", f"`{path}`: {len(ledger.runs()):,} runs")
    except RouterError as error:
        yield Row("error", "ledger", _words(error), error.hint or "")


def _words(error: RouterError) -> str:
    return f"{error.where}: {error.what}" if error.where else error.what


def _show(rows: list[Row]) -> None:
    from rich.text import Text

    cells = [
        (Text(row.level, style=STYLES[row.level]), row.name, row.message + (f"\nhint: {row.hint}" if row.hint else ""))
        for row in rows
    ]
    show(out(), table(("", "what", "finding"), cells))
