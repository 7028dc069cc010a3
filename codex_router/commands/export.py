"""``codex-router export FOLDER``: the ledger as files that any engine reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from codex_router.evidence.exchange import export
from codex_router.evidence.store import Store
from codex_router.show.console import out, print_json

if TYPE_CHECKING:
    from codex_router.evidence.exchange import Format


@click.command(short_help="the ledger as Parquet or JSONL files")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(["jsonl", "parquet"]), default="jsonl", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def command(*, folder: Path, form: Format, as_json: bool) -> None:
    """Write threads, tasks, responses and runs into FOLDER, one file each; no prompt is among them."""
    with Store.open() as store:
        rows = export(store, folder, form)
    if as_json:
        print_json({"folder": str(folder), "format": form, "rows": rows})
        return
    for name, count in rows.items():
        out().print(f"{folder / name}.{form}: {count:,} rows", soft_wrap=True)
