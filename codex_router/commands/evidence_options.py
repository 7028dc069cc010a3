"""The options that `fit`, `plan` and `evaluate` share: which evidence, which arms, which harness."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codex_router.codex.catalogue import offered
from codex_router.codex.locate import Codex, find_codex
from codex_router.commands.own_evidence import OwnTurns, own_turns
from codex_router.errors import LaunchError, RouterError, UsageError
from codex_router.evidence import bundled
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.names import canonical
from codex_router.evidence.reading import find, read
from codex_router.home import codex_home
from codex_router.records import EFFORTS, Aggregate, Arm, Attempt, Summed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HARNESS = "codex"
_OPTIONS = (
    click.option(
        "--evidence",
        "files",
        multiple=True,
        metavar="FILE...",
        type=click.Path(path_type=Path),
        help="Read these tables or folders too.",
    ),
    click.option("--no-bundled", is_flag=True, help="Leave out the published figures that ship with codex-router."),
    click.option("--no-ledger", is_flag=True, help="Leave out the ledger: your own runs and ingested tables."),
    click.option("--harness", metavar="NAME", help="The agent program to estimate for.  [default: codex]"),
    click.option(
        "--models", metavar="MODEL[:EFFORT],...", help="Only these arms; one that was never measured is inferred."
    ),
    click.option("--seed", default=0, show_default=True, help="Of all random draws; the same seed, the same output."),
    click.option("--json", "json_", is_flag=True, help="One JSON document on stdout."),
)


def evidence_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the shared options to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


class EvidenceCommand(click.Command):
    """A command whose ``--evidence`` takes all the words up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give each file behind ``--evidence`` an option of its own, which is all that click understands."""
        return super().parse_args(
            ctx, _spread(args, positional=any(isinstance(p, click.Argument) for p in self.params))
        )


def _spread(args: Sequence[str], *, positional: bool) -> list[str]:
    """Repeat ``--evidence`` before each of its words; where an argument is due, only once that has been given."""
    words: list[str] = []
    own = taking = first = False
    for word in args:
        if word.startswith("-"):
            taking, first = word == "--evidence", True
            words.append(word)
            continue
        if taking and not first and (own or not positional):
            words.append("--evidence")
        own = own or not (taking or (words and words[-1].startswith("-")))
        first = False
        words.append(word)
    return words


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read."""

    aggregates: tuple[Aggregate, ...]
    attempts: tuple[Attempt, ...]
    summed: tuple[Summed, ...] = ()
    """Further attempts, as sums that the ledger of sessions made."""

    def arms(self) -> list[Arm]:
        """Return every arm with figures, in a stable order."""
        return sorted({row.arm for row in self.aggregates} | self.own_arms(), key=arm_order)

    def own_arms(self, harness: str | None = None) -> set[Arm]:
        """Return every arm that the user has run, under any harness or under one."""
        one_by_one = {row.arm for row in self.attempts if harness in {None, row.harness}}
        return one_by_one | {row.arm for row in self.summed if harness in {None, row.harness}}

    def categories(self) -> list[str]:
        """Return every category with figures, mixed benchmarks last."""
        own = {row.category for row in self.attempts} | {row.category for row in self.summed}
        names = {row.category for row in self.aggregates} | own
        return sorted(names, key=lambda name: (":" in name, name))


def arm_order(arm: Arm) -> tuple[str, int]:
    """Sort arms by model, then by rising effort, unknown efforts first."""
    return arm.model, EFFORTS.index(arm.effort) if arm.effort in EFFORTS else -1


def read_evidence(files: Sequence[Path], *, no_bundled: bool, no_ledger: bool) -> Evidence:
    """Read what the options name.

    Raises:
        RouterError: a file cannot be read or is no table; nothing is half-read.
    """
    published: list[Aggregate] = [] if no_bundled else list(bundled.aggregates())
    attempts: list[Attempt] = []
    turns = OwnTurns()
    if not no_ledger:
        with Ledger.open(create=False) as ledger:
            published += ledger.aggregates()
            attempts += ledger.attempts()
        turns = own_turns()
        attempts += turns.attempts
    for path in files:
        sources = find(path).sources
        if not sources:
            raise RouterError("no table there", where=path, hint="docs/reference/evidence-tables.md has the formats")
        for source in sources:
            table = read(source)
            published += table.aggregates
            attempts += [run.attempt for run in table.runs]
    return Evidence(tuple(dict.fromkeys(published)), tuple(attempts), turns.summed)


def parse_arm(text: str) -> Arm:
    """Read ``MODEL`` or ``MODEL:EFFORT``; names are made canonical as in tables.

    Raises:
        UsageError: the effort is none that exists.
    """
    model, _, effort = text.strip().rpartition(":") if text.strip().rpartition(":")[2] in EFFORTS else (text, "", "")
    if not model.strip():
        raise UsageError(f"{text!a} names no model", hint="such as `gpt-6.1-sol:high`")
    recognised = canonical(model).arm
    return Arm(recognised.model, effort or recognised.effort)


def candidates(evidence: Evidence, models: str | None, *, no_bundled: bool) -> list[Arm]:
    """Return the arms to judge: those named, else those of the evidence given, else those that Codex offers."""
    if models:
        return _named(models, evidence)
    if no_bundled:
        return evidence.arms()
    offer = offered(_codex(), codex_home()).arms()
    return sorted({*offer, *evidence.own_arms(HARNESS)}, key=arm_order)


def _codex() -> Codex | None:
    try:
        return find_codex()
    except LaunchError as error:
        if error.where:
            raise
        return None  # the catalogue shipped with us will do


def _named(models: str, evidence: Evidence) -> list[Arm]:
    """Return what `--models` names; a model without an effort stands for all its arms that have figures."""
    known = evidence.arms()
    chosen: list[Arm] = []
    for text in models.split(","):
        arm = parse_arm(text)
        of_model = [one for one in known if one.model == arm.model]
        chosen += of_model if arm.effort is None and of_model else [arm]
    return list(dict.fromkeys(chosen))


def reference_arm(text: str, arms: Sequence[Arm]) -> Arm:
    """Return the arm that `--reference` names; the effort may be left out when the model has one arm only.

    Raises:
        UsageError: the effort is needed.
    """
    arm = parse_arm(text)
    of_model = [one for one in arms if one.model == arm.model]
    if arm.effort is None and arm not in of_model and of_model:
        if len(of_model) == 1:
            return of_model[0]
        efforts = ", ".join(f"`{one.model}:{one.effort}`" for one in of_model)
        raise UsageError(f"`{arm.model}` has several efforts", hint=f"one of {efforts}")
    return arm
