"""How SQLAlchemy reaches the ledger, in SQLite or PostgreSQL, and what is told when it does not."""

from __future__ import annotations

import math
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from codex_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "CODEX_ROUTER_DB"
CONNECT_SECONDS = 10
BUSY_SECONDS = 30.0
WRITES = "codex_router_writes"
"""Our execution option of connections whose transactions write."""


def engine_for(url: str) -> sa.Engine:
    """Return an engine for a database.

    Raises:
        RouterError: its driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            engine = sa.create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        return sa.create_engine(
            parsed, pool_pre_ping=True, pool_size=2, connect_args={"connect_timeout": CONNECT_SECONDS}
        )
    except ModuleNotFoundError as error:
        raise RouterError(
            f"the driver of this database is not installed: {error.name}",
            where=VARIABLE,
            hint="`pip install 'codex-profile-router[team]'` and an URL such as postgresql+psycopg://host/name",
        ) from None


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin in `_begin_sqlite`
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -4000"):
        connection.execute(f"PRAGMA {pragma}")
    try:
        connection.execute("SELECT ln(1)")
    except sqlite3.OperationalError:  # built without mathematics
        connection.create_function("ln", 1, math.log, deterministic=True)


def _begin_sqlite(connection: sa.Connection) -> None:
    """Take the one place of a writer at the start: a reader that begins to write cannot wait for it."""
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def told(url: Any) -> Iterator[None]:
    """Tell what a database complains about in our words, without its password."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()
        raise RouterError(
            f"the ledger cannot be used: {cause[0] if cause else type(error).__name__}",
            where=shown(url),
            hint=f"check {VARIABLE} and that the database can be reached and written",
        ) from error


def shown(url: Any) -> str:
    """Return a database's URL as it may be shown."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return VARIABLE


def is_busy(error: OperationalError) -> bool:
    """Tell whether SQLite only says that another process is writing."""
    return "locked" in str(error) or "busy" in str(error)
