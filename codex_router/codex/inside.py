"""Repositories inside a work tree: clones, submodules, other work trees of the same repository.

Their files and indexes are stored in themselves, see `snapshot`. Here it is about their ``.git``, which holds those
snapshots and can be removed with all that is in it: of one that is a folder a copy is kept in the outer ``.git``, its
objects as hard links, so that it takes no room; what has to go is moved to the same place.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
from typing import TYPE_CHECKING, NamedTuple

from codex_router.codex.git import Git
from codex_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

REFS = "refs/codex-router"
KEPT = b"codex-router"
"""Folder in a ``.git`` for those of the repositories inside."""
NEW = b"new"
"""Name of a copy that is not complete yet."""
LINK = "-> "
"""How it is told that a ``.git`` is a symbolic link."""
SHARED = (b"worktrees", b"modules")
"""Where a ``.git`` holds those of other work trees and of submodules."""


class Folders(NamedTuple):
    """What is found by walking through a work tree, without ignored folders and other repositories."""

    empty: list[bytes]
    """Folders without anything in them, deepest first."""
    repositories: list[bytes]
    """Folders with a ``.git`` that git takes for one, and some where it does not."""


def folders(git: Git) -> Folders:
    """Walk through a work tree."""
    skipped = {os.path.join(git.top, path.rstrip(b"/")) for path in git.ignored() if path.endswith(b"/")}
    found = Folders([], [])
    for folder, names, files in os.walk(git.top):
        entered = [name for name in names if name != b".git" and os.path.join(folder, name) not in skipped]
        names[:] = [name for name in entered if not has_git(os.path.join(folder, name))]
        found.repositories.extend(
            os.path.relpath(os.path.join(folder, name), git.top) for name in entered if name not in names
        )
        if not files and not os.listdir(folder) and folder != git.top:
            found.empty.append(os.path.relpath(folder, git.top))
    found.empty.reverse()
    return found


def repository(git: Git, path: bytes) -> Git | None:
    """Return the git of a repository inside; None when there is none, or git cannot read it."""
    place = os.path.join(git.top, path)
    if not (_is_real(git, path) and has_git(place)):
        return None
    try:
        inner = Git(os.fsdecode(place))
    except RouterError:
        return None
    return inner if os.path.realpath(inner.top) == os.path.realpath(place) else None


def inner_ref(ref: str, path: bytes) -> str:
    """Return the ref for the snapshot of a repository inside: no other has it, also where they share their refs."""
    place, run, state = ref.rsplit("/", 2)
    digest = hashlib.sha256(place.encode() + b"\0" + path).hexdigest()[:16]
    return f"{REFS}/inside/{digest}/{run}/{state}"


def git_text(git: Git, path: bytes) -> str:
    """Return what the ``.git`` of a repository inside says: empty for a folder, else the text or the link."""
    dot = _dot_git(git, path)
    if os.path.islink(dot):
        return LINK + os.fsdecode(os.readlink(dot))
    if os.path.isdir(dot):
        return ""
    with open(dot, "rb") as stream:
        return os.fsdecode(stream.read())


def keep_copy(git: Git, path: bytes, inner: Git) -> None:
    """Keep a copy of a ``.git`` that is a folder, in place of earlier ones that hold no snapshot beside.

    Raises:
        OSError: no hard links there, or a full disk.
    """
    if git_text(git, path):
        return
    kept = _kept(git, path)
    scratch = os.path.join(kept, NEW)
    shutil.rmtree(scratch, ignore_errors=True)
    earlier = _earlier(git, path)
    _copy_folder(_dot_git(git, path), scratch)
    os.rename(scratch, _unused(git, path))
    present = _stored(inner) or set()
    for one in earlier:
        stored = _stored(git, one)
        if stored is not None and stored <= present:
            shutil.rmtree(one, ignore_errors=True)


def shared(git: Git) -> list[str]:
    """Return the names of what a ``.git`` holds of other work trees and of submodules, these also of other branches."""
    found = []
    for name in SHARED:
        for folder, names, files in os.walk(os.path.join(git.common_dir, name)):
            if b"HEAD" in files:
                found.append(os.fsdecode(os.path.relpath(folder, git.common_dir)))
                names.clear()
    return found


def take_away(git: Git, path: bytes, inner: Git, spared: Collection[str] = ()) -> None:
    """Move the ``.git`` of a repository inside to where the copies are, its submodules' first; the files stay.

    Args:
        git: of the work tree around it.
        path: where it is.
        inner: its own git.
        spared: what is `shared` and stays, so that only the way to it is removed.

    Raises:
        OSError: it is on another disk.
    """
    for one in folders(inner).repositories:
        deeper = repository(inner, one)
        if deeper is not None and _is_below(deeper.git_dir, inner.git_dir):
            take_away(inner, one, deeper)
    dot = _dot_git(git, path)
    if not git_text(git, path):
        os.rename(dot, _unused(git, path))
        return
    own = os.path.relpath(os.path.realpath(inner.git_dir), os.path.realpath(git.common_dir))
    if own.startswith(tuple(name + b"/" for name in SHARED)) and os.fsdecode(own) not in spared:
        os.rename(inner.git_dir, _unused(git, path))
    os.unlink(dot)


def take_away_spoilt(git: Git, path: bytes) -> None:
    """Move a ``.git`` that is none any more to where the copies are."""
    if _is_real(git, path) and has_git(os.path.join(git.top, path)):
        os.rename(_dot_git(git, path), _unused(git, path))


def put_back(git: Git, path: bytes, text: str, ref: str) -> Git | None:
    """Put the ``.git`` of a repository inside back, one that holds a certain snapshot; None when there is none.

    Args:
        git: of the work tree around it.
        path: where it belongs; nothing is in the way.
        text: see `git_text`.
        ref: the snapshot.
    """
    dot = _dot_git(git, path)
    place = _write_text(dot, text) if text else dot
    if text and (inner := _holding(git, path, ref)):
        return inner
    if place and not os.path.lexists(place):
        for one in _earlier(git, path):
            os.rename(one, place)
            if inner := _holding(git, path, ref):
                return inner
            os.rename(place, one)
    if text:
        os.unlink(dot)
    return None


def can_be_put_back(git: Git, path: bytes, text: str, ref: str) -> bool:
    """Tell whether `put_back` has something to put there."""
    earlier = _earlier(git, path)
    pointed_to = [os.path.normpath(os.path.join(git.top, path, _pointed_to(text)))] if text else []
    if any(holds(git, ref, one) for one in (*earlier, *pointed_to)):
        return True
    # What was kept of another work tree does not say what it holds before it is back in its place.
    return bool(text and earlier) and repository(git, path) is None


def holds(git: Git, ref: str, git_dir: bytes | None = None) -> bool:
    """Tell whether a repository, or another ``.git``, has a ref."""
    words = _of(git_dir) if git_dir else ()
    return git.ask(*words, "rev-parse", "--verify", "--quiet", ref) is not None


def fingerprint(git: Git, path: bytes) -> str:
    """Return what changes when a repository inside this one does; empty for one that is not there."""
    inner = os.path.join(git.top, path)
    if not has_git(inner):
        return ""
    digest = hashlib.sha256((_asked(git, path, "rev-parse", "HEAD") or "unborn").encode())
    for record in (_asked(git, path, "status", "--porcelain=v1", "-z", "--untracked-files=all") or "").split("\0"):
        digest.update(os.fsencode(record))
        try:
            info = os.lstat(os.path.join(inner, os.fsencode(record[3:])))
        except (OSError, ValueError):
            continue
        digest.update(f"{info.st_size} {info.st_mtime_ns}".encode())
    return digest.hexdigest()


def is_dirty(git: Git, path: bytes) -> bool:
    """Tell whether a repository inside has changes of its own, or cannot say."""
    return has_git(os.path.join(git.top, path)) and _asked(git, path, "status", "--porcelain=v1") != ""


def has_git(folder: bytes) -> bool:
    """Tell whether a folder, not a link to one, has a ``.git``."""
    return not os.path.islink(folder) and os.path.lexists(os.path.join(folder, b".git"))


def _asked(git: Git, path: bytes, *words: str) -> str | None:
    return git.ask("-C", os.fsdecode(path), *words)


def _is_real(git: Git, path: bytes) -> bool:
    """Tell whether a path is a folder that is reached through no link."""
    while path:
        if os.path.islink(os.path.join(git.top, path)):
            return False
        path = os.path.dirname(path)
    return True


def _is_below(place: bytes, folder: bytes) -> bool:
    return os.path.realpath(place).startswith(os.path.join(os.path.realpath(folder), b""))


def _dot_git(git: Git, path: bytes) -> bytes:
    return os.path.join(git.top, path, b".git")


def _kept(git: Git, path: bytes) -> bytes:
    return os.path.join(git.git_dir, KEPT, hashlib.sha256(path).hexdigest()[:16].encode())


def _earlier(git: Git, path: bytes) -> list[bytes]:
    """Return the kept ones of a place, the newest first."""
    try:
        names = [name for name in os.listdir(_kept(git, path)) if name.isdigit()]
    except OSError:
        return []
    return [os.path.join(_kept(git, path), name) for name in sorted(names, key=int, reverse=True)]


def _unused(git: Git, path: bytes) -> bytes:
    kept, earlier = _kept(git, path), _earlier(git, path)
    os.makedirs(kept, exist_ok=True)
    return os.path.join(kept, b"%d" % (int(os.path.basename(earlier[0])) + 1 if earlier else 1))


def _stored(git: Git, git_dir: bytes | None = None) -> set[str] | None:
    """Return the snapshots that a repository, or a ``.git`` that was kept, holds; None when git cannot say."""
    words = _of(git_dir) if git_dir else ()
    said = git.ask(*words, "for-each-ref", "--format=%(refname)", f"{REFS}/")
    return None if said is None else set(said.split())


def _of(git_dir: bytes) -> tuple[str, ...]:
    """Return options for a ``.git`` whose work tree is not there."""
    place = os.fsdecode(git_dir)
    return ("--git-dir", place, "--work-tree", place)


def _holding(git: Git, path: bytes, ref: str) -> Git | None:
    inner = repository(git, path)
    return inner if inner and holds(inner, ref) else None


def _write_text(dot: bytes, text: str) -> bytes | None:
    """Write a ``.git`` that is no folder; return the folder that it points to, None for a link."""
    if text.startswith(LINK):
        os.symlink(os.fsencode(text.removeprefix(LINK)), dot)
        return None
    with open(dot, "wb") as stream:
        stream.write(os.fsencode(text))
    return os.path.join(os.path.dirname(dot), _pointed_to(text))


def _pointed_to(text: str) -> bytes:
    return os.fsencode(text.removeprefix(LINK).removeprefix("gitdir:").strip())


def _copy_folder(source: bytes, target: bytes) -> None:
    """Copy a ``.git``: objects, which never change, as hard links."""
    for folder, below, names in os.walk(source):
        inner = os.path.relpath(folder, source)
        place = os.path.normpath(os.path.join(target, inner))
        os.makedirs(place)
        are_objects = b"objects" in inner.split(b"/")
        for name in _lasting(folder, [*below, *names]):
            one = os.path.join(folder, name)
            with contextlib.suppress(FileNotFoundError):  # a collection at the same time
                if are_objects:
                    os.link(one, os.path.join(place, name), follow_symlinks=False)
                else:
                    shutil.copy2(one, os.path.join(place, name), follow_symlinks=False)


def _lasting(folder: bytes, names: list[bytes]) -> Iterator[bytes]:
    """Yield the files and links that are no locks, sockets or pipes."""
    for name in names:
        try:
            mode = os.lstat(os.path.join(folder, name)).st_mode
        except OSError:
            continue
        if not name.endswith(b".lock") and (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            yield name
