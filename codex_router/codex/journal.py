"""The write protocol: lock, compare, journal, write, prove; and undo.

Every change set is one numbered folder under ``$CODEX_ROUTER_HOME/journal``: the bytes from before and after, and
``entry.json``, which says of what. An entry is `STARTED` before the first file is touched and `DONE` after the proof,
so a kill at any point leaves a trace that `doctor` reads and `undo` takes back.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_router import __version__
from codex_router.codex.changes import ChangeSet, FileChange, digest, read_bytes
from codex_router.codex.disk import TEMPORARY, Disk, file_mode, put, remove
from codex_router.errors import RouterError
from codex_router.home import make_router_home, router_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STARTED, DONE, REVERTED, UNDONE = "started", "done", "reverted", "undone"
LOCK_WAIT_S = 10.0
"""Seconds to wait for another codex-router that is writing."""


@dataclass(frozen=True, slots=True)
class Written:
    """One file of an entry."""

    path: Path
    before: str | None
    """SHA-256 of the bytes from before; None when there was no file."""
    after: str | None
    """SHA-256 of what was written; None when the file was removed."""
    mode: int | None
    """Permission bits from before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change set in the journal."""

    number: int
    state: str
    """`STARTED`, `DONE`, `REVERTED` (Codex did not accept it) or `UNDONE`."""
    when: str
    """Local time of the change, ISO."""
    verb: str
    files: tuple[Written, ...]
    folder: Path

    def old_bytes(self, index: int) -> bytes | None:
        """Return what file `index` held before."""
        return None if self.files[index].before is None else (self.folder / f"{index}.before").read_bytes()

    def new_bytes(self, index: int) -> bytes | None:
        """Return what was written to file `index`."""
        return None if self.files[index].after is None else (self.folder / f"{index}.after").read_bytes()


class Journal:
    """The journal in codex-router's own folder.

    Args:
        disk: the system calls to write with.
        home: codex-router's folder; default `codex_router.home.router_home`.
    """

    def __init__(self, disk: Disk | None = None, home: Path | None = None) -> None:
        self.disk = disk or Disk()
        self.home = home or router_home()

    @property
    def _folder(self) -> Path:
        return self.home / "journal"

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first."""
        if not self._folder.is_dir():
            return []
        return [_load(folder) for folder in sorted(self._folder.iterdir()) if folder.name.isdigit()]

    def last_written(self, path: Path) -> bytes | None:
        """Return what we last wrote to the file behind `path`; None when we never wrote it, or removed it."""
        real = _real(path)
        for entry in reversed(self.entries()):
            if entry.state in {STARTED, DONE}:
                for index, file in enumerate(entry.files):
                    if file.path == real:
                        return entry.new_bytes(index)
        return None

    def interrupted(self) -> Entry | None:
        """Return the newest entry when it never ended: the program was killed while it wrote."""
        entries = self.entries()
        return entries[-1] if entries and entries[-1].state == STARTED else None

    def state_of(self, file: Written) -> str:
        """Return ``old``, ``new`` or ``changed by somebody else``."""
        now = digest(read_bytes(file.path))
        return {file.after: "new", file.before: "old"}.get(now, "changed by somebody else")

    def write(self, changes: ChangeSet, prove: Callable[[], str | None] | None = None) -> Entry | None:
        """Write a change set, or leave everything as it was.

        Args:
            changes: what was planned and shown; nothing happens when nothing differs.
            prove: asked after writing; a text means "not accepted, because", and the old bytes come back.

        Raises:
            RouterError: a file changed since it was planned, cannot be written, or `prove` objected.
        """
        needed = changes.needed
        if not needed:
            return None
        with self._locked():
            for change in needed:
                _check_unchanged(change)
            entry = self._begin(changes.verb, needed)
            try:
                for change in needed:
                    _check_unchanged(change)
                    self._set(change.path, change.after)
                objection = prove() if prove else None
            except BaseException as error:
                self._give_up(entry, error)
                raise
            if objection is not None:
                self._restore(entry, REVERTED)
                raise RouterError(
                    f"Codex does not accept what was written, so the old bytes are back:\n{objection}",
                    hint="please report this together with `codex-router doctor --json`",
                )
            return self._mark(entry, DONE)

    def undo(self, *, force: bool = False) -> Entry:
        """Take back the newest change that still stands, byte for byte, and return its entry.

        Raises:
            RouterError: nothing to undo, or (without `force`) a file was changed by somebody else since.
        """
        with self._locked():
            standing = [entry for entry in self.entries() if entry.state in {STARTED, DONE}]
            if not standing:
                raise RouterError("nothing to undo")
            entry = standing[-1]
            for file in entry.files:
                now = digest(read_bytes(file.path))
                if not force and now not in {file.before, file.after}:
                    raise RouterError(
                        "changed by somebody else since codex-router wrote it",
                        where=file.path,
                        hint="look at it, then `codex-router undo --force` restores the bytes from before anyway",
                    )
            return self._restore(entry, UNDONE)

    def _give_up(self, entry: Entry, error: BaseException) -> None:
        """Bring the old bytes back and say why; when even that fails, the entry stays `STARTED` for `undo`."""
        try:
            self._restore(entry, REVERTED)
        except OSError as second:
            raise RouterError(
                f"cannot be written ({second.strerror}), nor the bytes from before brought back",
                where=second.filename,
                hint="make room or mend the permissions, then run `codex-router undo`",
            ) from error
        if isinstance(error, OSError):
            raise RouterError(
                f"cannot be written: {error.strerror}; everything is as it was",
                where=error.filename,
                hint="check free space and permissions, then run the same command again",
            ) from error

    def _begin(self, verb: str, needed: tuple[FileChange, ...]) -> Entry:
        number = max((entry.number for entry in self.entries()), default=0) + 1
        if not self._folder.is_dir():
            self.disk.mkdir(self._folder)
        folder = self._folder / f"{number:06d}"
        draft = self._folder / f"{number:06d}.draft"
        _clear(draft)
        self.disk.mkdir(draft)
        files = tuple(
            Written(_real(change.path), digest(change.before), digest(change.after), file_mode(change.path))
            for change in needed
        )
        for index, change in enumerate(needed):
            for name, data in (("before", change.before), ("after", change.after)):
                if data is not None:
                    put(self.disk, draft / f"{index}.{name}", data, 0o600)
        entry = Entry(number, STARTED, time.strftime("%Y-%m-%dT%H:%M:%S%z"), verb, files, draft)
        self._save(entry)
        self.disk.rename(draft, folder)
        self.disk.sync_folder(self._folder)
        return _load(folder)

    def _set(self, path: Path, data: bytes | None, mode: int | None = None) -> None:
        if data is None:
            remove(self.disk, path)
        else:
            put(self.disk, path, data, mode)

    def _restore(self, entry: Entry, state: str) -> Entry:
        for index, file in enumerate(entry.files):
            if digest(read_bytes(file.path)) != file.before:
                self._set(file.path, entry.old_bytes(index), file.mode)
        return self._mark(entry, state)

    def _mark(self, entry: Entry, state: str) -> Entry:
        marked = Entry(entry.number, state, entry.when, entry.verb, entry.files, entry.folder)
        self._save(marked)
        return marked

    def _save(self, entry: Entry) -> None:
        document: dict[str, Any] = {
            "schema": 1,
            "router": __version__,
            "state": entry.state,
            "when": entry.when,
            "verb": entry.verb,
            "files": [
                {"path": str(file.path), "before": file.before, "after": file.after, "mode": file.mode}
                for file in entry.files
            ],
        }
        put(self.disk, entry.folder / "entry.json", json.dumps(document, indent=1).encode(), 0o600)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        make_router_home()
        descriptor = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, self.home / "lock")
            yield
        finally:
            os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise RouterError(
                    f"another codex-router has been writing for {LOCK_WAIT_S:.0f} s",
                    where=path,
                    hint="wait for it, or end it, and try again",
                ) from None
            time.sleep(0.05)


def _check_unchanged(change: FileChange) -> None:
    if read_bytes(change.path) != change.before:
        raise RouterError(
            "changed since the plan was made; nothing was written",
            where=change.path,
            hint="run the same command again to plan from what is there now",
        )


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _clear(draft: Path) -> None:
    """Remove a draft that a kill left behind; it was never an entry."""
    if draft.is_dir():
        for file in draft.iterdir():
            file.unlink()
        draft.rmdir()


def leftovers(paths: list[Path]) -> list[Path]:
    """Return temporary files that a kill left beside `paths`; the next write of the same file removes them."""
    return [scratch for path in paths if (scratch := _real(path).with_name(f".{_real(path).name}{TEMPORARY}")).exists()]


def _load(folder: Path) -> Entry:
    where = folder / "entry.json"
    try:
        document = json.loads(where.read_bytes())
        files = tuple(
            Written(Path(file["path"]), file["before"], file["after"], file["mode"]) for file in document["files"]
        )
        return Entry(
            int(folder.name.split(".")[0]), document["state"], document["when"], document["verb"], files, folder
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RouterError(
            f"this journal entry cannot be read ({error})",
            where=where,
            hint=f"move `{folder}` away; the changes before and after it can still be undone",
        ) from None
