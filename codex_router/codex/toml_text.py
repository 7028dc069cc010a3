"""Work on a TOML file as text, so that not a byte is touched outside the tables that are ours.

A TOML library that parses and prints again may move or reformat what others wrote. Here spans of the text are cut out
and put in; that the result is right is checked by parsing before and after.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from codex_router.codex.toml_places import sections
from codex_router.errors import RouterError

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.codex.toml_places import Key


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
