"""A change to files as a value: planned purely, shown as a diff, written later or never."""

from __future__ import annotations

import difflib
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileChange:
    """What one file holds and what it is to hold; None is no file."""

    path: Path
    """As the user knows it; symlinks are followed when it is written."""
    before: bytes | None
    after: bytes | None

    @property
    def differs(self) -> bool:
        """Tell whether anything would change."""
        return self.before != self.after

    def diff(self) -> Iterator[str]:
        """Yield the lines of a unified diff, without line ends; nothing when nothing would change."""
        if not self.differs:
            return
        old, new = _lines(self.before), _lines(self.after)
        before = str(self.path) if self.before is not None else os.devnull
        after = str(self.path) if self.after is not None else os.devnull
        for line in difflib.unified_diff(old, new, before, after, lineterm=""):
            yield from line.split("\n")


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Changes that belong together: all are made, or none."""

    verb: str
    """What the user asked for (``init``, ``apply``, ``migrate``)."""
    files: tuple[FileChange, ...]

    @property
    def needed(self) -> tuple[FileChange, ...]:
        """Return the files that would change."""
        return tuple(change for change in self.files if change.differs)


def read_bytes(path: Path) -> bytes | None:
    """Return what a file holds, or None when there is no file.

    Raises:
        RouterError: it is a folder, or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RouterError(
            f"cannot be read: {error.strerror}", where=path, hint="check what it is and its permissions with `ls -ld`"
        ) from None


def read_text(path: Path) -> str:
    """Return a file's text exactly, line ends included, "" when there is no file.

    Raises:
        RouterError: unreadable, or not UTF-8 (which TOML requires).
    """
    data = read_bytes(path) or b""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RouterError(
            f"not UTF-8 (byte {data[error.start]:#04x})", where=f"{path}:{line}", hint="save the file as UTF-8"
        ) from None


def digest(data: bytes | None) -> str | None:
    """Return the SHA-256 of what a file holds as hex, None for no file."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def _lines(data: bytes | None) -> list[str]:
    """Split for a diff; carriage returns are made visible, other undecodable bytes are escaped."""
    *lines, last = (data or b"").decode("utf-8", errors="backslashreplace").replace("\r", "\u240d").split("\n")
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines
