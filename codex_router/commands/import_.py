"""``codex-router import FOLDER``: merge what another ledger exported."""

from __future__ import annotations

from pathlib import Path

import click

from codex_router.evidence.exchange import import_
from codex_router.evidence.store import Store
from codex_router.show.console import out, print_json


@click.command(name="import", short_help="merge what another ledger exported")
@click.argument("folder", type=click.Path(file_okay=False, exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def command(*, folder: Path, as_json: bool) -> None:
    """Merge the files that `export` wrote into FOLDER; what is there already stays, unless it has gone on."""
    with Store.open() as store:
        added = import_(store, folder)
    if as_json:
        print_json({"folder": str(folder), "rows_added": added})
        return
    for name, count in added.items():
        out().print(f"{name}: {count:,} new rows")
