"""Whether any session file has changed since it was read: asked often, so with the standard library alone."""

from __future__ import annotations

import os
import platform
import sqlite3
from typing import TYPE_CHECKING

from codex_router.evidence.ledger import FILE
from codex_router.evidence.session_files import find_sessions
from codex_router.home import router_home

if TYPE_CHECKING:
    from pathlib import Path


def unchanged_files(home: Path) -> int | None:
    """Return how many session files there are when all were read as they are now; None when it takes more to tell."""
    path = router_home() / FILE
    if os.environ.get("CODEX_ROUTER_DB") or not path.exists():
        return None
    files, unreadable = find_sessions(home)
    if unreadable:
        return None
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1.0)
    try:
        query = "SELECT path, size, mtime_ns FROM session_files WHERE machine = ?"
        known = {row[0]: (row[1], row[2]) for row in connection.execute(query, (platform.node() or "unknown",))}
    except sqlite3.Error:
        return None
    finally:
        connection.close()
    same = all(known.get(file.path) == (file.size, file.mtime_ns) for file in files)
    return len(files) if same else None
