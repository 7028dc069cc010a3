"""Where session files lie, and how they are opened."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_router.evidence.rollout_lines import Readable

FOLDERS = ("sessions", "archived_sessions")
NAME = re.compile(r"rollout-.*?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl(\.zst)?")
MAX_DEPTH = 6


class SessionPath(NamedTuple):
    """A session file as the folder lists it."""

    path: str
    thread_id: str
    size: int
    mtime_ns: int


def find_sessions(home: Path) -> tuple[list[SessionPath], list[str]]:
    """Return the session files of a Codex home, and the folders that could not be listed."""
    found: list[SessionPath] = []
    unreadable: list[str] = []
    for folder in FOLDERS:
        _walk(str(home / folder), found, unreadable, MAX_DEPTH)
    return found, unreadable


def _walk(folder: str, found: list[SessionPath], unreadable: list[str], depth: int) -> None:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    except OSError:
        unreadable.append(folder)
        return
    for entry in sorted(entries, key=lambda entry: entry.name):
        try:
            name = NAME.fullmatch(entry.name)
            if name and entry.is_file():
                status = entry.stat()
                found.append(SessionPath(entry.path, name[1], status.st_size, status.st_mtime_ns))
            elif depth and not name and entry.is_dir(follow_symlinks=False):
                _walk(entry.path, found, unreadable, depth - 1)
        except OSError:
            unreadable.append(entry.path)


@contextmanager
def opened(path: str, offset: int = 0) -> Iterator[Readable]:
    """Open a session file for reading; a compressed one is decompressed on the way and has no offset.

    Raises:
        OSError: it cannot be opened.
    """
    with Path(path).open("rb", buffering=0) as file:
        if path.endswith(".zst"):
            import zstandard

            with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
                yield _Decompressed(stream)
        else:
            file.seek(offset)
            yield cast("Readable", file)


class _Decompressed:
    """A decompressing stream that tells damage as an `OSError`."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        import zstandard

        try:
            return self._stream.read(size)
        except zstandard.ZstdError as error:
            raise OSError(f"damaged: {error}") from error
