"""Bring a work tree back to a snapshot: files, index and HEAD exactly, ignored files untouched, nothing lost."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from codex_router.codex.git_files import write_begun, write_rules
from codex_router.codex.inside import (
    can_be_put_back,
    fingerprint,
    folders,
    inner_ref,
    keep_copy,
    repository,
    take_away,
)
from codex_router.codex.side_refs import bring_back_removed
from codex_router.codex.snapshot import (
    Snapshot,
    index_bytes,
    inner_snapshot,
    read,
    take,
)
from codex_router.codex.work_files import WorkFiles
from codex_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from types import FrameType

    from codex_router.codex.git import Git

LOCK_PATIENCE_S = 3.0
"""Editors run `git status` whenever files change, which holds the index for a moment."""
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
        work = WorkFiles(git, take(git, ref, why, target), target, os.fsencode(folder))
        inside = _Inside(work, ref, why)
        inside.bring_back()
        _rules(git, target)
        inside.clear_the_way()
        work.bring_back_files()
        inside.remove_the_rest()
        _empty_folders(git, target)
        _head(git, work.before, target)
        bring_back_removed(git, target.state.branches, target.state.stash)
        _pending(git, target)
        _index(git, lock, target)
        inside.bring_back_the_missing()
        return Restored(work.before, work.changed, tuple(work.aside), inside.unlike())


class _Inside:
    """The repositories inside: as the files, those that differ are brought back, those that are too much removed."""

    def __init__(self, work: WorkFiles, ref: str, why: str) -> None:
        self.work = work
        self.git = work.git
        self.ref = ref
        self.why = why
        self.before = work.before.state
        self.target = work.target
        self.missing: list[bytes] = []
        self.failed: list[bytes] = []

    def bring_back(self) -> None:
        """Bring those back that are there, and find out which are not."""
        for name, text in self.target.state.inside.items():
            path = os.fsencode(name)
            inner = repository(self.git, path)
            then = inner_snapshot(inner, self.target, path) if inner else None
            if inner is None or then is None:
                is_kept = can_be_put_back(self.git, path, text, inner_ref(self.target.ref, path))
                (self.missing if is_kept else self.failed).append(path)
            elif os.fsdecode(path) in self.before.inside:
                now = inner_snapshot(inner, self.work.before, path)
                if now is None or not _same(inner, now, then):
                    self._bring_back(inner, path, then, self.ref)
            else:  # its present state could not be stored
                self.failed.append(path)

    def clear_the_way(self) -> None:
        """Remove those that are where a file belongs, or another repository."""
        for path in map(os.fsencode, self.before.inside):
            if path in self.missing:
                self._remove(path)
            elif self._is_in_the_way(path):
                self._remove(path, self.target.state.shared)

    def remove_the_rest(self) -> None:
        """Remove those that the target does not have and, by its own rules, does not ignore; their files with them."""
        self.work.remove_the_rest()
        while extra := [path for path in folders(self.git).repositories if self._is_extra(path)]:
            for path in extra:
                self._remove(path, self.target.state.shared)
            self.work.remove_the_rest()

    def bring_back_the_missing(self) -> None:
        """Put back the ``.git`` of those that are not there, then their files."""
        for path in self.missing:
            ref = inner_ref(self.target.ref, path)
            inner = self.work.put_back(path, self.target.state.inside[os.fsdecode(path)], ref)
            if inner is None:
                self.failed.append(path)
            else:
                self._bring_back(inner, path, read(inner, ref), f"{self.ref}-put-back")
                keep_copy(self.git, path, inner)

    def unlike(self) -> tuple[str, ...]:
        """Return those that are not as they were."""
        then = self.target.state
        changed = [path for path, before in then.repositories.items() if self._print(path) != before]
        there = [path for path, is_there in self.before.repositories.items() if is_there]
        added = [path for path in there if path not in {**then.repositories, **then.inside}]
        return (*changed, *added, *map(os.fsdecode, self.failed))

    def _print(self, path: str) -> str:
        return fingerprint(self.git, os.fsencode(path))

    def _bring_back(self, inner: Git, path: bytes, then: Snapshot, ref: str) -> None:
        done = restore(inner, then, inner_ref(ref, path), self.why)
        self.work.changed += done.changed
        self.work.aside += [os.fsdecode(os.path.join(path, os.fsencode(name))) for name in done.aside]
        self.failed += [os.path.join(path, os.fsencode(name)) for name in done.repositories]

    def _is_in_the_way(self, path: bytes) -> bool:
        while path:
            if path in self.target.files:
                return True
            path = os.path.dirname(path)
        return False

    def _is_extra(self, path: bytes) -> bool:
        name, then = os.fsdecode(path), self.target.state
        is_known = name in then.inside or then.repositories.get(name)
        return not is_known and path not in self.failed and repository(self.git, path) is not None

    def _remove(self, path: bytes, spared: Collection[str] = ()) -> None:
        """Take a ``.git`` away, and store the files as those of the work tree: they are removed as these are."""
        inner = repository(self.git, path)
        if inner is None:
            return
        try:
            if os.fsdecode(path) in self.before.inside:
                stored = read(inner, inner_ref(self.ref, path))
            else:
                stored = take(inner, inner_ref(self.ref, path), self.why)
            take_away(self.git, path, inner, spared)
        except (RouterError, OSError):
            self.failed.append(path)
            return
        if os.fsdecode(path) in self.target.state.repositories:  # git does not look for files where a submodule belongs
            self.work.remove(os.path.join(path, one) for one in stored.files)
        else:
            self.work.store(one for one in self.git.others() if one.startswith(path + b"/") and not one.endswith(b"/"))


def _same(git: Git, one: Snapshot, other: Snapshot) -> bool:
    """Tell whether two snapshots of a repository are alike, with all that is inside."""
    alike = replace(one.state, why="") == replace(other.state, why="") and one.files == other.files
    if not alike or index_bytes(git, one) != index_bytes(git, other):
        return False
    for path in map(os.fsencode, one.state.inside):
        inner = repository(git, path)
        then, now = (inner_snapshot(inner, each, path) if inner else None for each in (one, other))
        if inner is None or then is None or now is None or not _same(inner, then, now):
            return False
    return True


def _empty_folders(git: Git, target: Snapshot) -> None:
    """Remove folders that became empty and make those that were."""
    wanted = {os.fsencode(path) for path in target.state.empty}
    for path in folders(git).empty:
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


def _rules(git: Git, target: Snapshot) -> None:
    write_rules(git, {name: None if oid is None else git.read_blob(oid) for name, oid in target.state.rules.items()})


def _pending(git: Git, target: Snapshot) -> None:
    write_begun(git, {name: git.read_blob(oid) for name, oid in target.state.pending.items()})


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


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "both states are stored: mend that, then restore again"
        raise RouterError(f"cannot be written: {error.strerror}", where=error.filename, hint=hint) from None


def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="codex-router-")


def _created(lock: bytes, *, must: bool) -> bool:
    try:
        os.close(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    except FileExistsError:
        if must:
            raise
        return False
    return True


@contextlib.contextmanager
def _locked_index(git: Git) -> Iterator[bytes]:
    """Hold git's own lock, so that no other git changes the index meanwhile."""
    lock = git.index + b".lock"
    patience_ends = time.monotonic() + LOCK_PATIENCE_S
    try:
        while not _created(lock, must=time.monotonic() >= patience_ends):
            time.sleep(0.02)
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
