"""The write protocol: lock, compare, journal, write, prove; and undo.

Every change set is one numbered folder under ``$CODEX_ROUTER_HOME/journal``: the bytes from before and after, and
``entry.json``, which says of what. An entry is `STARTED` before the first file is touched and `DONE` after the proof,
so a kill at any point leaves a trace that `doctor` reads and `undo` takes back. The next change of the same files takes
a cut-off entry over as its own (`Entry.absorbs`), so that one `undo` then takes back both.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codex_router.codex.changes import ChangeSet, FileChange, digest, read_bytes
from codex_router.codex.disk import Disk, file_mode, put, remove, scratch_of
from codex_router.codex.entries import (
    CUT_OFF,
    DONE,
    ENTRY,
    REVERTED,
    STARTED,
    UNDOING,
    UNDONE,
    Entry,
    Written,
    document,
    load,
)
from codex_router.codex.lock import locked, unusable
from codex_router.errors import RouterError
from codex_router.home import router_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Step(NamedTuple):
    """What an entry keeps of one file."""

    path: Path
    before: bytes | None
    after: bytes | None
    mode: int | None


class Journal:
    """The journal in codex-router's own folder.

    Args:
        disk: the system calls to write with.
    """

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = disk or Disk()
        self.home = router_home()

    @property
    def _folder(self) -> Path:
        return self.home / "journal"

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first.

        Raises:
            RouterError: the journal cannot be read.
        """
        try:
            folders = sorted(self._folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RouterError(
                f"the journal cannot be read: {error.strerror}", where=self._folder, hint="mend its permissions"
            ) from None
        return [load(folder) for folder in folders if folder.name.isdigit()]

    def standing(self) -> list[Entry]:
        """Return the entries that are not taken back, oldest first, each absorbed one left out."""
        entries = self.entries()
        absorbed = {entry.absorbs for entry in entries}
        return [entry for entry in entries if entry.state in CUT_OFF | {DONE} and entry.number not in absorbed]

    def last_written(self, path: Path) -> bytes | None:
        """Return what we last wrote to the file behind `path`; None when we never wrote it, or removed it."""
        real = _real(path)
        for entry in reversed(self.standing()):
            for index, file in enumerate(entry.files):
                if file.path == real and not (entry.state in CUT_OFF and self.state_of(file) == "old"):
                    return entry.new_bytes(index)
        return None

    def interrupted(self) -> Entry | None:
        """Return the newest entry that never ended: the program was killed while it wrote, or took back."""
        return next((entry for entry in reversed(self.standing()) if entry.state in CUT_OFF), None)

    def cut_off(self, changes: ChangeSet) -> Entry | None:
        """Return the interrupted entry when it is about the same folders as `changes`, which then complete it."""
        entry = self.interrupted()
        folders = {_real(change.path).parent for change in changes.files}
        return entry if entry and folders & {file.path.parent for file in entry.files} else None

    def state_of(self, file: Written) -> str:
        """Return ``old``, ``new`` or ``changed by somebody else``."""
        now = digest(read_bytes(file.path))
        return {file.after: "new", file.before: "old"}.get(now, "changed by somebody else")

    def write(self, changes: ChangeSet, prove: Callable[[], str | None] | None = None) -> Entry | None:
        """Write a change set, or leave everything as it was.

        Args:
            changes: what was planned and shown; nothing happens when nothing differs and nothing was cut off.
            prove: asked after writing; a text means "not accepted, because", and the old bytes come back.

        Raises:
            RouterError: a file changed since it was planned, cannot be written, or `prove` objected.
        """
        if not changes.needed and self.cut_off(changes) is None:
            return None
        with self._locked():
            for change in changes.needed:
                _check_unchanged(change)
            entry, steps = self._entry(changes)
            try:
                self._begin(entry, steps)
                for change in changes.needed:
                    _check_unchanged(change)
                    self._set(change.path, change.after)
                objection = prove() if prove else None
                if objection is None:
                    return self._mark(entry, DONE)
            except BaseException as error:
                self._give_up(entry, error)
                raise
            left = self._restored(entry)
            self._mark(entry, REVERTED)
            raise RouterError(
                f"Codex does not accept what was written, so the old bytes are back{_but(left)}:\n{objection}",
                hint="please report this together with `codex-router doctor --json`",
            )

    def undo(self, *, force: bool = False) -> Entry:
        """Take back the newest change that still stands, byte for byte, and return its entry.

        Raises:
            RouterError: nothing to undo, or (without `force`) a file was changed by somebody else since.
        """
        with self._locked():
            standing = self.standing()
            if not standing:
                raise RouterError("nothing to undo")
            entry = standing[-1]
            for file in entry.files:
                if not force and self.state_of(file) not in {"old", "new"}:
                    raise RouterError(
                        "changed by somebody else since codex-router wrote it",
                        where=file.path,
                        hint="look at it, then `codex-router undo --force` restores the bytes from before anyway",
                    )
            try:
                self._mark(entry, UNDOING)
                self._restored(entry, force=force)
                return self._mark(entry, UNDONE)
            except OSError as error:
                raise RouterError(
                    f"cannot be brought back: {error.strerror}",
                    where=error.filename,
                    hint="make room or mend the permissions, then run `codex-router undo` again",
                ) from error

    def _give_up(self, entry: Entry, error: BaseException) -> None:
        """Bring the old bytes back and say why; when even that fails, the entry stays `STARTED` for `undo`."""
        try:
            left = self._restored(entry) if entry.folder.exists() else []
        except OSError as second:
            raise RouterError(
                f"cannot be written ({second.strerror}), nor the bytes from before brought back",
                where=second.filename,
                hint="make room or mend the permissions, then run `codex-router undo`",
            ) from error
        with contextlib.suppress(OSError):  # a full disk: it stays `STARTED`, which the next write completes
            _clear(_draft(entry.folder), self.disk)
            if entry.folder.exists():
                self._mark(entry, REVERTED)
        if isinstance(error, OSError):
            raise RouterError(
                f"cannot be written: {error.strerror}; everything is as it was{_but(left)}",
                where=error.filename,
                hint="check free space and permissions, then run the same command again",
            ) from error

    def _entry(self, changes: ChangeSet) -> tuple[Entry, list[_Step]]:
        """Return the next entry, not yet on disk, and what it keeps; a cut-off one is absorbed."""
        steps = {
            _real(change.path): _Step(_real(change.path), change.before, change.after, file_mode(change.path))
            for change in changes.needed
        }
        cut = self.cut_off(changes)
        for index, file in enumerate(cut.files if cut else ()):
            state, step = self.state_of(file), steps.get(file.path)
            if cut and ((step and state in {"old", "new"}) or state == "new"):
                after = step.after if step else cut.new_bytes(index)
                steps[file.path] = _Step(file.path, cut.old_bytes(index), after, file.mode)
        number = max((entry.number for entry in self.entries()), default=0) + 1
        files = tuple(Written(one.path, digest(one.before), digest(one.after), one.mode) for one in steps.values())
        when, folder = time.strftime("%Y-%m-%dT%H:%M:%S%z"), self._folder / f"{number:06d}"
        return Entry(number, STARTED, when, changes.verb, files, folder, cut.number if cut else None), list(
            steps.values()
        )

    def _begin(self, entry: Entry, steps: list[_Step]) -> None:
        """Put the entry on disk, in one step."""
        draft = _draft(entry.folder)
        if not self._folder.is_dir():
            self.disk.mkdir(self._folder)
        self.disk.mkdir(draft)
        for index, step in enumerate(steps):
            for name, data in (("before", step.before), ("after", step.after)):
                if data is not None:
                    put(self.disk, draft / f"{index}.{name}", data, 0o600)
        self._save(dataclasses.replace(entry, folder=draft))
        self.disk.rename(draft, entry.folder)
        self.disk.sync_folder(self._folder)

    def _set(self, path: Path, data: bytes | None, mode: int | None = None) -> None:
        if data is None:
            remove(self.disk, path)
        else:
            put(self.disk, path, data, mode)

    def _restored(self, entry: Entry, *, force: bool = False) -> list[Path]:
        """Bring the old bytes back and return the files that others changed since; only `force` overwrites those.

        A file that is still there keeps its mode: who made it private since does not want it public again.
        """
        left = []
        for index, file in enumerate(entry.files):
            state = self.state_of(file)
            if state == "new" or (force and state != "old"):
                self._set(file.path, entry.old_bytes(index), None if os.path.lexists(file.path) else file.mode)
            elif state != "old":
                left.append(file.path)
        return left

    def _mark(self, entry: Entry, state: str) -> Entry:
        marked = dataclasses.replace(entry, state=state)
        self._save(marked)
        return marked

    def _save(self, entry: Entry) -> None:
        put(self.disk, entry.folder / ENTRY, document(entry), 0o600)

    def _sweep(self) -> None:
        """Remove what a kill left behind: drafts that never became an entry, temporary files."""
        for draft in self._folder.glob("*.draft"):
            _clear(draft, self.disk)
        cut = self.interrupted()
        for path in [*(file.path for file in cut.files), cut.folder / ENTRY] if cut else []:
            scratch = scratch_of(path)
            if os.path.lexists(scratch):
                self.disk.unlink(scratch)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with locked(self.home):
            try:
                self._sweep()
            except OSError as error:
                raise unusable(error, self.home) from None
            yield


def _check_unchanged(change: FileChange) -> None:
    if read_bytes(change.path) != change.before:
        raise RouterError(
            "changed since the plan was made; nothing was written",
            where=change.path,
            hint="run the same command again to plan from what is there now",
        )


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _draft(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.draft")


def _clear(draft: Path, disk: Disk) -> None:
    """Remove a draft that a kill left behind; it was never an entry."""
    if draft.is_dir():
        for file in sorted(draft.iterdir()):
            disk.unlink(file)
        disk.rmdir(draft)


def _but(left: list[Path]) -> str:
    """Return what to say of files that others changed meanwhile."""
    names = ", ".join(f"`{path}`" for path in left)
    return f" (but {names}: changed by somebody else meanwhile, left alone)" if left else ""
