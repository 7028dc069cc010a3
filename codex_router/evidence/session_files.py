"""Where session files lie, and how they are opened."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from io import BufferedReader, FileIO, RawIOBase

from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from codex_router.evidence.rollout_lines import Readable

FOLDERS = ("sessions", "archived_sessions")
NAME = re.compile(r"rollout-.*?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl(\.zst)?")
MAX_DEPTH = 6
BUFFER_BYTES = 1 << 16
"""Small enough for the allocator to reuse: larger ones are mapped, and cleared by the kernel, each time."""


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
    seen: set[tuple[int, int]] = set()
    for folder in FOLDERS:
        _walk(str(home / folder), found, unreadable, seen, MAX_DEPTH)
    return found, unreadable


def _walk(folder: str, found: list[SessionPath], unreadable: list[str], seen: set[tuple[int, int]], depth: int) -> None:
    """Look into a folder, also behind a link (years may lie on another disk), but into none twice."""
    try:
        folder.encode()  # a name that is no text could not be stored
        status = os.stat(folder)  # noqa: PTH116 - here pathlib is not imported yet
        place = status.st_dev, status.st_ino
        if place in seen:
            return
        seen.add(place)
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    except (OSError, UnicodeEncodeError):
        unreadable.append(os.fsencode(folder).decode("utf-8", "backslashreplace"))
        return
    for entry in sorted(entries, key=lambda entry: entry.name):
        try:
            name = NAME.fullmatch(entry.name)
            if name and entry.is_file():
                status = entry.stat()
                found.append(SessionPath(entry.path, name[1], status.st_size, status.st_mtime_ns))
            elif depth and not name and entry.is_dir():
                _walk(entry.path, found, unreadable, seen, depth - 1)
        except OSError:
            unreadable.append(entry.path)


@contextmanager
def opened(path: str) -> Iterator[Readable]:
    """Open a session file for reading; a compressed one is decompressed on the way.

    Raises:
        OSError: it cannot be opened.
    """
    with FileIO(path) as file:
        if path.endswith(".zst"):
            import zstandard

            with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
                yield BufferedReader(_Decompressed(stream), BUFFER_BYTES)
        else:
            yield BufferedReader(file, BUFFER_BYTES)


class _Decompressed(RawIOBase):
    """A decompressing stream that tells damage as an `OSError`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._read = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._read

    def readinto(self, buffer: Any) -> int:
        import zstandard

        try:
            count = int(self._stream.readinto(buffer))
        except zstandard.ZstdError as error:
            raise OSError(f"damaged: {error}") from error
        self._read += count
        return count
