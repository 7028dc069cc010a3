"""Which commit a folder is at, read from git's files: starting git would take longer than all else before a run."""

from __future__ import annotations

import os
import re

from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

OID = r"[0-9a-f]{40}|[0-9a-f]{64}"


def head_commit(folder: str | PathLike[str]) -> str | None:
    """Return the commit that HEAD is at; None outside a repository, before the first commit, or when it is unclear."""
    try:
        place = next(path for path in _places(os.fspath(folder)) if os.path.exists(path))
        git_dir = place if os.path.isdir(place) else os.path.join(os.path.dirname(place), _after("gitdir: ", place))
        head = _text(git_dir, "HEAD")
        if not head.startswith("ref: "):
            return head if re.fullmatch(OID, head) else None
        is_linked = os.path.exists(os.path.join(git_dir, "commondir"))
        shared = os.path.join(git_dir, _text(git_dir, "commondir")) if is_linked else git_dir
        return _commit_of(head.removeprefix("ref: "), git_dir, shared)
    except (OSError, ValueError, StopIteration):
        return None


def _places(folder: str) -> Iterator[str]:
    """Yield where a folder's repository may be, the nearest first."""
    while folder:
        yield os.path.join(folder, ".git")
        above = os.path.dirname(folder)
        folder = above if above != folder else ""


def _commit_of(ref: str, git_dir: str, shared: str) -> str | None:
    for folder in (git_dir, shared):
        if os.path.isfile(os.path.join(folder, ref)):
            oid = _text(folder, ref)
            return oid if re.fullmatch(OID, oid) else None
    if os.path.exists(os.path.join(shared, "packed-refs")):
        for line in _text(shared, "packed-refs").splitlines():
            oid, _, name = line.partition(" ")
            if name == ref and re.fullmatch(OID, oid):
                return oid
    return None


def _after(prefix: str, path: str) -> str:
    text = _text(path)
    if not text.startswith(prefix):
        raise ValueError(text)
    return text.removeprefix(prefix)


def _text(*path: str) -> str:
    with open(os.path.join(*path), encoding="utf-8") as stream:
        return stream.read().strip()
