"""What happens to the rows of one file on the way into our records, and how a file is refused."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from codex_router.errors import RouterError
from codex_router.evidence.names import canonical
from codex_router.evidence.tables import Skipped, Table
from codex_router.records import Arm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydantic import ValidationError

    from codex_router.evidence.tables import Provenance
    from codex_router.records import Aggregate

    Row = tuple[Aggregate | None, str]

MAX_ERRORS = 20
"""How many different faults of one file are listed."""
DOCS = "docs/reference/evidence-tables.md"


@dataclass(slots=True)
class Account:
    """Filled while a file is read; its parts end in a `Table`."""

    path: Path
    conversions: Counter[str] = field(default_factory=Counter)
    units: set[str] = field(default_factory=set)
    unknown: dict[str, None] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def arm(self, model: str, effort: str | None, line: int | None) -> Arm:
        """Return the canonical arm.

        Raises:
            RouterError: the model's name carries another effort than `effort`.
        """
        recognised = canonical(model)
        if not recognised.known:
            self.unknown.setdefault(model)
        named = recognised.arm.effort
        if named and effort and named != effort:
            refuse(self.path, [(line, f"the model name {model!r} says effort {named}, the row says {effort}")])
        if named and not effort:
            self.conversions["efforts read from the model name"] += 1
        return Arm(recognised.arm.model, effort or named)

    def skip(self, where: str, reason: str) -> None:
        """Note a row that is not taken."""
        self.skipped.append(Skipped(where, reason))

    def distinct(self, rows: Iterator[tuple[Aggregate, str]]) -> Iterator[Aggregate]:
        """Yield the rows, each once; a repetition is noted as skipped."""
        seen: dict[Aggregate, str] = {}
        for row, where in rows:
            if row in seen:
                self.skip(where, f"the same as {seen[row]}")
                continue
            seen[row] = where
            yield row

    def leaderboard(self, content: bytes, provenance: Provenance, rows: Iterator[Row], rows_read: int) -> Table:
        """Return the table of another project's leaderboard.

        Args:
            content: the file, for its hash.
            provenance: where the figures come from.
            rows: (row or None when it was skipped, where it stands); each row is taken once.
            rows_read: how many rows the file has.
        """
        taken = tuple(self.distinct((row, where) for row, where in rows if row is not None))
        return Table(
            path=self.path,
            sha256=hashlib.sha256(content).hexdigest(),
            kind="aggregates",
            provenance=provenance,
            cost_units=tuple(self.units),
            aggregates=taken,
            rows_read=rows_read,
            skipped=tuple(self.skipped),
            conversions=self.sentences(),
            unknown_models=tuple(self.unknown),
        )

    def sentences(self) -> tuple[str, ...]:
        """Return the conversions, most frequent first."""
        return tuple(f"{what}: {count}" for what, count in self.conversions.most_common())


def faults(error: ValidationError) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Yield where and what for each fault that pydantic found, in words of ours where its own are unclear."""
    for fault in error.errors(include_url=False):
        column = next((str(part) for part in reversed(fault["loc"]) if isinstance(part, str)), "")
        match fault["type"]:
            case "missing":
                text = f"`{column}` is missing"
            case "extra_forbidden":
                text = f"unknown column {column!a}"
            case "value_error" if not column:
                text = fault["msg"].removeprefix("Value error, ")
            case _:
                message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
                text = f"{_code(column)} {message}: {_short(fault['input'])}"
        yield fault["loc"], text


def _code(column: str) -> str:
    return f"`{column}`" if column.isprintable() else ascii(column)


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def refuse(path: Path, found: Sequence[tuple[int | None, str]], hint: str = "") -> NoReturn:
    """Refuse a file, listing up to `MAX_ERRORS` different faults with their lines."""
    lines: dict[str, list[int | None]] = {}
    for line, text in found:
        lines.setdefault(text, []).append(line)
    listed = [f"{_place(where)}{text}" for text, where in list(lines.items())[:MAX_ERRORS]]
    if len(lines) > MAX_ERRORS:
        listed.append(f"and {len(lines) - MAX_ERRORS} more")
    what = found[0][1] if len(found) == 1 else f"{len(found)} faults\n  " + "\n  ".join(listed)
    hint = f"nothing of this file was read; its format is described in {DOCS}" + (f"\n{hint}" if hint else "")
    first = next((line for line, _ in found if line is not None), None)
    raise RouterError(what, where=f"{path}:{first}" if first is not None else path, hint=hint)


def _place(lines: Sequence[int | None]) -> str:
    if lines[0] is None:
        return ""
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return f"line {lines[0]}{more}: "
