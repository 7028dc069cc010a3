"""How the file of the ledger is opened, and what is told when it cannot be used."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager

from codex_router.errors import RouterError
from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike


def connect(path: str | PathLike[str], patience_s: float) -> sqlite3.Connection:
    """Open a file, make it if need be, readable by its owner only.

    Raises:
        OSError: it cannot be opened.
        sqlite3.Error: it is no SQLite file, or busy for longer than `patience_s`.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=patience_s, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last runs, never the ledger
        _write_ahead(connection, patience_s)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection, patience_s: float) -> None:
    """Switch the file to a write-ahead log; SQLite's busy timeout does not cover this statement."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


@contextmanager
def told(path: str | PathLike[str]) -> Iterator[None]:
    """Tell what SQLite and the file system complain about in our words."""
    try:
        yield
    except OSError as error:
        raise RouterError(f"the ledger cannot be opened: {error.strerror}", where=path, hint=_HINT_ACCESS) from error
    except sqlite3.Error as error:
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
        hint = _HINT_DAMAGED if damaged or "malformed" in str(error) else _HINT_ACCESS
        raise RouterError(f"the ledger cannot be used: {error}", where=path, hint=hint) from error


_HINT_ACCESS = "check that the file and its folder are writable, or set CODEX_ROUTER_HOME to another folder"
_HINT_DAMAGED = (
    "the file is damaged: move it away (a new ledger is begun), then try `sqlite3 OLD .recover | sqlite3 ledger.sqlite`"
)
