"""Where things live on this machine: Codex's home, and our own.

As texts for `exec`, which does without `pathlib`: it takes 3 ms to import.
"""

from __future__ import annotations

import os

from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

README = """This folder belongs to codex-router.

It is data, not a cache: the ledger of your runs and the bytes of files from before each change cannot be
recreated. `codex-router undo` needs the journal; everything else may be removed with `codex-router` itself.
"""


def codex_folder() -> str:
    """Return the folder that Codex reads: ``$CODEX_HOME``, else ``~/.codex``."""
    return _absolute(os.environ.get("CODEX_HOME") or "~/.codex")


def router_folder() -> str:
    """Return our own folder: ``$CODEX_ROUTER_HOME``, else ``$XDG_DATA_HOME/codex-router`` (``~/.local/share/...``)."""
    own = os.environ.get("CODEX_ROUTER_HOME")
    return _absolute(own or os.path.join(os.environ.get("XDG_DATA_HOME") or "~/.local/share", "codex-router"))


def codex_home() -> Path:
    """Return `codex_folder` as a path."""
    from pathlib import Path

    return Path(codex_folder())


def router_home() -> Path:
    """Return `router_folder` as a path."""
    from pathlib import Path

    return Path(router_folder())


def make_router_folder() -> str:
    """Create our folder, readable by its owner only, with a note saying whose it is."""
    home = router_folder()
    os.makedirs(home, mode=0o700, exist_ok=True)
    readme = os.path.join(home, "README")
    if not os.path.exists(readme):
        with open(readme, "w", encoding="utf-8") as stream:
            stream.write(README)
    return home


def make_router_home() -> Path:
    """Create our folder and return it as a path; see `make_router_folder`."""
    from pathlib import Path

    return Path(make_router_folder())


def _absolute(path: str) -> str:
    """Return a path from the root, links and ``..`` in it untouched."""
    path = os.path.expanduser(path)
    return path if os.path.isabs(path) else os.path.join(os.getcwd(), path)
