"""What reading a file gives: published rows or runs, and an account of how they were read."""

from __future__ import annotations

from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from codex_router.evidence.runs import Run
    from codex_router.literals import Kind
    from codex_router.records import Aggregate

CATEGORY = r"^(mixed:)?[a-z0-9][a-z0-9._-]{0,60}$"
"""What a kind of task may be called."""


class Skipped(NamedTuple):
    """A row, or a file of a folder, that was not taken."""

    where: str
    """``line 12``, ``row 3`` or a path relative to the folder."""
    reason: str


class Provenance(NamedTuple):
    """Whose figures these are."""

    source: str
    url: str = ""
    date: str = ""
    """ISO date of the figures; empty when every row has its own."""
    licence: str = ""
    caveats: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """Rows of the source that the table does not hold, and why."""


class Table(NamedTuple):
    """One file, or one job folder, read whole."""

    path: Path
    sha256: str
    """Of the content, side-car included: the same content is the same table."""
    kind: Kind
    provenance: Provenance
    cost_units: tuple[str, ...]
    """How the costs were published; empty when there are none."""
    aggregates: tuple[Aggregate, ...] = ()
    runs: tuple[Run, ...] = ()
    rows_read: int = 0
    """Rows seen: those taken and those skipped."""
    skipped: tuple[Skipped, ...] = ()
    conversions: tuple[str, ...] = ()
    """What was done to the figures, as sentences with counts."""
    unknown_models: tuple[str, ...] = ()
    """Model names that the alias table does not know; kept as they are."""

    @property
    def rows(self) -> int:
        """Number of rows taken."""
        return len(self.aggregates) + len(self.runs)


def distinct(rows: Iterable[Aggregate]) -> tuple[Aggregate, ...]:
    """Return the rows without those that publish a measurement again, first one first.

    A leaderboard carries its old rows along: GPT-5.5 on KiloBench is the same 445 trials in June and in August, and
    counting them twice would make the evidence look twice as strong. Figures are compared as rounded as they are
    usually printed.
    """
    seen: dict[tuple[object, ...], Aggregate] = {}
    for row in rows:
        cost = None if row.cost_usd is None else f"{row.cost_usd:.3g}"
        measurement = (row.harness, row.arm, row.category, row.n_tasks, row.n_trials, round(row.pass_rate, 3), cost)
        seen.setdefault(measurement, row)
    return tuple(seen.values())
