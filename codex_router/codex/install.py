"""Plan how a plan gets into a Codex home: which files change, and what may not be touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_router.codex.changes import FileChange, read_bytes, read_text
from codex_router.codex.render import MARK, profile_text, router_text, tables_text
from codex_router.codex.router_file import router_file
from codex_router.codex.toml_text import parse, replace_tables, sections
from codex_router.errors import RouterError

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.codex.journal import Journal
    from codex_router.codex.versions import Reads
    from codex_router.records import Plan

PROFILES = ("profiles",)


def config_file(home: Path) -> Path:
    """Return Codex's own configuration file."""
    return home / "config.toml"


def profile_file(home: Path, tier: str) -> Path:
    """Return the file that ``--profile TIER`` layers on the configuration (0.134 and later)."""
    return home / f"{tier}.config.toml"


def router_change(plan: Plan, home: Path, journal: Journal, *, force: bool = False) -> FileChange:
    """Plan ``codex-router.toml``.

    Raises:
        RouterError: somebody edited it since we wrote it, and `force` is not given.
    """
    path = router_file(home)
    before, after = read_bytes(path), router_text(plan).encode()
    if before not in {None, after, journal.last_written(path)} and not force:
        raise RouterError(
            "edited since codex-router wrote it, and the new plan would replace those edits",
            where=path,
            hint="`codex-router apply` puts your edits into Codex; `codex-router init --force` replaces them "
            "(`undo` brings them back)",
        )
    return FileChange(path, before, after)


def codex_changes(plan: Plan, reads: Reads, home: Path, journal: Journal, *, force: bool = False) -> list[FileChange]:
    """Plan the files that the installed Codex reads, and the removal of what we wrote for another version's layout.

    Raises:
        RouterError: a tier's name is taken by a profile that is not ours; a file of ours was edited by somebody else
            and `force` is not given; ``config.toml`` does not parse.
    """
    config = config_file(home)
    text = read_text(config)
    names = [tier.name for tier in plan.tiers]
    ours = our_tables(journal, home)
    _check_tables(parse(text, config), names, ours, config)
    if reads.profile_files:
        changes = [
            _file_change(profile_file(home, tier.name), profile_text(tier, reads), journal, force=force)
            for tier in plan.tiers
        ]
        block = ""
    else:
        changes = [_removal(profile_file(home, name), journal) for name in names]
        block = tables_text(plan.tiers, reads)
    edited = replace_tables(text, PROFILES, ours | set(names), block, config) if block or ours else text
    changes.append(FileChange(config, read_bytes(config), edited.encode() if edited or read_bytes(config) else None))
    changes += _stale_files(journal, home, names)
    return changes


def our_tables(journal: Journal, home: Path) -> set[str]:
    """Return the names of the ``[profiles.NAME]`` tables in what we last wrote to ``config.toml``."""
    written = (journal.last_written(config_file(home)) or b"").decode("utf-8", errors="replace")
    return {
        section.key[1]
        for section in sections(written)
        if section.key[:1] == PROFILES and len(section.key) == 2 and MARK in written[section.start : section.end]
    }


def _check_tables(document: dict[str, Any], names: list[str], ours: set[str], config: Path) -> None:
    """Refuse a tier name that the user already has as a table; from 0.134 Codex does not start with both."""
    tables = document.get("profiles")
    taken = [name for name in names if isinstance(tables, dict) and name in tables and name not in ours]
    if taken:
        raise RouterError(
            f"it already has a profile `{taken[0]}` that codex-router did not write",
            where=f"{config}: [profiles.{taken[0]}]",
            hint="choose other names with `codex-router init --prefix my-`, or rename the tiers in your policy file",
        )


def _file_change(path: Path, text: str, journal: Journal, *, force: bool) -> FileChange:
    before, after = read_bytes(path), text.encode()
    if before in {None, after, journal.last_written(path)}:
        return FileChange(path, before, after)
    if journal.last_written(path) is None and MARK.encode() not in (before or b"").split(b"\n", 1)[0]:
        raise RouterError(
            "this profile exists, and codex-router did not write it",
            where=path,
            hint="choose other names with `codex-router init --prefix my-`, or rename the tiers in your policy file",
        )
    if not force:
        raise RouterError(
            "changed by somebody else since codex-router wrote it",
            where=path,
            hint="put the change into codex-router.toml (or keep it elsewhere) and run the same command with `--force`",
        )
    return FileChange(path, before, after)


def _removal(path: Path, journal: Journal) -> FileChange:
    """Remove a file when it is exactly what we wrote; leave anything else alone."""
    before = read_bytes(path)
    return FileChange(path, before, None if before == journal.last_written(path) else before)


def _stale_files(journal: Journal, home: Path, names: list[str]) -> list[FileChange]:
    """Remove profile files that we wrote for tiers that are no more (another prefix, a renamed tier)."""
    wanted = {profile_file(home, name) for name in names}
    return [_removal(path, journal) for path in sorted(home.glob("*.config.toml")) if path not in wanted]
