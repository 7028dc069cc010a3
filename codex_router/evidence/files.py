"""Read a file that someone else wrote into rows with line numbers: CSV, JSON, JSON lines, TOML.

Nothing here knows what the columns mean. Every way a file can be wrong ends in one `RouterError` that names the file,
the line and what to do.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from codex_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 64 * 1024 * 1024
"""No cost table is larger; reading must not exhaust the memory."""
MAX_ROWS = 250_000

Row = dict[str, Any]


@dataclass(slots=True)
class Raw:
    """A file taken apart: header keys, rows, and the line (1-based) on which each row starts."""

    header: Row
    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def add(self, row: Row, line: int, path: Path) -> None:
        """Append a row.

        Raises:
            RouterError: there are more than `MAX_ROWS`.
        """
        if len(self.rows) == MAX_ROWS:
            raise RouterError(
                f"more than {MAX_ROWS:,} rows",
                where=f"{path}:{line}",
                hint="aggregate the table per model, effort and category, or split it",
            )
        self.rows.append(row)
        self.lines.append(line)


def read_bytes(path: Path) -> bytes:
    """Return the content of a regular, non-empty file of at most `MAX_BYTES`.

    Raises:
        RouterError: it is missing, unreadable, a folder, a device, empty or too large.
    """
    try:
        if path.exists() and not path.is_file():
            raise RouterError("not a regular file", where=path, hint="name a table, or a folder of tables")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise RouterError(
                f"{size:,} bytes are too many for a table", where=path, hint=f"at most {MAX_BYTES:,} bytes are read"
            )
        content = path.read_bytes()
    except OSError as error:
        raise RouterError(
            f"cannot be read: {error.strerror}", where=shown(path), hint="check the name and the permissions"
        ) from error
    except ValueError as error:  # a NUL in the name
        raise RouterError(f"not a file name: {error}", where=shown(path)) from error
    if not content.strip():
        raise RouterError("the file is empty", where=path, hint="nothing was read; is the download complete?")
    return content


def shown(path: object) -> str:
    """Return a path as text that cannot move the cursor of a terminal."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


def decode(content: bytes, path: Path) -> str:
    """Return the text of UTF-8 bytes, with or without a byte-order mark, line ends as ``\\n``.

    Raises:
        RouterError: it is not UTF-8, or holds NUL bytes.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RouterError(
            f"not UTF-8: byte {content[error.start]:#04x}", where=f"{path}:{line}", hint="save the file as UTF-8"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise RouterError("holds a NUL byte, so it is no text", where=f"{path}:{line}")
    return text.replace("\r\n", "\n")


def parse_csv(text: str, path: Path) -> Raw:
    """Read a comma-separated table with one header line; ``# key: value`` lines above it become the header.

    Empty cells are left out of their row.
    """
    raw = Raw(dict(_comments(text, path)))
    head = re.match(r"(?:[ \t]*\n|#[^\n]*\n?)*", text)
    body = head.end() if head else 0
    offset = text.count("\n", 0, body)
    reader = csv.reader(io.StringIO(text[body:], newline=""), strict=True)
    columns: list[str] | None = None
    start = offset + 1
    try:
        for cells in reader:
            if columns is None:
                columns = _columns(cells, path, start)
            elif cells:
                raw.add(_cells(columns, cells, path, start), start, path)
            start = offset + reader.line_num + 1
    except csv.Error as error:
        raise RouterError(
            f"not a comma-separated table: {error}",
            where=f"{path}:{start}",
            hint="quote cells that hold commas or quotes, and close every quote",
        ) from error
    if columns is None:
        raise RouterError("the table has no header line", where=path, hint="name the columns in the first line")
    return raw


def _comments(text: str, path: Path) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for number, line in enumerate(io.StringIO(text), 1):
        if not line.strip():
            continue
        if not line.startswith("#"):
            return
        key, _, value = (part.strip() for part in line.lstrip("# ").partition(":"))
        if not value or not re.fullmatch(r"\w+", key):
            continue  # a remark
        if key in seen:
            raise RouterError(f"`{key}` is given twice", where=f"{path}:{number}")
        seen.add(key)
        yield key, value


def _columns(cells: list[str], path: Path, line: int) -> list[str]:
    columns = [cell.strip() for cell in cells]
    for name, count in Counter(columns).items():
        if not name or count > 1:
            what = f"the column {name!a} occurs twice" if name else "a column has no name"
            raise RouterError(what, where=f"{path}:{line}", hint="every column needs its own name")
    return columns


def _cells(columns: list[str], cells: list[str], path: Path, line: int) -> Row:
    if len(cells) != len(columns):
        raise RouterError(
            f"{len(cells)} cells, but the header names {len(columns)} columns",
            where=f"{path}:{line}",
            hint="quote cells that hold commas",
        )
    return {column: text for column, cell in zip(columns, cells, strict=True) if (text := cell.strip())}


def load_json(text: str, path: Path, line: int = 1) -> Any:
    """Parse strict JSON: no NaN, no infinity, no key twice in one object. `line` is where `text` starts."""
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise RouterError(f"not JSON: {error.msg}", where=f"{path}:{line + error.lineno - 1}") from error
    except ValueError as error:
        raise RouterError(f"not JSON: {error}", where=f"{path}:{line}") from error
    except RecursionError as error:
        raise RouterError("nested too deeply to be a table", where=f"{path}:{line}") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _unique(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) != len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice!a} occurs twice in one object")
    return row


def element_lines(text: str, start: int) -> list[int]:
    """Return the lines on which the elements of the JSON array that opens at `start` begin."""
    decoder, separator = json.JSONDecoder(), re.compile(r"[\s,]*")
    lines: list[int] = []
    position, line, counted = start + 1, 0, 0
    while True:
        gap = separator.match(text, position)
        position = gap.end() if gap else position
        if position >= len(text) or text[position] == "]":
            return lines
        line += text.count("\n", counted, position)
        counted = position
        lines.append(line + 1)
        _, position = decoder.raw_decode(text, position)


def parse_json(text: str, path: Path) -> Raw:
    """Read one object whose ``rows`` is an array of objects and whose other keys are the header."""
    document = load_json(text, path)
    if not isinstance(document, dict) or not isinstance(document.get("rows"), list):
        raise RouterError('no object with an array "rows"', where=path, hint='write {"source": ..., "rows": [...]}')
    rows = document.pop("rows")
    found = re.search(r'"rows"\s*:\s*\[', text)
    lines = element_lines(text, found.end() - 1) if found else []
    if len(lines) != len(rows):  # another "rows" inside the header came first
        lines = [1] * len(rows)
    return _objects(document, rows, lines, path)


def parse_jsonl(text: str, path: Path) -> Raw:
    """Read one object a line; the first is the header when it has a ``schema`` or ``kind``."""
    rows, lines = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            rows.append(load_json(line, path, number))
            lines.append(number)
        if len(rows) > MAX_ROWS + 1:
            break
    header: Row = {}
    if isinstance(rows[0], dict) and rows[0].keys() & {"schema", "kind"}:
        header, rows, lines = rows[0], rows[1:], lines[1:]
    return _objects(header, rows, lines, path)


def parse_toml(text: str, path: Path) -> Raw:
    """Read a document whose rows are ``[[row]]`` tables and whose other keys are the header."""
    document = load_toml(text, path)
    rows = document.pop("row", [])
    if not isinstance(rows, list):
        raise RouterError("`row` is no array of tables", where=path, hint="start each row with [[row]]")
    starts = [number for number, line in enumerate(text.split("\n"), 1) if line.strip().startswith("[[row]]")]
    lines = starts if len(starts) == len(rows) else [1] * len(rows)
    return _objects(document, rows, lines, path)


def load_toml(text: str, path: Path) -> Row:
    """Parse a TOML document."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        raise RouterError(f"not TOML: {error}", where=f"{path}:{found[1]}" if found else path) from error
    except RecursionError as error:
        raise RouterError("nested too deeply to be a table", where=path) from error


def _objects(header: Row, rows: list[Any], lines: list[int], path: Path) -> Raw:
    raw = Raw(header)
    for row, line in zip(rows, lines, strict=True):
        if not isinstance(row, dict):
            raise RouterError(f"a row is no object but {type(row).__name__}", where=f"{path}:{line}")
        raw.add({name: value for name, value in row.items() if value is not None and value != ""}, line, path)
    return raw


PARSERS = {".csv": parse_csv, ".json": parse_json, ".jsonl": parse_jsonl, ".toml": parse_toml}
"""Parser per suffix of the file name."""
