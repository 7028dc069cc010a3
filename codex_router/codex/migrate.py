"""Move profile tables that Codex no longer reads, or never did, into profile files, as text, comments included.

    [profiles.NAME]      what Codex read until 0.133
    profile = "NAME"     its selector: from 0.134 Codex does not start with it
    [profile.NAME]       what articles print: no Codex starts with it

It works on text that does not even parse (``profile = "x"`` beside ``[profile.x]`` is no TOML), since then it is needed
most.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, NamedTuple

from codex_router.codex.changes import FileChange, read_bytes, read_text
from codex_router.codex.install import config_file, profile_file
from codex_router.codex.toml_places import Assignment, Key, Section, assignments, sections
from codex_router.codex.toml_text import newline_of, parse, parse_or_none, repr_sorted
from codex_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PARENTS = ("profiles", "profile")
RENAMED = {
    "reasoning_effort": "model_reasoning_effort",
    "reasoning_summary": "model_reasoning_summary",
    "verbosity": "model_verbosity",
    "provider": "model_provider",
}
"""Keys that articles print, and what Codex calls them."""
NO_CODEX_KEY = {
    "max_turns": "codex-router exec --max-turns",
    "turn_budget": "codex-router exec --max-turns",
    "max_cost_usd": "codex-router exec --max-cost",
    "max_cost": "codex-router exec --max-cost",
    "cost_budget": "codex-router exec --max-cost",
}
"""Keys that no Codex has, and what does their work; they are kept as comments."""


class Migration(NamedTuple):
    """What would be moved."""

    files: tuple[FileChange, ...]
    profiles: tuple[str, ...]
    """The names of the profile files that would be written."""
    notes: tuple[str, ...]
    """What a reader must know: the selector that went, names that had to change."""


def plan_migration(home: Path, ours: frozenset[str], *, files: bool) -> Migration:
    """Plan the migration of a Codex home; nothing to do gives no changes.

    Args:
        home: the Codex home.
        ours: profiles that codex-router wrote itself; `apply` moves those.
        files: the Codex in question reads profile files (0.134 and later); else only ``[profile.*]`` is moved, to
            ``[profiles.*]``.

    Raises:
        RouterError: a profile file of that name is there already, the tables are written inline or dotted, or the file
            is broken for other reasons.
    """
    path = config_file(home)
    text = read_text(path)
    if not files:
        return _to_tables(path, text)
    moved = _grouped(text, ours)
    notes = _selector_notes(text)
    if not moved and not notes:
        _refuse_unseen(text, ours, path)
        return Migration((), (), ())
    edited = _without(text, [section for group in moved.values() for section in group], selector=True)
    _check(text, edited, ours, path)
    changes = []
    for name, group in moved.items():
        target = profile_file(home, plain_name(name))
        if read_bytes(target) is not None:
            raise RouterError(
                f"it exists already, so [profiles.{name}] cannot be moved there",
                where=target,
                hint=f"rename the table [profiles.{name}] in `{path}`, or the file, then run `migrate` again",
            )
        if plain_name(name) != name:
            notes = (*notes, f"profile {name!r} is called `{plain_name(name)}` now: Codex takes only A-Z a-z 0-9 - _")
        changes.append(FileChange(target, None, _file_text(text, group).encode()))
    changes.append(FileChange(path, text.encode(), edited.encode()))
    return Migration(tuple(changes), tuple(plain_name(name) for name in moved), notes)


def plain_name(name: str) -> str:
    """Return a name that Codex accepts for a profile file."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name) or "-"


def _grouped(text: str, ours: frozenset[str]) -> dict[str, list[Section]]:
    """Return the sections to move, by profile."""
    groups: dict[str, list[Section]] = {}
    for section in sections(text):
        if len(section.key) > 1 and section.key[0] in PARENTS and section.key[1] not in ours:
            groups.setdefault(section.key[1], []).append(section)
    return groups


def _selector_notes(text: str) -> tuple[str, ...]:
    found = [_value(text, one.equals + 1, one.end) for one in _top_level(text) if one.key == ("profile",)]
    return tuple(f"`profile = {value}` is gone: from 0.134 name it per run, with `codex --profile`" for value in found)


def _value(text: str, start: int, end: int) -> str:
    return text[start:end].split("#", maxsplit=1)[0].strip()


def _top_level(text: str) -> list[Assignment]:
    heads = sections(text)
    return assignments(text, 0, heads[0].start if heads else len(text))


def _file_text(text: str, group: Sequence[Section]) -> str:
    """Return the profile file: the keys of the profile itself first, then its sub-tables under their own names."""
    newline = newline_of(text)
    own = [section for section in group if len(section.key) == 2]
    below = [section for section in group if len(section.key) > 2]
    pieces = [_comments_above(text, section) + _body(text, section) for section in own]
    for section in below:
        header = _header(section, section.key[2:])
        pieces.append(_comments_above(text, section) + header + newline + _after_header(text, section))
    return newline.join(piece if piece.endswith("\n") else piece + newline for piece in pieces if piece)


def _quoted(part: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_-]+", part):
        return part
    escaped = part.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _comments_above(text: str, section: Section) -> str:
    return text[_block_start(text, section.start) : section.start]


def _block_start(text: str, start: int) -> int:
    """Return the offset of the first of the comment lines right above `start`."""
    while start > 0:
        previous = text.rfind("\n", 0, start - 1) + 1
        if not text[previous:start].strip().startswith("#"):
            break
        start = previous
    return start


def _gap_start(text: str, start: int) -> int:
    """Return the offset of the first of the blank lines right above `start`."""
    blank = start - len(text[:start].rstrip())
    return text.find("\n", start - blank) + 1 if blank and text[:start].strip() else start - blank


def _after_header(text: str, section: Section) -> str:
    return text[text.find("\n", section.start, section.end) + 1 or section.end : section.end]


def _body(text: str, section: Section) -> str:
    """Return a profile's own keys with their comments, translated to what Codex calls them."""
    start = text.find("\n", section.start, section.end) + 1 or section.end
    pieces = []
    for one in assignments(text, start, section.end):
        pieces.append(text[start : one.start])
        line = text[one.start : one.end]
        name = one.key[0] if len(one.key) == 1 else ""
        if name in RENAMED:
            line = text[one.start : one.key_start] + RENAMED[name] + " " + text[one.equals : one.end]
        elif name in NO_CODEX_KEY:
            line = f"# {line.strip()}  # no Codex key: `{NO_CODEX_KEY[name]}` holds it{newline_of(text)}"
        pieces.append(line)
        start = one.end
    return "".join([*pieces, text[start : section.end]])


def _without(text: str, moved: Sequence[Section], *, selector: bool) -> str:
    """Return the text without the moved sections (with the comments and blank lines above) and without the selector."""
    spans = [(_gap_start(text, _block_start(text, section.start)), section.end) for section in moved]
    if selector:
        spans += [(one.start, one.end) for one in _top_level(text) if one.key == ("profile",)]
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text


def _check(text: str, edited: str, ours: frozenset[str], path: Path) -> None:
    """Check that the edited text parses and says all that the old one said of other things."""
    try:
        after = tomllib.loads(edited)
    except tomllib.TOMLDecodeError as error:
        raise RouterError(
            f"broken beyond its profiles: {error}",
            where=path,
            hint="mend that first; the line is counted with the profiles taken out",
        ) from None
    before = parse_or_none(text)
    if before is None:
        return
    wanted = {key: value for key, value in before.items() if key not in PARENTS}
    kept = {name: table for name, table in (before.get("profiles") or {}).items() if name in ours}
    if kept:
        wanted["profiles"] = kept
    if repr_sorted({key: value for key, value in after.items() if value or key != "profiles"}) != repr_sorted(wanted):
        _refuse(path)


def _refuse_unseen(text: str, ours: frozenset[str], path: Path) -> None:
    """Refuse profiles that are there but not as tables, instead of saying that there are none."""
    document = parse_or_none(text) or {}
    names = {name for parent in PARENTS for name in (document.get(parent) or {})} if document else set()
    if names - ours:
        _refuse(path)


def _refuse(path: Path) -> None:
    raise RouterError(
        "its profiles are written inline or with dotted keys, which cannot be moved without touching other lines",
        where=path,
        hint="write them as `[profiles.NAME]` tables, then run `codex-router migrate` again",
    )


def _to_tables(path: Path, text: str) -> Migration:
    """Turn ``[profile.NAME]`` into ``[profiles.NAME]`` for a Codex that reads those."""
    groups = {section.key[1] for section in sections(text) if section.key[0] == "profile" and len(section.key) > 1}
    taken = groups & set((parse_or_none(text) or {}).get("profiles") or {})
    if taken:
        raise RouterError(
            f"it has both [profile.{min(taken)}] and [profiles.{min(taken)}]", where=path, hint="remove one of the two"
        )
    edited = text
    for section in reversed(sections(text)):
        if section.key[0] == "profile" and len(section.key) > 1:
            edited = edited[: section.start] + _as_table(text, section) + edited[section.end :]
    if edited == text:
        return Migration((), (), ())
    parse(edited, path)
    return Migration((FileChange(path, text.encode(), edited.encode()),), tuple(sorted(groups)), ())


def _as_table(text: str, section: Section) -> str:
    body = _body(text, section) if len(section.key) == 2 else _after_header(text, section)
    return _header(section, ("profiles", *section.key[1:])) + newline_of(text) + body


def _header(section: Section, key: Key) -> str:
    """Return the header line that gives a section another key."""
    dotted = ".".join(_quoted(part) for part in key)
    return f"[[{dotted}]]" if section.is_array else f"[{dotted}]"
