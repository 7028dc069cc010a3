"""Where things live on this machine: Codex's home, and our own."""

from __future__ import annotations

import os
from pathlib import Path

README = """This folder belongs to codex-router.

It is data, not a cache: the ledger of your runs and the bytes of files from before each change cannot be
recreated. `codex-router undo` needs the journal; everything else may be removed with `codex-router` itself.
"""


def codex_home() -> Path:
    """Return the folder that Codex reads: ``$CODEX_HOME``, else ``~/.codex``."""
    return Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex").expanduser().absolute()


def router_home() -> Path:
    """Return our own folder: ``$CODEX_ROUTER_HOME``, else ``$XDG_DATA_HOME/codex-router`` (``~/.local/share/...``)."""
    own = os.environ.get("CODEX_ROUTER_HOME")
    if own:
        return Path(own).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data).expanduser().absolute() / "codex-router"


def make_router_home() -> Path:
    """Create our folder, readable by its owner only, with a note saying whose it is."""
    home = router_home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    readme = home / "README"
    if not readme.exists():
        readme.write_text(README, encoding="utf-8")
    return home
