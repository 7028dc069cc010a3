"""Why a work tree could not be brought back after an attempt."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_router.codex.git import REPOSITORY
from codex_router.codex.git_files import begun
from codex_router.codex.inside import has_git, is_dirty, repository
from codex_router.home import codex_home, router_home

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.codex.git import Git

MAX_UNTRACKED_BYTES = 1 << 30
"""More than this in untracked files is data, not work: it would be copied into the repository at every attempt."""


def obstacle(git: Git) -> str | None:
    """Say why this state could not be brought back after an attempt; None when it can."""
    name = begun(git)
    if name is not None:
        return f"`{name}`: a rebase, cherry-pick or bisect is in progress"
    modules = {one.path for one in git.staged() if one.mode == REPOSITORY}
    others = {path.rstrip(b"/") for path in git.others() if path.endswith(b"/")}
    for path in sorted(modules | others):
        if has_git(os.path.join(git.top, path)) and repository(git, path) is None:
            return f"git cannot read the repository `{os.fsdecode(path)}` inside"
        if path in modules and is_dirty(git, path):
            return f"the submodule `{os.fsdecode(path)}` has changes of its own"
    return unstorable(git)


def unstorable(git: Git) -> str | None:
    """Say why the files of a work tree, or of a repository inside, should not be stored; None when they can be."""
    for home in (router_home(), codex_home()):
        if _is_part(git, home):
            return f"`{home}` is part of the work tree and not ignored: what is recorded there would be taken back too"
    size = 0
    for path in git.others():
        info = git.lstat(path)
        size += 0 if info is None else info.st_size
    if size > MAX_UNTRACKED_BYTES:
        return f"{size / 1e9:.1f} GB of untracked files (more than {MAX_UNTRACKED_BYTES >> 30} GiB) would be copied"
    return None


def _is_part(git: Git, folder: Path) -> bool:
    """Tell whether a folder is in the work tree and git does not ignore it."""
    place, top = os.path.realpath(os.fsencode(folder)), os.path.realpath(git.top)
    if place != top and not place.startswith(os.path.join(top, b"")):
        return False
    return place == top or git.ask("check-ignore", "-q", os.fsdecode(place) + "/") is None
