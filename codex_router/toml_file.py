"""Read a TOML file, and remember what it says: `tomllib` takes longer to import than the rest of a run's start.

What was read is kept beside the ledger as JSON, and believed as long as the file on disk is the same one (inode, size,
times). A file that was changed in the last moments is not kept: its times may be too coarse to tell the next change.
"""

from __future__ import annotations

import json
import os
import time

from codex_router.home import router_folder, router_home
from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike
    from typing import Any

FILE = "parsed.json"
SETTLED_NS = 2_000_000_000
MOST = 20
"""Files that are remembered at most."""


def read_toml(path: str | PathLike[str]) -> dict[str, Any]:
    """Return what a TOML file says.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is not UTF-8.
        ValueError: it is not TOML.
        RecursionError: it is nested too deeply.
    """
    stat = os.stat(path)
    key = [stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
    memo = _memo()
    try:
        known, document = memo[str(path)]
        if known == key and isinstance(document, dict):
            return document
    except (KeyError, TypeError, ValueError):
        pass
    import tomllib

    with open(path, "rb") as stream:
        text = stream.read().decode("utf-8")

    document = tomllib.loads(text)
    if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > SETTLED_NS:
        _remember({**(memo if len(memo) < MOST else {}), str(path): [key, document]})
    return document


def _memo() -> dict[str, Any]:
    try:
        with open(os.path.join(router_folder(), FILE), "rb") as stream:
            memo = json.loads(stream.read())
    except (OSError, ValueError, RecursionError):
        return {}
    return memo if isinstance(memo, dict) else {}


def _remember(memo: dict[str, Any]) -> None:
    """Keep what was read, if it is the same as JSON; failing to is no error."""
    try:
        text = json.dumps(memo)
        if json.loads(text) == memo:
            scratch = router_home() / f"{FILE}.{os.getpid()}"
            scratch.write_text(text, encoding="utf-8")
            scratch.replace(router_home() / FILE)
    except (OSError, TypeError, ValueError, RecursionError):
        pass
