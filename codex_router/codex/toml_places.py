"""Where tables and keys of a TOML text begin and end, as offsets; strings, comments and arrays are skipped.

The text is known to be valid; what is malformed is passed over.
"""

from __future__ import annotations

import re
import tomllib
from typing import NamedTuple

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
