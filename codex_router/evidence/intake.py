"""Take files in: read each, store what is sound, keep what was wrong with the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from codex_router.errors import RouterError
from codex_router.evidence import bundled
from codex_router.evidence.reading import read

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.evidence.ledger import Ledger
    from codex_router.evidence.tables import Table

Status = Literal["stored", "replaced", "known", "shipped", "readable", "refused"]
"""``known``: ingested before. ``shipped``: the same content ships with us. ``readable``: would be stored."""


class Taken(NamedTuple):
    """What became of one table or job folder."""

    path: Path
    status: Status
    table: Table | None
    """None when it was refused."""
    error: RouterError | None = None


def take_in(path: Path, ledger: Ledger, *, category: str | None = None, store: bool = True) -> Taken:
    """Read one source and store it, or tell why not; a refused one leaves nothing behind.

    Args:
        path: a table or a job folder.
        ledger: where to.
        category: kind of task of the trials in a job folder.
        store: False only reads.
    """
    try:
        table = read(path, category)
        if table.sha256 in {shipped.sha256 for shipped in bundled.tables()}:
            return Taken(path, "shipped", table)
        if store:
            return Taken(path, ledger.ingest(table), table)
        return Taken(path, "known" if ledger.knows(table.sha256) else "readable", table)
    except RouterError as error:
        return Taken(path, "refused", None, error)
