"""Work on a TOML file as text, so that not a byte is touched outside the tables that are ours.

A TOML library that parses and prints again may move or reformat what others wrote. This module only finds where
tables begin and end; that what it did is right is checked by parsing before and after (`edit`).
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from codex_router.errors import RouterError

if TYPE_CHECKING:
    from pathlib import Path

Key = tuple[str, ...]

_SKIP = re.compile(
    r"""
      \"\"\" (?: [^\\] | \\[\s\S] )*? \"\"\"{1,3}   # multi-line basic string; may end in up to five quotes
    | ''' [\s\S]*? '''{1,3}                         # multi-line literal string
    | " (?: [^"\\\n] | \\. )* "                     # basic string
    | ' [^'\n]* '                                   # literal string
    | \# [^\n]*                                     # comment
    """,
    re.VERBOSE,
)
_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.|$)""")


class Section(NamedTuple):
    """One ``[table]`` or ``[[array of tables]]`` with its keys, as offsets into the text."""

    key: Key
    is_array: bool
    start: int
    """Offset of the line with the header."""
    end: int
    """Offset behind the last line that belongs to it; comments before the next header belong to that one."""


class Assignment(NamedTuple):
    """One ``key = value`` of a table, as offsets into the text."""

    key: Key
    start: int
    """Offset of the line it begins in."""
    key_start: int
    """Offset of the key itself."""
    equals: int
    """Offset of the ``=``."""
    end: int
    """Offset behind its last line."""


def assignments(text: str, start: int, end: int) -> list[Assignment]:
    """Return the assignments between two offsets, a stretch without headers but for one in its first line."""
    found = []
    position = start
    while position < end:
        line_end = _line_end(text, position, end)
        stripped = text[position:line_end].lstrip()
        if stripped and stripped[0] not in "#[":
            key_start = line_end - len(stripped)
            equals = _equals(text, key_start)
            value_end = _value_end(text, equals + 1, end)
            key = parse_key(text[key_start:equals])
            if key is not None:
                found.append(Assignment(key, position, key_start, equals, value_end))
            position = value_end
        else:
            position = line_end
    return found


def _line_end(text: str, position: int, limit: int) -> int:
    newline = text.find("\n", position, limit)
    return limit if newline == -1 else newline + 1


def _equals(text: str, position: int) -> int:
    """Return the offset of the ``=`` behind a key, whose quoted parts may hold one."""
    while position < len(text) and text[position] not in "=\n":
        skipped = _SKIP.match(text, position)
        position = skipped.end() if skipped else position + 1
    return position


def _value_end(text: str, position: int, limit: int) -> int:
    """Return the offset behind the last line of a value, which may be an array or a string of many lines."""
    depth = 0
    while position < limit:
        skipped = _SKIP.match(text, position)
        if skipped:
            position = skipped.end()
            continue
        character = text[position]
        depth += (character in "[{") - (character in "]}")
        position += 1
        if character == "\n" and depth <= 0:
            break
    return position


def sections(text: str) -> list[Section]:
    """Return the sections of a TOML text in order; what stands before the first header is in none."""
    heads = list(_headers(text))
    result = []
    for index, (key, is_array, start) in enumerate(heads):
        limit = heads[index + 1][2] if index + 1 < len(heads) else len(text)
        result.append(Section(key, is_array, start, _end_of_keys(text, start, limit)))
    return result


def _headers(text: str) -> list[tuple[Key, bool, int]]:
    """Return (key, is array of tables, offset of the line) of each header; strings, comments and arrays are skipped."""
    found: list[tuple[Key, bool, int]] = []
    depth = 0
    position = line = 0
    fresh = True  # nothing but white space since the line began
    while position < len(text):
        skipped = _SKIP.match(text, position)
        character = text[position]
        if skipped:
            position = skipped.end()
            fresh = False
            continue
        if character == "\n":
            line, fresh = position + 1, True
        elif character == "[" and fresh and depth == 0:
            header, position = _header(text, position)
            if header:
                found.append((header[0], header[1], line))
            fresh = False
            continue
        elif character in "[{":
            depth += 1
            fresh = False
        elif character in "]}":
            depth -= 1
        elif not character.isspace():
            fresh = False
        position += 1
    return found


def _header(text: str, start: int) -> tuple[tuple[Key, bool] | None, int]:
    """Parse a header at `start`; return it (None when malformed) and the offset behind it."""
    is_array = text.startswith("[[", start)
    position = start + (2 if is_array else 1)
    while position < len(text) and text[position] not in "]\n":
        skipped = _SKIP.match(text, position)
        position = skipped.end() if skipped and text[position] != "#" else position + 1
    key = parse_key(text[start + (2 if is_array else 1) : position])
    if key is None or text[position : position + 1] != "]":
        return None, position
    return (key, is_array), position + (2 if is_array else 1)


def parse_key(text: str) -> Key | None:
    """Return the parts of a dotted key (``profiles."my tier"``), None when it is malformed."""
    parts: list[str] = []
    position = 0
    while True:
        match = _PART.match(text, position)
        if not match:
            return None
        basic, literal, bare, dot = match.groups()
        if basic is not None:
            basic = tomllib.loads(f'x = "{basic}"')["x"]
        parts.append(next(part for part in (basic, literal, bare) if part is not None))
        position = match.end()
        if not dot:
            return tuple(parts)


def _end_of_keys(text: str, start: int, limit: int) -> int:
    """Return the offset behind the last line of `text[start:limit]` that is neither blank nor a comment.

    A line inside a multi-line string may look like a comment, so the strings are skipped first.
    """
    end = position = start
    while position < limit:
        skipped = _SKIP.match(text, position)
        if skipped and text[position] != "#":
            position = end = skipped.end()
        elif skipped:
            position = skipped.end()
        else:
            if not text[position].isspace():
                end = position + 1
            position += 1
    newline = text.find("\n", end, limit)
    return limit if newline == -1 else newline + 1


def parse(text: str, where: object) -> dict[str, Any]:
    """Return a TOML text as a dict.

    Raises:
        RouterError: it does not parse; says the line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        place = f"{where}:{found[1]}" if found else str(where)
        raise RouterError(
            f"not valid TOML: {error}", where=place, hint="mend that line; `codex-router doctor` knows the usual causes"
        ) from None
    except ValueError as error:  # an integer of thousands of digits
        raise RouterError(f"not valid TOML: {error}", where=where, hint="mend that number") from None
    except RecursionError:
        hint = "mend it, or move it away"
        raise RouterError("nested too deeply to be a configuration", where=where, hint=hint) from None


def newline_of(text: str) -> str:
    r"""Return the line end of a text: ``\r\n`` when its first line has it, else ``\n``."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def replace_tables(text: str, prefix: Key, names: set[str], block: str, where: Path | str) -> str:
    """Return `text` with the tables ``[prefix.NAME]`` (and below) of `names` replaced by `block`.

    The block takes the place of the first of them, or is appended after a blank line. A file without a final newline
    stays without. Inserting and removing again gives the same bytes.

    Args:
        text: a valid TOML text.
        prefix: the parent key, as ``("profiles",)``.
        names: which children are ours.
        block: the new tables as TOML with ``\n`` line ends and a final one; "" only removes.
        where: the file, for messages.

    Raises:
        RouterError: the result would not say "what was there, with ours replaced" (for instance when the parent is
            an inline table); the text is then better left alone.
    """
    before = parse(text, where)
    if not isinstance(_at(before, prefix), dict):
        raise _not_editable(where)
    regions = _regions(text, prefix, names)
    block_here = block.replace("\n", newline_of(text[slice(*regions[0])] if regions else text))
    edited = _cut(text, regions[1:])
    if not regions:
        edited = _appended(text, block_here)
    elif block:
        start, end = regions[0]
        ended = text[end - 1] == "\n"
        edited = edited[:start] + (block_here if ended else block_here.rstrip("\r\n")) + edited[end:]
    else:
        edited = _cut(edited, regions[:1])
    _expect(parse_or_none(edited), _wanted(before, prefix, names, block), prefix, where)
    return edited


def _regions(text: str, prefix: Key, names: set[str]) -> list[tuple[int, int]]:
    """Return the spans of our sections; neighbours with nothing but white space between are one span."""
    spans: list[tuple[int, int]] = []
    for section in sections(text):
        if section.key[: len(prefix)] != prefix or not set(section.key[len(prefix) : len(prefix) + 1]) & names:
            continue
        if spans and not text[spans[-1][1] : section.start].strip():
            spans[-1] = (spans[-1][0], section.end)
        else:
            spans.append((section.start, section.end))
    return spans


def _appended(text: str, block: str) -> str:
    """Append a block after a blank line; the file keeps its way of ending."""
    if not text or not block:
        return text or block
    newline = newline_of(text)
    if text.endswith("\n"):
        return text + newline + block
    return text + newline * 2 + block.rstrip("\r\n")


def _cut(text: str, spans: list[tuple[int, int]]) -> str:
    """Remove spans, each with the one blank line above it that `_appended` put there."""
    for start, end in reversed(spans):
        head, tail = text[:start], text[end:]
        newline = newline_of(text[start:end])
        if head.endswith(newline) and head.removesuffix(newline).endswith("\n"):
            head = head.removesuffix(newline)
        if not text.endswith("\n") and not tail:
            head = head.removesuffix(newline)
        text = head + tail
    return text


def parse_or_none(text: str) -> dict[str, Any] | None:
    """Return a TOML text as a dict, None when it does not parse."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _wanted(before: dict[str, Any], prefix: Key, names: set[str], block: str) -> dict[str, Any]:
    """Return what the edited file must mean."""
    wanted = {**before}
    level = wanted
    for part in prefix:
        level[part] = {**level.get(part, {})}
        level = level[part]
    for name in names:
        level.pop(name, None)
    added: Any = tomllib.loads(block)
    for part in prefix:
        added = added.get(part, {})
    level.update(added)
    return _pruned(wanted, prefix)


def _pruned(document: dict[str, Any], prefix: Key) -> dict[str, Any]:
    """Drop the parents named by `prefix` where they are empty: an absent table and an empty one mean the same."""
    if not prefix or not isinstance(document.get(prefix[0]), dict):
        return document
    child = _pruned(document[prefix[0]], prefix[1:])
    rest = {key: value for key, value in document.items() if key != prefix[0]}
    return {**rest, prefix[0]: child} if child else rest


def _at(document: dict[str, Any], prefix: Key) -> Any:
    """Return what stands at a dotted key, an empty table when nothing does, None when a parent is no table."""
    level: Any = document
    for part in prefix:
        level = level.get(part, {}) if isinstance(level, dict) else None
    return level


def _not_editable(where: Path | str) -> RouterError:
    return RouterError(
        "its profile tables are written in a way that cannot be edited without touching other lines",
        where=where,
        hint="write them as `[profiles.NAME]` tables (not inline or dotted), then run the command again",
    )


def _expect(found: dict[str, Any] | None, wanted: dict[str, Any], prefix: Key, where: Path | str) -> None:
    if found is None or repr_sorted(_pruned(found, prefix)) != repr_sorted(_pruned(wanted, prefix)):
        raise _not_editable(where)


def repr_sorted(value: Any) -> Any:
    """Return a value in a form that compares equal whatever the order of keys, NaN included."""
    if isinstance(value, dict):
        return {key: repr_sorted(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [repr_sorted(item) for item in value]
    return repr(value)
