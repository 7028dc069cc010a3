"""Files of a ``.git`` that belong to a work tree's state: what was begun and not ended, and what is ignored.

A merge, a rebase or a bisect that an attempt left behind must not wait for the next one; a rule that it wrote must not
hide files of its own, nor bare those of the user.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from codex_router.codex.git import Git

BEGUN = ("rebase-merge", "rebase-apply", "sequencer", "BISECT_LOG")
"""Operations of several steps, files or folders."""
BESIDE = (
    "MERGE_HEAD",
    "MERGE_MSG",
    "MERGE_MODE",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "SQUASH_MSG",
    "AUTO_MERGE",
    "BISECT_START",
    "BISECT_TERMS",
    "BISECT_NAMES",
    "BISECT_EXPECTED_REV",
    "BISECT_ANCESTORS_OK",
)
RULES = ("info/exclude", "info/attributes")
"""Shared by all work trees of a repository."""
OWN_RULES = ("info/sparse-checkout",)


def begun(git: Git) -> str | None:
    """Return the name of an operation of several steps that is not at its end."""
    return next((name for name in BEGUN if os.path.lexists(os.path.join(git.git_dir, name.encode()))), None)


def read_begun(git: Git) -> dict[str, bytes]:
    """Return the contents of all files of operations that are not at their end, by their names below ``.git``."""
    return {os.fsdecode(name): _content(os.path.join(git.git_dir, name)) or b"" for name in _operation_names(git)}


def read_rules(git: Git) -> dict[str, bytes | None]:
    """Return the contents of the files that say what is ignored; None for one that does not exist."""
    return {name: _content(_rules_place(git, name)) for name in (*RULES, *OWN_RULES)}


def write_begun(git: Git, contents: Mapping[str, bytes]) -> None:
    """Make the operations that are not at their end these."""
    for place in [
        os.path.join(git.git_dir, name) for name in _operation_names(git) if os.fsdecode(name) not in contents
    ]:
        os.unlink(place)
    for operation in BEGUN:
        for folder, _, _ in os.walk(os.path.join(git.git_dir, operation.encode()), topdown=False):
            with contextlib.suppress(OSError):  # not empty: it stays
                os.rmdir(folder)
    for name, content in contents.items():
        _write(os.path.join(git.git_dir, os.fsencode(name)), content)


def write_rules(git: Git, contents: Mapping[str, bytes | None]) -> None:
    """Make the files that say what is ignored these; those that are not named stay."""
    for name, content in contents.items():
        place = _rules_place(git, name)
        if content == _content(place):
            continue
        if content is None:
            os.unlink(place)
        else:
            _write(place, content)


def _operation_names(git: Git) -> Iterator[bytes]:
    for name in (*BESIDE, *BEGUN):
        place = os.path.join(git.git_dir, name.encode())
        if os.path.isfile(place):
            yield name.encode()
        for folder, _, names in os.walk(place):
            for each in names:
                yield os.path.relpath(os.path.join(folder, each), git.git_dir)


def _rules_place(git: Git, name: str) -> bytes:
    return os.path.join(git.git_dir if name in OWN_RULES else git.common_dir, name.encode())


def _content(place: bytes) -> bytes | None:
    try:
        with open(place, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _write(place: bytes, content: bytes) -> None:
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "wb") as stream:
        stream.write(content)
