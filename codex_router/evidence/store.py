"""The ledger of sessions: what was read from Codex's session files, in SQLite or in a team's PostgreSQL.

By default it is the file of `Ledger`; ``CODEX_ROUTER_DB=postgresql+psycopg://...`` names a team's. Everything here
may be done twice: a response is named by its thread and the thread's running total, so that many machines may read
the same sessions, and a reading that was cut short is simply done again.
"""

from __future__ import annotations

import getpass
import os
import platform
import time
from typing import TYPE_CHECKING, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from codex_router.errors import RouterError
from codex_router.evidence.engine import WRITES, engine_for, is_busy, shown, told
from codex_router.evidence.ledger import FILE, Ledger
from codex_router.evidence.outcomes import guess_outcomes
from codex_router.evidence.session_records import Position
from codex_router.evidence.store_inserts import insert
from codex_router.evidence.store_rows import rows_of
from codex_router.evidence.store_tables import (
    MIGRATIONS,
    attempts,
    schema_version,
    session_files,
)
from codex_router.evidence.store_tables import spending as spending_table
from codex_router.evidence.summing import adopt_parents
from codex_router.home import router_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from codex_router.evidence.runs import Run
    from codex_router.evidence.sessions import SessionRead

T = TypeVar("T")
LOCK = 7_265_117_031
"""Of PostgreSQL's advisory locks: one process at a time makes or migrates the tables."""
RETRIES = 5
PATHS = 500
"""That are asked for at a time."""


class Store:
    """An open ledger of sessions; use it as a context manager.

    Attributes:
        engine: SQLAlchemy's engine, for the questions in `usage`, `waste` and `cells`.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.person = os.environ.get("CODEX_ROUTER_PERSON") or _user()
        self.machine = platform.node() or "unknown"
        self._reached = False

    @classmethod
    def open(cls, url: str | None = None) -> Self:
        """Open the ledger that ``CODEX_ROUTER_DB`` names, by default the one in our home, and migrate it.

        Args:
            url: of SQLAlchemy, to open another one.

        Raises:
            RouterError: it cannot be opened, or a newer codex-router has written to it.
        """
        url = url or os.environ.get("CODEX_ROUTER_DB") or None
        if url is None:
            Ledger.open().close()  # makes the file, its folder, and the tables of runs
            url = f"sqlite:///{router_home() / FILE}"
        with told(url):
            store = cls(engine_for(url))
            try:
                store._migrate()
            except BaseException:
                store.close()
                raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @property
    def is_shared(self) -> bool:
        """Tell whether this is a team's database."""
        return self.engine.dialect.name != "sqlite"

    def positions(self, paths: Sequence[str]) -> dict[str, Position]:
        """Return how far some of this machine's session files were read, by path; those never read are left out."""
        c = session_files.c
        query = sa.select(c.path, c.size, c.mtime_ns, c.byte_offset, c.state).where(c.machine == self.machine)

        def work(connection: sa.Connection) -> dict[str, Position]:
            found: dict[str, Position] = {}
            for start in range(0, len(paths), PATHS):
                some = query.where(c.path.in_(paths[start : start + PATHS]))
                found |= {row[0]: Position(*row) for row in connection.execute(some)}
            return found

        with told(self.engine.url):
            return self.again(work, writes=False)

    def stamps(self) -> dict[str, tuple[int, int]]:
        """Return size and time of this machine's session files as they were read, by path."""
        c = session_files.c
        query = sa.select(c.path, c.size, c.mtime_ns).where(c.machine == self.machine)

        def work(connection: sa.Connection) -> dict[str, tuple[int, int]]:
            return {path: (size, mtime_ns) for path, size, mtime_ns in connection.execute(query)}

        with told(self.engine.url):
            return self.again(work, writes=False)

    def add(self, reads: Sequence[SessionRead]) -> None:
        """Store what was read from some files, all of it or nothing; a lost connection is tried again.

        Raises:
            RouterError: the database cannot be written.
        """
        rows = rows_of(reads, self.person, self.machine)
        if not rows.files:
            return
        with told(self.engine.url):
            self.again(lambda connection: insert(connection, rows))

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """Begin a transaction that writes; in SQLite one at a time, with readers beside it."""
        return self.engine.execution_options(**{WRITES: True}).begin()

    def again(self, work: Callable[[sa.Connection], T], *, writes: bool = True) -> T:
        """Do some work in one transaction and return its result; after a lost connection, all of it again.

        A database that was never reached is not waited for.
        """
        for attempt in range(RETRIES):
            try:
                with self.writing() if writes else self.engine.connect() as connection:
                    self._reached = True
                    return work(connection)
            except OperationalError as error:
                if attempt == RETRIES - 1 or not ((self.is_shared and self._reached) or is_busy(error)):
                    raise
            except DBAPIError as error:
                if attempt == RETRIES - 1 or not error.connection_invalidated:
                    raise
            self.engine.dispose()
            time.sleep(0.2 * 2**attempt)
        raise AssertionError("the last attempt raises")

    def settle(self, reads: Sequence[SessionRead] = (), *, guess: bool = False) -> None:
        """Link sub-agents of older Codex versions to their parents, and runs of ``exec`` to their tiers.

        Args:
            reads: the last that were read, stored in the same transaction: whoever is interrupted before reads them
                again, and settles then.
            guess: also guess the outcomes of turns that nobody judged; see `outcomes`.

        Raises:
            RouterError: the database cannot be written.
        """
        rows = rows_of(reads, self.person, self.machine)

        def work(connection: sa.Connection) -> None:
            insert(connection, rows)
            adopt_parents(connection)
            if guess:
                guess_outcomes(connection)

        with told(self.engine.url):
            self.again(work)

    def push(self, runs: Iterable[Run]) -> int:
        """Store own runs that a team's database does not have yet; return how many there were."""
        if not self.is_shared:
            return 0
        from sqlalchemy.dialects import postgresql

        from codex_router.evidence.ledger_rows import RUN, run_row

        names = RUN.split(", ")
        rows = [dict(zip(names, run_row(run), strict=True)) for run in runs if not run.source]
        if not rows:
            return 0
        for row in rows:
            row["source"] = ""
        statement = postgresql.insert(attempts)
        known = {name: statement.excluded[name] for name in ("outcome", "outcome_source")}
        said = statement.on_conflict_do_update(
            index_elements=["source", "attempt_id"], set_=known, where=statement.excluded.outcome != "unknown"
        )
        with told(self.engine.url):
            self.again(lambda connection: connection.execute(said, rows))
        return len(rows)

    def _migrate(self) -> None:
        if self.again(self._version, writes=False) != len(MIGRATIONS):
            self.again(self._to_newest)

    def _to_newest(self, connection: sa.Connection) -> None:
        if self.is_shared:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        version = self._version(connection)  # another process may have been quicker
        if version > len(MIGRATIONS):
            raise RouterError(
                f"the ledger of sessions has version {version}, this codex-router knows {len(MIGRATIONS)}",
                where=shown(self.engine.url),
                hint="upgrade codex-router; a newer one has written here",
            )
        if version == len(MIGRATIONS):
            return
        for step in MIGRATIONS[version:]:
            step(connection)
        connection.execute(sa.delete(schema_version))
        connection.execute(sa.insert(schema_version).values(version=len(MIGRATIONS)))

    @staticmethod
    def _version(connection: sa.Connection) -> int:
        if not sa.inspect(connection).has_table(schema_version.name):
            return 0
        return connection.execute(sa.select(schema_version.c.version)).scalar() or 0

    def is_empty(self) -> bool:
        """Tell whether no session was read yet."""
        with told(self.engine.url), self.engine.connect() as connection:
            return connection.execute(sa.select(spending_table.c.day).limit(1)).first() is None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
