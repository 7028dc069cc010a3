"""Plan how a plan gets into a Codex home: which files change, and what may not be touched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_router.codex.changes import FileChange, read_bytes, read_text
from codex_router.codex.render import MARK, Prices, article_tables, profile_text, router_text, tables_text
from codex_router.codex.router_file import router_file
from codex_router.codex.toml_places import sections
from codex_router.codex.toml_text import parse, replace_tables
from codex_router.errors import RouterError

if TYPE_CHECKING:
    from codex_router.codex.journal import Journal
    from codex_router.codex.versions import Reads
    from codex_router.records import Plan

PROFILES = ("profiles",)
ARTICLE = ("profile",)
FORCE = "put the change into codex-router.toml (or keep it elsewhere), then run the same command with `--force`"


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


def codex_changes(
    plan: Plan, reads: Reads, home: Path, journal: Journal, prices: Prices, *, force: bool = False
) -> list[FileChange]:
    """Plan the files that the installed Codex reads, and the removal of what we wrote for another version's layout.

    Args:
        plan: the tiers.
        reads: what the installed Codex reads.
        home: the Codex home.
        journal: what we wrote before.
        prices: known list prices, for Codex's own token budget.
        force: replace what somebody else changed in our files and tables.

    Raises:
        RouterError: a tier's name is taken by a profile that is not ours; a file of ours was edited by somebody else
            and `force` is not given; ``config.toml`` does not parse.
    """
    config = config_file(home)
    text = read_text(config)
    names = [tier.name for tier in plan.tiers]
    ours = our_tables(journal, home)
    document = parse(text, config)
    _check_tables(document, names, ours, config)
    if not force:
        _check_unedited(document, ours, journal, config)
    if reads.profile_files:
        changes = [
            _file_change(profile_file(home, tier.name), profile_text(tier, reads, prices), journal, force=force)
            for tier in plan.tiers
        ]
        block = ""
    else:
        changes = [_removal(profile_file(home, name), journal) for name in names]
        block = tables_text(plan.tiers, reads)
    edited = replace_tables(text, PROFILES, ours | set(names), block, config) if block or ours else text
    before = read_bytes(config)
    changes.append(FileChange(config, before, edited.encode() if edited or before is not None else None))
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


def _check_unedited(document: dict[str, Any], ours: set[str], journal: Journal, config: Path) -> None:
    """Refuse to replace a table of ours that somebody edited."""
    written = parse((journal.last_written(config) or b"").decode("utf-8", errors="replace"), config)
    for name in sorted(ours):
        now, then = ((one.get("profiles") or {}).get(name) for one in (document, written))
        if now is not None and now != then:
            raise RouterError(
                "changed by somebody else since codex-router wrote it",
                where=f"{config}: [profiles.{name}]",
                hint=FORCE,
            )


def article_change(plan: Plan, path: Path, home: Path) -> FileChange:
    """Plan the ``[profile.NAME]`` tables of articles in a file of the user's choice.

    Raises:
        RouterError: the file is one that an installed Codex reads, or has tables of those names already.
    """
    read_by_codex = {config_file(home), Path.home() / ".codex" / "config.toml", Path("/etc/codex/config.toml")}
    real = Path(os.path.realpath(path))
    if real in {Path(os.path.realpath(one)) for one in read_by_codex} or real.parent.name == ".codex":
        raise RouterError(
            "this is a file that Codex reads, and no Codex version starts with a [profile.NAME] table in it "
            "(`invalid type: map, expected a string in \x60profile\x60`)",
            where=path,
            hint="choose another file; for Codex itself leave out `--layout article`",
        )
    text = read_text(path)
    names = {tier.name for tier in plan.tiers}
    theirs = [
        section.key[1]
        for section in sections(text)
        if section.key[:1] == ARTICLE
        and len(section.key) == 2
        and section.key[1] in names
        and MARK not in text[section.start : section.end]
    ]
    if theirs:
        raise RouterError(
            "it already has such a table that codex-router did not write",
            where=f"{path}: [profile.{theirs[0]}]",
            hint="choose another file, or other names with `--prefix my-`",
        )
    return FileChange(path, read_bytes(path), replace_tables(text, ARTICLE, names, article_tables(plan), path).encode())


def _file_change(path: Path, text: str, journal: Journal, *, force: bool) -> FileChange:
    before, after, rendered = read_bytes(path), text.encode(), _last_rendered(path, journal)
    if before in {None, after, rendered}:
        return FileChange(path, before, after)
    if rendered is None and not _is_marked(before or b""):
        raise RouterError(
            "this profile exists, and codex-router did not write it",
            where=path,
            hint="choose other names with `codex-router init --prefix my-`, or rename the tiers in your policy file",
        )
    if not force:
        raise RouterError(
            "changed by somebody else since codex-router wrote it",
            where=path,
            hint=FORCE,
        )
    return FileChange(path, before, after)


def _removal(path: Path, journal: Journal) -> FileChange:
    """Remove a file when it is exactly what we rendered; leave anything else alone."""
    before = read_bytes(path)
    return FileChange(path, before, None if before == _last_rendered(path, journal) else before)


def _last_rendered(path: Path, journal: Journal) -> bytes | None:
    """Return the profile that we last rendered to a file; what `migrate` moved there is the user's own, not ours."""
    written = journal.last_written(path)
    return written if written is not None and _is_marked(written) else None


def _is_marked(content: bytes) -> bool:
    return MARK.encode() in content.split(b"\n", 1)[0]


def _stale_files(journal: Journal, home: Path, names: list[str]) -> list[FileChange]:
    """Remove profile files that we wrote for tiers that are no more (another prefix, a renamed tier)."""
    wanted = {profile_file(home, name) for name in names}
    return [_removal(path, journal) for path in sorted(home.glob("*.config.toml")) if path not in wanted]
