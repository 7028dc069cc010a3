"""Tables in our own format: taken apart, checked, and turned into records in our units."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from codex_router.errors import RouterError
from codex_router.evidence.account import DOCS, Account, faults, refuse
from codex_router.evidence.files import PARSERS, Raw, decode, load_toml, read_bytes
from codex_router.evidence.runs import Run
from codex_router.evidence.schema import COST_UNITS, AggregateRow, AttemptRow, Header
from codex_router.evidence.tables import Provenance, Table
from codex_router.records import Aggregate, Attempt, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from codex_router.literals import Kind

BATCH = 2000
"""Rows checked at once, so that a large wrong file is refused early."""

RowT = TypeVar("RowT", AggregateRow, AttemptRow)

_HEADER_KEYS = frozenset(Header.model_fields) - {"format"} | {"schema"}
_ROW_KEYS = frozenset(AggregateRow.model_fields) | frozenset(AttemptRow.model_fields)


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
        checked = _checked(AggregateRow, raw, defaults, path)
        aggregates = tuple(account.distinct((_aggregate(row, account, line), f"line {line}") for row, line in checked))
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


def _checked(model: type[RowT], raw: Raw, defaults: dict[str, Any], path: Path) -> Iterator[tuple[RowT, int]]:
    """Yield the checked rows with their lines; refuse the file as soon as a batch has faults."""
    adapter = TypeAdapter(list[model])  # type: ignore[valid-type]
    for start in range(0, len(raw.rows), BATCH):
        lines = raw.lines[start : start + BATCH]
        try:
            rows = adapter.validate_python([{**defaults, **row} for row in raw.rows[start : start + BATCH]])
        except ValidationError as error:
            found = [(lines[int(loc[0])], text) for loc, text in faults(error)]
            refuse(path, found, _hints(found))
        yield from zip(rows, lines, strict=True)


def _hints(found: Sequence[tuple[int, str]]) -> str:
    """Return what helps against the commonest faults: no provenance, a cost without a known unit, per cent."""
    hints = []
    if any(text in {"`source` is missing", "`date` is missing"} for _, text in found):
        hints.append(
            "  say once whose figures they are, and of when: `# source: ...` and `# date: ...` above the table"
        )
    if any("`cost_unit`" in text for _, text in found):
        hints.append(cost_unit_meanings())
    if any("`pass_rate` should be less" in text for _, text in found):
        hints.append("  a pass rate is a share: write 0.742 for 74.2 %")
    return "\n".join(hints)


def cost_unit_meanings() -> str:
    """Return the four meanings of cost, a line each."""
    return "\n".join(f"  {unit}: {meaning}" for unit, meaning in COST_UNITS.items())


def _aggregate(row: AggregateRow, account: Account, line: int) -> Aggregate:
    return Aggregate(
        source=row.source,
        date=row.date,
        harness=row.harness,
        arm=account.arm(row.model, row.effort, line),
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


def _runs(rows: Iterator[tuple[AttemptRow, int]], account: Account, source: str) -> Iterator[Run]:
    seen: dict[str, tuple[Run, int]] = {}
    for row, line in rows:
        run = _run(row, account, line, source)
        before = seen.get(row.attempt_id)
        if before and before[0] != run:
            text = f"the `attempt_id` {row.attempt_id!r} is also on line {before[1]}, with other values"
            refuse(account.path, [(line, text)])
        if before:
            account.skip(f"line {line}", f"the same as line {before[1]}")
            continue
        seen[row.attempt_id] = run, line
        yield run


def _run(row: AttemptRow, account: Account, line: int, source: str) -> Run:
    if row.free:
        account.conversions["costs of free promotions taken as unknown"] += 1
    elif row.cost_usd is not None:
        account.units.add("per_attempt")
    attempt = Attempt(
        attempt_id=row.attempt_id,
        task_id=row.task_id,
        category=row.category,
        arm=account.arm(row.model, row.effort, line),
        harness=row.harness,
        outcome=row.outcome,
        cost_usd=None if row.free else row.cost_usd,
        turns=row.turns,
        seconds=row.seconds,
        end=row.end,
        date=row.date,
        outcome_source=row.outcome_source,
    )
    return Run(attempt, _usage(row), source)


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
