"""Which commit a folder is at, read from git's files: starting git would take longer than all else before a run."""

from __future__ import annotations

import re

from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def head_commit(folder: Path) -> str | None:
    """Return the commit that HEAD is at; None outside a repository, before the first commit, or when it is unclear."""
    try:
        place = next(parent / ".git" for parent in (folder, *folder.parents) if (parent / ".git").exists())
        git_dir = place if place.is_dir() else place.parent / _after("gitdir: ", place)
        head = (git_dir / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head if OID.fullmatch(head) else None
        common = git_dir / "commondir"
        shared = git_dir / common.read_text(encoding="utf-8").strip() if common.exists() else git_dir
        return _commit_of(head.removeprefix("ref: "), git_dir, shared)
    except (OSError, ValueError, StopIteration):
        return None


def _commit_of(ref: str, git_dir: Path, shared: Path) -> str | None:
    for folder in (git_dir, shared):
        if (folder / ref).is_file():
            oid = (folder / ref).read_text(encoding="utf-8").strip()
            return oid if OID.fullmatch(oid) else None
    packed = shared / "packed-refs"
    if packed.exists():
        for line in packed.read_text(encoding="utf-8").splitlines():
            oid, _, name = line.partition(" ")
            if name == ref and OID.fullmatch(oid):
                return oid
    return None


def _after(prefix: str, path: Path) -> str:
    text = path.read_text(encoding="utf-8").strip()
    if not text.startswith(prefix):
        raise ValueError(text)
    return text.removeprefix(prefix)
