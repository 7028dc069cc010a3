"""For property tests on real files: homes in memory, by the thousand, and a disk that is not waited for."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import settings

from codex_router.codex.disk import Disk

MEMORY = Path("/dev/shm")
thorough = settings(max_examples=2000 if os.environ.get("CI") else 100, deadline=None)
"""For the laws of what is written into other people's files; other laws are tried 300 times in CI."""


class Quick(Disk):
    """Does not wait for the disk: what is tested with it is which bytes end where."""

    def sync(self, descriptor: int, path: Path) -> None:
        pass

    def sync_folder(self, folder: Path) -> None:
        pass


@contextmanager
def new_folder() -> Iterator[Path]:
    """Make a folder, in memory where there is some."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield Path(folder)


@contextmanager
def new_home() -> Iterator[Path]:
    """Make a Codex home with a codex-router home of its own (``own_home`` sets the variable back)."""
    with new_folder() as folder:
        os.environ["CODEX_ROUTER_HOME"] = str(folder / "router")
        (folder / "codex").mkdir()
        yield folder / "codex"


def listing(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return bytes and mode of each file in a folder and below."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
