"""Read whatever `ingest` is pointed at: our own tables, other tools' results, folders of either."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from codex_router.errors import RouterError
from codex_router.evidence.files import PARSERS, decode, read_bytes, shown
from codex_router.evidence.names import TABLE as ALIASES
from codex_router.evidence.tables import Skipped

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.evidence.tables import Table

YAML = frozenset({".yml", ".yaml"})
SUFFIXES = frozenset(PARSERS) | YAML
MAX_DEPTH = 6
"""Levels of sub-folders that are looked into."""


class Found(NamedTuple):
    """What there is to read below a path."""

    sources: list[Path]
    """Tables and job folders."""
    passed_over: list[Skipped]


def find(path: Path) -> Found:
    """Return what can be read at `path`: the file itself, or the tables and job folders below a folder.

    Raises:
        RouterError: there is nothing at `path`, or the folder cannot be listed.
    """
    found = Found([], [])
    if not str(path).isprintable():
        raise RouterError("the name holds control characters", where=shown(path), hint="rename it")
    if path.is_dir():
        _walk(path, path, found, MAX_DEPTH)
    else:
        found.sources.append(path)
    return found


def _walk(folder: Path, top: Path, found: Found, depth: int) -> None:
    from codex_router.evidence.harbor import is_job_folder

    try:
        if is_job_folder(folder):
            found.sources.append(folder)
            return
        children = sorted(child for child in folder.iterdir() if not child.name.startswith("."))
    except OSError as error:
        raise RouterError(f"the folder cannot be listed: {error.strerror}", where=shown(folder)) from error
    for child in children:
        where = shown(child.relative_to(top))
        if child.is_dir():
            if depth and not child.is_symlink():
                _walk(child, top, found, depth - 1)
        elif _is_side_car(child):
            continue  # it is read with its table
        elif reason := _no_table(child):
            found.passed_over.append(Skipped(where, reason))
        else:
            found.sources.append(child)


def _no_table(path: Path) -> str | None:
    """Return why a file of a folder is no table, None if it may be one."""
    if not path.name.isprintable():
        return "its name holds control characters"
    if path.suffix.lower() not in SUFFIXES:
        return "no table: neither CSV, JSON, JSONL, TOML nor YAML"
    return "the table of model names, no evidence" if path.name == ALIASES else None


def _is_side_car(path: Path) -> bool:
    tables = PARSERS.keys() - {".toml"}
    return path.suffix.lower() == ".toml" and any(path.with_suffix(suffix).is_file() for suffix in tables)


def read(path: Path, category: str | None = None) -> Table:
    """Read one table or job folder whole.

    Args:
        path: one of the sources that `find` returned.
        category: kind of task of the trials in a job folder; None derives it.

    Raises:
        RouterError: anything is wrong with it; nothing is read then.
    """
    from codex_router.evidence.aider import read_aider
    from codex_router.evidence.harbor import read_harbor
    from codex_router.evidence.own import read_own
    from codex_router.evidence.swebench import looks_like_swebench, read_swebench

    if not str(path).isprintable():
        raise RouterError("the name holds control characters", where=shown(path), hint="rename it")
    if path.is_dir():
        return read_harbor(path, category)
    suffix = path.suffix.lower()
    if suffix in YAML:
        return read_aider(path)
    if suffix not in PARSERS:
        read_bytes(path)  # a missing or unreadable file is the more useful message
        raise RouterError(
            f"tables end in {', '.join(sorted(SUFFIXES))}, not in {suffix!a}",
            where=path,
            hint="rename the file to what it is",
        )
    if suffix == ".json":
        text = decode(read_bytes(path), path)
        if looks_like_swebench(text):
            return read_swebench(path)
        if '"trial_name"' in text or '"n_total_trials"' in text:
            raise RouterError("a result of Harbor", where=path, hint="name the folder of the job instead")
    return read_own(path)
