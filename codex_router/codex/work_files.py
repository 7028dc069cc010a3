"""Bring the files of a work tree back: write what differs, remove what is too much, lose nothing."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from codex_router.codex.git import LINK
from codex_router.codex.inside import put_back, take_away_spoilt
from codex_router.codex.snapshot import File, Snapshot, amend, index_bytes, with_ignore_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from codex_router.codex.git import Git

ASIDE = b".codex-router-kept"


class WorkFiles:
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
            self.store(extra)
            self.remove(extra)  # a .gitignore among them has hidden others: look again

    def remove(self, paths: Iterable[bytes]) -> None:
        """Remove files that are stored, those that are there."""
        for path in paths:
            if self.git.lstat(path) is not None:
                os.unlink(os.path.join(self.git.top, path))
                self.changed += 1

    def store(self, paths: Iterable[bytes]) -> None:
        """Store what is not yet stored of the present state."""
        unsaved = [path for path in paths if path not in self.before.files]
        if unsaved:
            self.before = amend(self.git, self.before, unsaved)

    def put_back(self, path: bytes, text: str, ref: str) -> Git | None:
        """Put back the ``.git`` of a repository inside; see `inside.put_back`."""
        take_away_spoilt(self.git, path)
        self._clear_the_way(os.path.join(path, b".git"))
        return put_back(self.git, path, text, ref)

    def _is_extra(self, path: bytes) -> bool:
        return path not in self.target.files and self.git.lstat(path) is not None

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
        known = with_ignore_files({*self.target.files, *self.target.ignore_files_of_empty_folders})
        self.remove(path for path in known if path in self.before.files and path not in self.target.files)

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
            if inner.startswith(path + b"/") and self.git.lstat(inner) is not None:
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
