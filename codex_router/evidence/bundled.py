"""The published tables that ship with us, read once per process."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from codex_router.evidence.tables import distinct
from codex_router.shipped import shipped

if TYPE_CHECKING:
    from codex_router.evidence.tables import Table
    from codex_router.records import Aggregate

FOLDER = "benchmarks-data"


@cache
def tables() -> tuple[Table, ...]:
    """Return the shipped tables in the order of their file names.

    Raises:
        RouterError: the installation is incomplete or a shipped table was edited into something unreadable.
    """
    from codex_router.evidence.own import read_own

    return tuple(read_own(path) for path in sorted(shipped(FOLDER).glob("*.csv")))


def aggregates() -> tuple[Aggregate, ...]:
    """Return the shipped rows, each measurement once."""
    return distinct(row for table in tables() for row in table.aggregates)
