"""Tables in our own format: taken apart, checked, and turned into records in our units."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from codex_router.errors import RouterError
from codex_router.evidence.files import PARSERS, Raw, decode, load_toml, read_bytes
from codex_router.evidence.names import canonical
from codex_router.evidence.runs import Run
from codex_router.evidence.schema import COST_UNITS, AggregateRow, AttemptRow, Header
from codex_router.evidence.tables import Kind, Provenance, Skipped, Table
from codex_router.records import Aggregate, Arm, Attempt, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_ERRORS = 20
"""How many faults of one file are listed."""
BATCH = 2000
"""Rows checked at once, so that a large wrong file is refused early."""
DOCS = "docs/reference/evidence-tables.md"

RowT = TypeVar("RowT", AggregateRow, AttemptRow)

_HEADER_KEYS = frozenset(Header.model_fields) - {"format"} | {"schema"}
_ROW_KEYS = frozenset(AggregateRow.model_fields) | frozenset(AttemptRow.model_fields)


@dataclass(slots=True)
class Account:
    """What happened to the rows of one file on the way into our records."""

    path: Path
    conversions: Counter[str] = field(default_factory=Counter)
    units: set[str] = field(default_factory=set)
    unknown: dict[str, None] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def arm(self, model: str, effort: str | None, where: str) -> Arm:
        """Return the canonical arm.

        Raises:
            RouterError: the model's name carries another effort than `effort`.
        """
        recognised = canonical(model)
        if not recognised.known:
            self.unknown.setdefault(model)
        named = recognised.arm.effort
        if named and effort and named != effort:
            raise RouterError(
                f"the model name {model!r} says effort {named}, the effort column {effort}",
                where=f"{self.path}:{where.removeprefix('line ')}",
                hint="nothing of this file was read; correct one of the two",
            )
        if named and not effort:
            self.conversions["efforts read from the model name"] += 1
        return Arm(recognised.arm.model, effort or named)

    def sentences(self) -> tuple[str, ...]:
        """Return the conversions, most frequent first."""
        return tuple(f"{what}: {count}" for what, count in self.conversions.most_common())


def read_own(path: Path) -> Table:
    """Read a CSV, JSON, JSONL or TOML table in our own format, with its side-car ``<name>.toml`` if there is one.

    Raises:
        RouterError: anything is wrong with it; nothing is read then.
    """
    content = read_bytes(path)
    raw = PARSERS[path.suffix.lower()](decode(content, path), path)
    digest = hashlib.sha256(content)
    beside = path.with_suffix(".toml")
    header_path = path
    if beside != path and beside.is_file():
        side = read_bytes(beside)
        digest.update(side)
        _merge(raw.header, load_toml(decode(side, beside), beside), beside)
        header_path = beside
    header = _header(raw.header, header_path)
    return _table(path, header, raw, digest.hexdigest())


def _merge(header: dict[str, Any], side: dict[str, Any], beside: Path) -> None:
    for key, value in side.items():
        if key in header and header[key] != value:
            raise RouterError(f"`{key}` differs from the header of the table", where=beside, hint="say it once")
        header[key] = value


def _header(keys: dict[str, Any], path: Path) -> Header:
    keys = dict(keys)
    if "license" in keys:
        keys["licence"] = keys.pop("license")
    shared = {key: keys.pop(key) for key in list(keys) if key not in _HEADER_KEYS and key in _ROW_KEYS}
    if shared:
        keys["defaults"] = {**keys.get("defaults", {}), **shared}
    try:
        return Header.model_validate(keys)
    except ValidationError as error:
        refuse(path, [(None, f"header: {text}") for _, text in faults(error)])


def _table(path: Path, header: Header, raw: Raw, sha256: str) -> Table:
    if not raw.rows:
        raise RouterError("the table has no rows", where=path, hint=f"the format is described in {DOCS}")
    kind: Kind = header.kind or ("attempts" if "attempt_id" in raw.rows[0] else "aggregates")
    account = Account(path)
    source = header.source or path.stem
    defaults = {**header.defaults, **({"date": header.date} if header.date else {})}
    aggregates: tuple[Aggregate, ...] = ()
    runs: tuple[Run, ...] = ()
    if kind == "aggregates":
        defaults = {"source": header.source, **defaults} if header.source else defaults
        _demand_cost_unit(raw, defaults, path)
        aggregates = tuple(_aggregates(_checked(AggregateRow, raw, defaults, path), account))
    else:
        runs = tuple(_runs(_checked(AttemptRow, raw, defaults, path), account, source))
    return Table(
        path=path,
        sha256=sha256,
        kind=kind,
        provenance=_provenance(header, source),
        cost_units=tuple(sorted(account.units)),
        aggregates=aggregates,
        runs=runs,
        rows_read=len(raw.rows),
        skipped=tuple(account.skipped),
        conversions=account.sentences(),
        unknown_models=tuple(account.unknown),
    )


def _provenance(header: Header, source: str) -> Provenance:
    return Provenance(
        source,
        header.url or "",
        header.date or "",
        header.licence or "",
        tuple(header.caveats),
        tuple(header.left_out),
    )


def _demand_cost_unit(raw: Raw, defaults: dict[str, Any], path: Path) -> None:
    if "cost_unit" in defaults:
        return
    for row, line in zip(raw.rows, raw.lines, strict=True):
        if "cost_usd" in row and "cost_unit" not in row:
            raise RouterError(
                "the table does not say what its costs are the cost of: `cost_unit` is missing",
                where=f"{path}:{line}",
                hint=f"four things are called cost; find out which and add `cost_unit`\n{cost_unit_meanings()}",
            )


def _checked(model: type[RowT], raw: Raw, defaults: dict[str, Any], path: Path) -> Iterator[tuple[RowT, str]]:
    """Yield the checked rows with their places; refuse the file as soon as a batch has faults."""
    adapter = TypeAdapter(list[model])  # type: ignore[valid-type]
    for start in range(0, len(raw.rows), BATCH):
        lines = raw.lines[start : start + BATCH]
        try:
            rows = adapter.validate_python([{**defaults, **row} for row in raw.rows[start : start + BATCH]])
        except ValidationError as error:
            refuse(path, [(lines[int(loc[0])], text) for loc, text in faults(error)])
        yield from zip(rows, (f"line {line}" for line in lines), strict=True)


def faults(error: ValidationError) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Yield where and what for each fault that pydantic found, in words of ours where its own are unclear."""
    for fault in error.errors(include_url=False):
        loc = fault["loc"]
        column = next((str(part) for part in loc if isinstance(part, str)), "")
        match fault["type"]:
            case "missing":
                text = f"`{column}` is missing"
            case "extra_forbidden":
                text = f"unknown column {column!a}"
            case "value_error" if not column:
                text = fault["msg"].removeprefix("Value error, ")
            case _:
                message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
                text = f"`{column}` {message}: {_short(fault['input'])}"
        yield loc, text


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def refuse(path: Path, found: Sequence[tuple[int | None, str]]) -> NoReturn:
    """Refuse a file, listing up to `MAX_ERRORS` faults with their lines."""
    first = next((line for line, _ in found if line is not None), None)
    listed = [f"line {line}: {text}" if line is not None else text for line, text in found[:MAX_ERRORS]]
    if len(found) > MAX_ERRORS:
        listed.append(f"and {len(found) - MAX_ERRORS} more")
    what = listed[0] if len(listed) == 1 else f"{len(found)} faults\n  " + "\n  ".join(listed)
    hint = f"nothing of this file was read; the columns are described in {DOCS}"
    if any("`cost_unit`" in text for _, text in found):
        hint += "\n" + cost_unit_meanings()
    if any("`pass_rate` should be less" in text for _, text in found):
        hint += "\n  a pass rate is a share: write 0.742 for 74.2 %"
    raise RouterError(what, where=f"{path}:{first}" if first is not None else path, hint=hint)


def cost_unit_meanings() -> str:
    """Return the four meanings of cost, a line each."""
    return "\n".join(f"  {unit}: {meaning}" for unit, meaning in COST_UNITS.items())


def _aggregates(rows: Iterator[tuple[AggregateRow, str]], account: Account) -> Iterator[Aggregate]:
    seen: dict[Aggregate, str] = {}
    for row, where in rows:
        aggregate = _aggregate(row, account, where)
        if aggregate in seen:
            account.skipped.append(Skipped(where, f"the same as {seen[aggregate]}"))
            continue
        seen[aggregate] = where
        yield aggregate


def _aggregate(row: AggregateRow, account: Account, where: str) -> Aggregate:
    return Aggregate(
        source=row.source,
        date=row.date,
        harness=row.harness,
        arm=account.arm(row.model, row.effort, where),
        category=row.category,
        n_tasks=row.n_tasks,
        n_trials=row.trials,
        successes=row.rate * row.trials if row.successes is None else row.successes,
        cost_usd=_cost_per_attempt(row, account),
        turns_mean=row.turns_mean,
        pass_at_k=row.pass_at_k,
        k=row.k,
        self_reported=row.self_reported,
    )


def _cost_per_attempt(row: AggregateRow, account: Account) -> float | None:
    """Return the mean cost of one attempt in USD; None when it is unknown or was a promotion."""
    if row.free:
        account.conversions["costs of free promotions taken as unknown"] += 1
        return None
    if row.cost_usd is None or row.cost_unit is None:
        return None
    account.units.add(row.cost_unit)
    if row.cost_unit == "per_suite":
        account.conversions[f"costs per suite pass divided by {row.n_tasks} tasks"] += 1
        return row.cost_usd / row.n_tasks
    if row.cost_unit == "per_solved":
        account.conversions["costs per solved task multiplied by the pass rate"] += 1
        return row.cost_usd * row.rate
    return row.cost_usd


def _runs(rows: Iterator[tuple[AttemptRow, str]], account: Account, source: str) -> Iterator[Run]:
    seen: dict[str, tuple[Run, str]] = {}
    for row, where in rows:
        run = _run(row, account, where, source)
        before = seen.get(row.attempt_id)
        if before and before[0] != run:
            line = int(where.removeprefix("line "))
            refuse(account.path, [(line, f"`attempt_id` {row.attempt_id!r} is also on {before[1]}, with other values")])
        if before:
            account.skipped.append(Skipped(where, f"the same as {before[1]}"))
            continue
        seen[row.attempt_id] = run, where
        yield run


def _run(row: AttemptRow, account: Account, where: str, source: str) -> Run:
    if row.free:
        account.conversions["costs of free promotions taken as unknown"] += 1
    elif row.cost_usd is not None:
        account.units.add("per_attempt")
    attempt = Attempt(
        attempt_id=row.attempt_id,
        task_id=row.task_id,
        category=row.category,
        arm=account.arm(row.model, row.effort, where),
        harness=row.harness,
        outcome=row.outcome,
        cost_usd=None if row.free else row.cost_usd,
        turns=row.turns,
        seconds=row.seconds,
        end=row.end,
        date=row.date,
    )
    return Run(attempt, _usage(row), row.outcome_source, source)


def _usage(row: AttemptRow) -> Usage | None:
    if row.input_tokens is None and row.output_tokens is None:
        return None
    return Usage(
        row.input_tokens or 0,
        row.cached_input_tokens,
        row.cache_write_input_tokens,
        row.output_tokens or 0,
        row.reasoning_output_tokens,
    )
