"""Take the ledger elsewhere and bring it back: one JSONL or Parquet file per table.

Any engine reads them (DuckDB: ``SELECT * FROM 'responses.parquet'``). What is brought in is merged: what is there
already stays, but for turns that have gone on, so that the ledgers of two machines can be joined, and again later.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from codex_router.errors import RouterError
from codex_router.evidence.engine import told
from codex_router.evidence.store_inserts import KEPT
from codex_router.evidence.store_tables import attempts, responses, tasks, threads
from codex_router.evidence.summing import sum_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from codex_router.evidence.store import Store

Format = Literal["jsonl", "parquet"]
TABLES = {"threads": threads, "tasks": tasks, "responses": responses, "attempts": attempts}
"""What leaves the house. ``spending`` is made anew from it; where files lay on this machine stays here."""
HOUSE = {"attempts": {"id", "ingested_id"}}
"""Columns that mean something in this database only."""
KEYS = {
    "threads": ["thread_id"],
    "tasks": ["thread_id", "turn_id"],
    "responses": ["thread_id", "generation", "total_tokens"],
    "attempts": ["source", "attempt_id"],
}
SURROGATE = re.compile("[\ud800-\udfff]")
"""What JSON can hold of a text, and no database."""
ROWS = 5000
"""Rows that are held at a time."""

Row = dict[str, Any]


def export(store: Store, folder: Path, form: Format) -> dict[str, int]:
    """Write the tables into a folder; return the rows of each.

    Raises:
        RouterError: the folder cannot be written, or Parquet is asked for and pyarrow is not there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {name: _export(store, name, folder / f"{name}.{form}", form) for name in TABLES}
    except OSError as error:
        raise RouterError(f"cannot be written: {error.strerror}", where=folder) from error


def columns(name: str) -> list[sa.Column[Any]]:
    """Return the columns of a table that are exchanged."""
    return [column for column in TABLES[name].c if column.name not in HOUSE.get(name, ())]


def _export(store: Store, name: str, path: Path, form: Format) -> int:
    query = sa.select(*columns(name)).order_by(*(TABLES[name].c[key] for key in KEYS[name]))
    beside = path.with_name(f".{path.name}.part")
    write = _write_parquet if form == "parquet" else _write_jsonl
    with told(store.engine.url), store.engine.connect() as connection:
        result = connection.execution_options(yield_per=ROWS).execute(query)
        count = write(beside, name, (row._asdict() for row in result))
    beside.replace(path)
    return count


def _write_jsonl(path: Path, _name: str, rows: Iterable[Row]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    return count


def _write_parquet(path: Path, name: str, rows: Iterable[Row]) -> int:
    pa, pq = _arrow()
    kinds = {sa.Text: pa.string(), sa.BigInteger: pa.int64(), sa.Integer: pa.int64(), sa.Double: pa.float64()}
    schema = pa.schema([(column.name, kinds[type(column.type)]) for column in columns(name)])
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for some in _batches(rows):
            writer.write_table(pa.Table.from_pylist(some, schema=schema))
            count += len(some)
    return count


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        hint = "`pip install 'codex-profile-router[parquet]'`, or use `--format jsonl`"
        raise RouterError("Parquet needs pyarrow, which is not installed", hint=hint) from None
    return pa, pq


def import_(store: Store, folder: Path) -> dict[str, int]:
    """Merge an exported folder into the ledger; return the rows that were new, per table.

    Raises:
        RouterError: a file is missing, or a row of it is not as `export` writes it; nothing is stored then.
    """
    added: dict[str, int] = {}

    def work(connection: sa.Connection) -> None:
        seen: set[str] = set()
        for name in TABLES:
            added[name] = 0
            for rows in _batches(_read(folder, name)):
                added[name] += _merge(connection, store, name, rows)
                if name == "responses":
                    seen |= {row["thread_id"] for row in rows}
        sum_up(connection, sorted(seen))

    with told(store.engine.url), store.writing() as connection:
        work(connection)
    store.settle()
    return added


def _merge(connection: sa.Connection, store: Store, name: str, rows: list[Row]) -> int:
    insert = postgresql.insert if store.is_shared else sqlite.insert
    table = TABLES[name]
    before = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() or 0
    statement = insert(table)
    new = statement.excluded
    if name == "tasks":  # it has gone on since it was brought in last; what was made of it here stays
        later = {column.name: new[column.name] for column in columns(name) if column.name not in KEPT | {"cost_usd"}}
        longer = (new.responses == tasks.c.responses) & (new.seconds > tasks.c.seconds)
        statement = statement.on_conflict_do_update(
            index_elements=KEYS[name], set_=later, where=(new.responses > tasks.c.responses) | longer
        )
    elif name == "attempts":  # somebody has said since whether it was solved
        said = {column: new[column] for column in ("outcome", "outcome_source")}
        untold = (table.c.outcome == "unknown") & (new.outcome != "unknown")
        statement = statement.on_conflict_do_update(index_elements=KEYS[name], set_=said, where=untold)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=KEYS[name])
    connection.execute(statement, rows)
    return (connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() or 0) - before


def _read(folder: Path, name: str) -> Iterator[Row]:
    wanted = {column.name: column for column in columns(name)}
    path = folder / f"{name}.parquet"
    parquet = path.exists()
    if not parquet:
        path = folder / f"{name}.jsonl"
    try:
        for number, row in enumerate(_parquet_rows(path) if parquet else _jsonl_rows(path), 1):
            yield _checked(row, wanted, f"{path}:{number}")
    except OSError as error:
        raise RouterError(f"cannot be read: {error.strerror or error}", where=path, hint=HINT) from error


HINT = "name a folder that `codex-router export` wrote"


def _jsonl_rows(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                raise RouterError("no JSON", where=f"{path}:{number}", hint=HINT) from None


def _parquet_rows(path: Path) -> Iterator[Any]:
    _, pq = _arrow()
    try:
        for batch in pq.ParquetFile(path).iter_batches(ROWS):
            yield from batch.to_pylist()
    except ValueError as error:
        raise RouterError(f"no Parquet: {error}", where=path, hint=HINT) from error


def _checked(row: Any, wanted: dict[str, sa.Column[Any]], where: str) -> Row:
    if not isinstance(row, dict) or set(row) != set(wanted):
        raise RouterError("other columns than the ledger has", where=where, hint=HINT)
    for name, column in wanted.items():
        if not _fits(row[name], column):
            raise RouterError(f"`{name}` has an impossible value", where=where, hint=HINT)
    return row


def _fits(value: Any, column: sa.Column[Any]) -> bool:
    if value is None:
        return bool(column.nullable)
    if isinstance(column.type, sa.Text):
        return isinstance(value, str) and "\0" not in value and not SURROGATE.search(value)
    if isinstance(column.type, sa.Double):
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    source = iter(rows)
    while some := list(islice(source, ROWS)):
        yield some
