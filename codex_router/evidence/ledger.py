"""The user's own store: runs, and the published tables that were ingested.

One SQLite file in our home. It is data, not a cache: nothing recreates it. Several processes may write at the same
time (write-ahead log, a busy timeout, one transaction per call). The path from a prompt to Codex imports this module,
so it uses the standard library only.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
from contextlib import contextmanager

from codex_router.errors import RouterError
from codex_router.evidence.ledger_file import connect, told
from codex_router.evidence.ledger_rows import (
    AGGREGATE,
    INSERT_AGGREGATE,
    INSERT_RESPONSE,
    RESPONSE,
    RUN,
    SCHEMA,
    UPSERT_RUN,
    aggregate,
    aggregate_row,
    response,
    response_row,
    run,
    run_row,
)
from codex_router.evidence.tables import Provenance
from codex_router.home import make_router_folder, router_folder
from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike
    from pathlib import Path
    from typing import Literal, Self

    from codex_router.evidence.runs import Run
    from codex_router.evidence.tables import Table
    from codex_router.literals import Ingested, Kind
    from codex_router.records import Aggregate, Attempt, Response

FILE = "ledger.sqlite"
VERSION = len(SCHEMA)
"""Of the tables; kept in ``PRAGMA user_version``."""
PATIENCE_S = 30.0
"""How long to wait for another process that is writing."""


class Holding(NamedTuple):
    """An ingested table, without its rows."""

    sha256: str
    path: Path
    kind: Kind
    provenance: Provenance
    cost_units: tuple[str, ...]
    rows: int
    created: str
    """UTC date-time of the ingest."""


class Ledger:
    """An open ledger; use it as a context manager, which closes it."""

    def __init__(self, connection: sqlite3.Connection, path: str | PathLike[str]) -> None:
        self._connection = connection
        self.path = path

    @classmethod
    def open(
        cls, path: str | PathLike[str] | None = None, *, create: bool = True, patience_s: float = PATIENCE_S
    ) -> Self:
        """Open the ledger at `path`, by default the one in our home.

        Args:
            path: another file than the default.
            create: make the file when it is missing; else a missing ledger reads as an empty one.
            patience_s: how long each call waits for another process that is writing.

        Raises:
            RouterError: it cannot be opened, is damaged, or was written by a newer codex-router.
        """
        target = path or os.path.join(router_folder(), FILE)
        if not create and not os.path.exists(target):
            connection, target = sqlite3.connect(":memory:", isolation_level=None), ":memory:"
        else:
            if path is None:
                make_router_folder()
            with told(target):
                connection = connect(target, patience_s)
        ledger = cls(connection, target)
        try:
            ledger._prepare()
        except BaseException:
            connection.close()
            raise
        return ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def record(self, one: Run, responses: Sequence[Response] = ()) -> None:
        """Store a run, or what is now known of a run stored before (same source and attempt id).

        Args:
            one: the run.
            responses: its model responses; none leaves those that are known.
        """
        with self._transaction() as connection:
            connection.execute(UPSERT_RUN, (None, *run_row(one._replace(created=one.created or _now()))))
            if responses:
                of_it = "FROM attempts WHERE source = ? AND attempt_id = ?"
                (row,) = connection.execute(f"SELECT id {of_it}", (one.source, one.attempt.attempt_id)).fetchone()
                connection.execute("DELETE FROM attempt_responses WHERE attempt = ?", (row,))
                rows = ((row, number, *response_row(each)) for number, each in enumerate(responses, 1))
                connection.executemany(INSERT_RESPONSE, rows)

    def runs(self) -> list[Run]:
        """Return all runs, own and ingested, oldest entry first."""
        return self._runs("1 = 1", ())

    def responses(self, attempt_id: str) -> list[Response]:
        """Return the model responses of one of our own runs, oldest first; none for runs of before version 2."""
        query = (
            f"SELECT {RESPONSE} FROM attempt_responses "  # noqa: S608 - our own column names
            "WHERE attempt = (SELECT id FROM attempts WHERE source = '' AND attempt_id = ?) ORDER BY number"
        )
        with told(self.path):
            return [response(row) for row in self._connection.execute(query, (attempt_id,))]

    def attempts(self) -> list[Attempt]:
        """Return what `runs` returns, without the circumstances."""
        return [run.attempt for run in self.runs()]

    def aggregates(self, sha256: str | None = None) -> list[Aggregate]:
        """Return the published rows of all ingested tables, or of one."""
        query = f"SELECT {AGGREGATE} FROM aggregates"  # noqa: S608 - our own column names
        with told(self.path):
            if sha256 is None:
                rows = self._connection.execute(query).fetchall()
            else:
                query += " WHERE ingested_id = (SELECT id FROM ingested WHERE sha256 = ?)"
                rows = self._connection.execute(query, (sha256,)).fetchall()
        return [aggregate(row) for row in rows]

    def known(self) -> tuple[int, int, int]:
        """Return how many tables were ingested, and how many runs are known to have solved their task or not."""
        runs = (
            "SELECT count(CASE outcome WHEN 'yes' THEN 1 END), count(CASE outcome WHEN 'no' THEN 1 END) FROM attempts"
        )
        with told(self.path):
            (tables,) = self._connection.execute("SELECT count(*) FROM ingested").fetchone()
            solved, not_solved = self._connection.execute(runs).fetchone()
        return tables, solved, not_solved

    def holdings(self) -> list[Holding]:
        """Return the ingested tables, oldest first."""
        with told(self.path):
            found = self._connection.execute(
                "SELECT sha256, path, kind, provenance, cost_units, rows, created FROM ingested ORDER BY id"
            ).fetchall()
        return [_holding(*row) for row in found]

    def knows(self, sha256: str) -> bool:
        """Tell whether this content was ingested before."""
        with told(self.path):
            return bool(self._connection.execute("SELECT 1 FROM ingested WHERE sha256 = ?", (sha256,)).fetchone())

    def ingest(self, table: Table) -> Ingested:
        """Store a table in one transaction.

        Returns:
            ``known`` when the same content was ingested before (nothing changes), ``replaced`` when another content
            had been read from the same path, else ``stored``.
        """
        path = str(table.path.absolute())
        with self._transaction() as connection:
            if self.knows(table.sha256):
                return "known"
            before = connection.execute("DELETE FROM ingested WHERE path = ?", (path,)).rowcount
            created = _now()
            row = connection.execute(
                "INSERT INTO ingested (sha256, path, kind, provenance, cost_units, rows, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    table.sha256,
                    path,
                    table.kind,
                    json.dumps(table.provenance._asdict()),
                    json.dumps(table.cost_units),
                    table.rows,
                    created,
                ),
            ).lastrowid
            connection.executemany(INSERT_AGGREGATE, ((row, *aggregate_row(a)) for a in table.aggregates))
            connection.executemany(UPSERT_RUN, ((row, *run_row(one._replace(created=created))) for one in table.runs))
        return "replaced" if before else "stored"

    def set_outcome(self, which: str, outcome: Literal["yes", "no"]) -> Run:
        """Store the user's word on a run and return the run.

        Args:
            which: an attempt id or its beginning, a session id, or ``last`` for the newest own run.
            outcome: did it solve its task.

        Raises:
            RouterError: there is no such run, or more than one.
        """
        with self._transaction() as connection:
            row, attempt_id = self._find(which)
            connection.execute("UPDATE attempts SET outcome = ?, outcome_source = 'user' WHERE id = ?", (outcome, row))
        found = self._runs("id = ?", (row,))
        if not found:  # removed by another process in between
            raise RouterError(f"the run {attempt_id!a} is gone", where=self.path)
        return found[0]

    def _find(self, which: str) -> tuple[int, str]:
        if which == "last":
            query = "source = '' ORDER BY id DESC LIMIT 1"
        else:
            exact = "attempt_id = ?1 OR session_id = ?1"
            begins = "substr(attempt_id, 1, length(?1)) = ?1"
            query = f"({exact}) OR ({begins} AND NOT EXISTS (SELECT 1 FROM attempts WHERE {exact})) LIMIT 3"  # noqa: S608
        values = () if which == "last" else (which,)
        found: list[tuple[int, str]] = self._connection.execute(
            f"SELECT id, attempt_id FROM attempts WHERE {query}",  # noqa: S608
            values,
        ).fetchall()
        if len(found) == 1:
            return found[0]
        if found:
            hint = "one of " + ", ".join(f"`{attempt_id}`" for _, attempt_id in found)
            raise RouterError(f"{which!a} is the beginning of several runs", where=self.path, hint=hint)
        newest = self._connection.execute(
            "SELECT attempt_id FROM attempts WHERE source = '' ORDER BY id DESC LIMIT 3"
        ).fetchall()
        known = "the newest are " + ", ".join(f"`{row[0]}`" for row in newest) if newest else "no run is recorded yet"
        raise RouterError(
            "there is no last run" if which == "last" else f"no run {which!a}", where=self.path, hint=known
        )

    def _runs(self, condition: str, values: tuple[object, ...]) -> list[Run]:
        with told(self.path):
            rows = self._connection.execute(
                f"SELECT {RUN} FROM attempts WHERE {condition} ORDER BY id",  # noqa: S608 - our own conditions
                values,
            ).fetchall()
        return [run(row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _prepare(self) -> None:
        """Create the tables in an empty file, add to an older ledger what it lacks; refuse a file that is not ours."""
        with told(self.path):
            version = self._version()
        if version == VERSION:
            return
        if version > VERSION:
            raise RouterError(
                f"the ledger has version {version}, this codex-router knows {VERSION}",
                where=self.path,
                hint="upgrade codex-router; a newer one has written here",
            )
        with self._transaction() as connection:
            version = self._version()  # another process may have been quicker
            if version == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise RouterError("an SQLite file, but no ledger of codex-router", where=self.path)
            for statement in (statement for step in SCHEMA[version:] for statement in step):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _holding(sha256: str, path: str, kind: Kind, provenance: str, cost_units: str, rows: int, created: str) -> Holding:
    from pathlib import Path

    said = json.loads(provenance)
    said |= {key: tuple(said[key]) for key in ("caveats", "left_out")}
    return Holding(sha256, Path(path), kind, Provenance(**said), tuple(json.loads(cost_units)), rows, created)
