"""Bring a work tree back to a snapshot: files, index and HEAD exactly, ignored files untouched, nothing lost."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from codex_router.codex.snapshot import (
    LINK,
    PENDING,
    File,
    Snapshot,
    amend,
    empty_folders,
    fingerprint,
    index_bytes,
    lstat,
    take,
    with_ignore_files,
)
from codex_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from codex_router.codex.git import Git

ASIDE = b".codex-router-kept"
HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Restored(NamedTuple):
    """What a restore did and could not do; paths are text."""

    before: Snapshot
    """The state that was replaced."""
    changed: int
    """Files written or removed."""
    aside: tuple[str, ...]
    """What was in the way but ignored, and now has another name."""
    repositories: tuple[str, ...]
    """Repositories inside this one that are not as they were; they are left alone."""


def restore(git: Git, target: Snapshot, ref: str, why: str) -> Restored:
    """Bring the work tree back to `target`, after storing the present state under `ref`.

    Signals wait until it is done. Killed in the middle it can be run again: both states are stored.

    Raises:
        RouterError: another git holds the index, or a file cannot be written; says which.
    """
    with _uninterrupted(), _told(), _locked_index(git) as lock, _scratch() as folder:
        before = take(git, ref, why, target.files)
        work = _Work(git, before, target, os.fsencode(folder))
        work.bring_back_files()
        work.remove_the_rest()
        _empty_folders(git, target)
        _head(git, before, target)
        _pending(git, target)
        _index(git, lock, target)
        changed = tuple(path for path, print_ in target.state.repositories.items() if _differs(git, path, print_))
        added = tuple(path for path in work.before.state.repositories if path not in target.state.repositories)
        return Restored(work.before, work.changed, tuple(work.aside), (*changed, *added))


class _Work:
    """The files: write what differs, remove what is too much; whatever is removed was stored before."""

    def __init__(self, git: Git, before: Snapshot, target: Snapshot, scratch: bytes) -> None:
        self.git = git
        self.before = before
        self.target = target
        self.scratch = scratch
        self.changed = 0
        self.aside: list[str] = []

    def bring_back_files(self) -> None:
        """Write the files that are not as they were, the links last: nothing is ever written through one."""
        differing = [(path, file) for path, file in self.target.files.items() if self.before.files.get(path) != file]
        contents = [(path, file) for path, file in differing if not self._only_permissions(path, file)]
        self._remove_new_ignore_files()
        for path, _ in contents:
            self._clear_the_way(path)
        blobs = self.git.read_blobs([file.oid for _, file in contents], self.scratch)
        for (path, file), chunks in zip(contents, blobs, strict=True):
            _write(os.path.join(self.git.top, path), file, chunks)
        for path, file in differing:
            if file.mode != LINK:
                os.chmod(os.path.join(self.git.top, path), file.permissions)
        self.changed += len(differing)

    def remove_the_rest(self) -> None:
        """Remove the files that the target does not have and, by its own rules, does not ignore."""
        while extra := [path for path in sorted(self._listed_by_target()) if self._is_extra(path)]:
            unsaved = [path for path in extra if path not in self.before.files]
            if unsaved:
                self.before = amend(self.git, self.before, unsaved)
            for path in extra:  # a .gitignore among them has hidden others: look again
                os.unlink(os.path.join(self.git.top, path))
            self.changed += len(extra)

    def _is_extra(self, path: bytes) -> bool:
        return path not in self.target.files and lstat(self.git, path) is not None

    def _listed_by_target(self) -> set[bytes]:
        index = os.path.join(self.scratch, b"target-index")
        content = index_bytes(self.git, self.target)
        if content is not None:
            with open(index, "wb") as stream:
                stream.write(content)
        nested = {os.fsencode(path) for path in self.target.state.repositories}
        paths = {one.path for one in self.git.staged(index)}
        paths |= {path for path in self.git.others(index) if not path.endswith(b"/")}
        return paths - nested

    def _only_permissions(self, path: bytes, file: File) -> bool:
        now = self.before.files.get(path)
        return now is not None and (now.oid, now.mode == LINK) == (file.oid, file.mode == LINK)

    def _remove_new_ignore_files(self) -> None:
        """Remove new ``.gitignore`` files first, so that the target's rules decide what else goes."""
        for path in with_ignore_files(set(self.target.files)):
            if path in self.before.files and path not in self.target.files:
                os.unlink(os.path.join(self.git.top, path))
                self.changed += 1

    def _clear_the_way(self, path: bytes) -> None:
        """Make the folders above a path, and make its own place free for a file."""
        parts = path.split(b"/")
        for depth in range(1, len(parts)):
            parent = b"/".join(parts[:depth])
            place = os.path.join(self.git.top, parent)
            if os.path.lexists(place) and not stat.S_ISDIR(os.lstat(place).st_mode):
                self._remove_or_move(parent)
            with contextlib.suppress(FileExistsError):
                os.mkdir(place)
        place = os.path.join(self.git.top, path)
        if os.path.lexists(place) and stat.S_ISDIR(os.lstat(place).st_mode):
            self._remove_folder(path)
        elif os.path.lexists(place) and path not in self.before.files:
            self._move(path)

    def _remove_or_move(self, path: bytes) -> None:
        if path in self.before.files:
            os.unlink(os.path.join(self.git.top, path))
        else:
            self._move(path)

    def _remove_folder(self, path: bytes) -> None:
        """Remove a folder where a file belongs: what was stored goes, and if anything else is in it, it gets moved."""
        for inner in self.before.files:
            if inner.startswith(path + b"/") and lstat(self.git, inner) is not None:
                os.unlink(os.path.join(self.git.top, inner))
                self.changed += 1
        place = os.path.join(self.git.top, path)
        if any(files or b".git" in names for _, names, files in os.walk(place)):
            self._move(path)
            return
        for folder, _, _ in os.walk(place, topdown=False):
            os.rmdir(folder)

    def _move(self, path: bytes) -> None:
        new, number = path + ASIDE, 1
        while os.path.lexists(os.path.join(self.git.top, new)):
            number += 1
            new = path + ASIDE + b"-%d" % number
        os.rename(os.path.join(self.git.top, path), os.path.join(self.git.top, new))
        self.aside.append(os.fsdecode(new))


def _write(place: bytes, file: File, chunks: Iterator[bytes]) -> None:
    """Put a file or link in place whole."""
    scratch = os.path.join(os.path.dirname(place), b".codex-router-%d" % os.getpid())
    if file.mode == LINK:
        os.symlink(b"".join(chunks), scratch)
    else:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as stream:
            stream.writelines(chunks)
    os.replace(scratch, place)


def _empty_folders(git: Git, target: Snapshot) -> None:
    """Remove folders that became empty and make those that were."""
    wanted = {os.fsencode(path) for path in target.state.empty}
    for path in empty_folders(git):
        with contextlib.suppress(OSError):  # the first one that is not empty ends the climb
            while path and path not in wanted:
                os.rmdir(os.path.join(git.top, path))
                path = os.path.dirname(path)
    for path in wanted:
        os.makedirs(os.path.join(git.top, path), exist_ok=True)


def _head(git: Git, before: Snapshot, target: Snapshot) -> None:
    """Put HEAD and the branch it was on back; the commits in between stay reachable from the stored state."""
    then, now = target.state, before.state
    if then.branch is None:
        if (now.branch, now.head) != (None, then.head):
            git.run("update-ref", "--no-deref", "-m", "codex-router: restore", "HEAD", str(then.head))
        return
    if git.ask("rev-parse", "--verify", "--quiet", then.branch) != then.head:
        change = ("-d", then.branch) if then.head is None else (then.branch, then.head)
        git.run("update-ref", "-m", "codex-router: restore", *change)
    if now.branch != then.branch:
        git.run("symbolic-ref", "-m", "codex-router: restore", "HEAD", then.branch)


def _pending(git: Git, target: Snapshot) -> None:
    for name in PENDING:
        place = os.path.join(git.git_dir, name.encode())
        if name in target.state.pending:
            with open(place, "wb") as stream:
                stream.write(git.read_blob(target.state.pending[name]))
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(place)


def _index(git: Git, lock: bytes, target: Snapshot) -> None:
    """Put the index file back with its time: git trusts entries by comparing theirs with it."""
    content = index_bytes(git, target)
    if content is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(git.index)
        return
    with open(lock, "wb") as stream:
        stream.write(content)
    moment = target.state.index_mtime_ns or 0
    os.utime(lock, ns=(moment, moment))
    os.replace(lock, git.index)


def _differs(git: Git, path: str, before: str) -> bool:
    return fingerprint(git, os.fsencode(path)) != before


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "both states are stored: mend that, then restore again"
        raise RouterError(f"cannot be written: {error.strerror}", where=error.filename, hint=hint) from None


def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="codex-router-")


@contextlib.contextmanager
def _locked_index(git: Git) -> Iterator[bytes]:
    """Hold git's own lock, so that no other git changes the index meanwhile."""
    lock = git.index + b".lock"
    try:
        os.close(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    except OSError as error:
        hint = "another git is at work here; if none is, remove that file"
        raise RouterError(f"the index cannot be locked: {error.strerror}", where=os.fsdecode(lock), hint=hint) from None
    try:
        yield lock
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(lock)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals wait; they take effect afterwards."""
    waiting: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        waiting.append(number)

    old = {number: signal.signal(number, hold) for number in HELD}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        for received in waiting[:1]:
            signal.raise_signal(received)
