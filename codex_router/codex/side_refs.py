"""Branches and the stash, which are beside a work tree's state: what an attempt removed of them comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_router.codex.git import Git

MOST = 1000
"""More branches than that are nobody's own work."""


def read_branches(git: Git) -> dict[str, str]:
    """Return the commits of the branches by their full names; none of them where there are very many."""
    said = git.ask("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/") or ""
    pairs = [line.split(" ", 1) for line in said.splitlines()]
    return {name: oid for oid, name in pairs} if len(pairs) <= MOST else {}


def read_stash(git: Git) -> dict[str, str]:
    """Return the messages of what is stashed by commit, newest first."""
    said = git.ask("log", "-g", "--no-show-signature", "--format=%H %gs", "refs/stash", "--") or ""
    return {oid: message for oid, _, message in (line.partition(" ") for line in said.splitlines())}


def bring_back_removed(git: Git, branches: Mapping[str, str], stash: Mapping[str, str]) -> None:
    """Make those again that are not there; one that cannot be is still reachable from the snapshot."""
    present = read_branches(git)
    for name, oid in branches.items():
        if name not in present:
            git.ask("update-ref", "-m", "codex-router: restore", name, oid, "")
    stashed = read_stash(git)
    for oid, message in reversed([*stash.items()]):
        if oid not in stashed:
            git.ask("stash", "store", "-m", message, oid)
