"""The file that ``-o`` names, during a checked run: as it was before, and as each attempt left it.

Codex writes its last message there, also outside of the work tree, where no snapshot sees it; and writes nothing when
it is stopped. So the file is brought back with the tree.
"""

from __future__ import annotations

from pathlib import Path

DEVICES = ("/dev/", "/proc/")
"""Below these is no file of the user's: ``-o /dev/stdout``."""


class Answers:
    """The contents of one file, by attempt: 0 from before.

    Args:
        named: what ``-o`` names; None when it is not given.
        folder: where each attempt's answer is kept.
    """

    def __init__(self, named: str | None, folder: Path) -> None:
        self._path = Path(named).absolute() if named and not named.startswith(DEVICES) else None
        self._folder = folder
        self._kept: dict[int, bytes | None] = {}

    def keep(self, number: int) -> None:
        """Keep the file as it is now, as that of an attempt.

        Raises:
            OSError: it cannot be read, or the folder not be written.
        """
        if self._path is None:
            return
        self._kept[number] = self._path.read_bytes() if self._path.is_file() else None
        content = self._kept[number]
        if number and content is not None:
            (self._folder / f"attempt-{number}-answer.txt").write_bytes(content)

    def put_back(self, number: int) -> None:
        """Make the file what it was after an attempt, or before the first one.

        Raises:
            OSError: it cannot be written.
        """
        if self._path is None or number not in self._kept or (self._path.exists() and not self._path.is_file()):
            return
        content = self._kept[number]
        if content is None:
            self._path.unlink(missing_ok=True)
        else:
            self._path.write_bytes(content)
