"""What was spent, on what: one GROUP BY over ``spending``, whatever the question."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from codex_router.evidence.engine import told
from codex_router.evidence.store_tables import SPENT, SUMS, attempts, spending

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_router.evidence.store import Store

BY = {
    "day": "day",
    "week": "day",
    "month": "day",
    "project": "project",
    "branch": "branch",
    "category": "category",
    "model": "model",
    "effort": "effort",
    "tier": "tier",
    "person": "person",
    "source": "source",
    "plan": "plan_name",
    "session": "root_thread_id",
}
"""What spending can be grouped by, and the column that holds it."""
BY_DEFAULT = " (default)"
"""Behind an effort that nobody named: what Codex takes for that model."""
TIMES = frozenset({"day", "week", "month"})


@dataclass(frozen=True, slots=True)
class Spend:
    """Sums over some responses; money at list prices or the user's own."""

    tasks: int = 0
    """User turns, each where its first response is; a sub-agent's belong to the turn that started it."""
    responses: int = 0
    unpriced: int = 0
    """Responses whose price is unknown; they are in no amount."""
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_output_tokens: int = 0
    resent_tokens: int = 0
    cost_usd: float = 0.0
    resent_cached_usd: float = 0.0
    resent_uncached_usd: float = 0.0
    new_input_usd: float = 0.0
    reasoning_usd: float = 0.0
    output_usd: float = 0.0
    tool_output_usd: float = 0.0
    lost_usd: float = 0.0
    compaction_usd: float = 0.0
    after_change_usd: float = 0.0
    stale_usd: float = 0.0
    """Context of earlier, different tasks; a guess."""
    late_tasks: int = 0
    """Tasks with responses after the last useful change, with compactions, with stale context."""
    compacted_tasks: int = 0
    stale_tasks: int = 0
    plan_usd: float = 0.0
    """The part of `cost_usd` that a ChatGPT plan paid for: a comparison, not a bill."""
    window_5h_used: float = 0.0
    """Percent of a plan's 5-hour windows that passed during these tasks, at least."""
    window_week_used: float = 0.0
    window_5h_peak: float = 0.0
    window_week_peak: float = 0.0

    @property
    def metered_usd(self) -> float:
        """Return what was not paid by a plan."""
        return self.cost_usd - self.plan_usd

    @property
    def cache_hit_rate(self) -> float | None:
        """Return the share of re-sent input that came from the cache."""
        return min(1.0, self.cached_input_tokens / self.resent_tokens) if self.resent_tokens else None


_PEAKS = ("window_5h_peak", "window_week_peak")
_ADDED = tuple(field.name for field in fields(Spend) if field.name not in _PEAKS)


class Line(NamedTuple):
    """One row of an answer."""

    key: tuple[str, ...]
    spend: Spend


def total_of(lines: Sequence[Line]) -> Spend:
    """Return the sums over some rows; peaks stay peaks."""
    added: dict[str, Any] = {name: sum(getattr(line.spend, name) for line in lines) for name in _ADDED}
    peaks: dict[str, Any] = {name: max((getattr(line.spend, name) for line in lines), default=0.0) for name in _PEAKS}
    return Spend(**added, **peaks)


def spent(
    store: Store,
    by: Sequence[str] = (),
    since: str | None = None,
    until: str | None = None,
    only: dict[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
) -> list[Line]:
    """Return the sums per group, dearest first; groups of time in their order.

    Args:
        store: the ledger.
        by: keys of `BY`; empty for one row with everything.
        since: ISO date of the first day.
        until: ISO date of the last day.
        only: values that columns of `BY` must have; of a session its beginning.
        defaults: the effort of a model where a session names none: ``medium`` becomes ``medium (default)``.
    """
    s = spending.c
    names = [*by, "model"] if defaults and "effort" in by else list(by)
    columns = [s[BY[name]].label(f"key{index}") for index, name in enumerate(names)]
    sums: list[Any] = [
        *(sa.func.sum(s[name]) for name in (*SUMS, *SPENT)),
        *(sa.func.count().filter(s[name] > 0) for name in _COUNTED.values()),
        sa.func.sum(s.cost_usd).filter(s.plan_name != ""),
        *(sa.func.sum(s[name]) for name in ("window_5h_used", "window_week_used")),
        *(sa.func.max(s[name]) for name in _PEAKS),
    ]
    query = sa.select(*columns, *sums).group_by(*columns)
    if since:
        query = query.where(s.day >= since)
    if until:
        query = query.where(s.day <= until)
    for name, value in (only or {}).items():
        query = query.where(_is(name, value, defaults or {}))
    with told(store.engine.url), store.engine.connect() as connection:
        rows = connection.execute(query).all()
    lines = [_line(row, names) for row in rows if row[len(names) + 1]]
    return _ordered(_added_up(lines, by, defaults or {}), by)


def chosen(only: Mapping[str, str], defaults: Mapping[str, str]) -> sa.Select[tuple[str, str]] | None:
    """Select the turns, by thread and turn, that have the values of `spent`; None when no value is asked for."""
    if not only:
        return None
    conditions = (_is(name, value, defaults) for name, value in only.items())
    return sa.select(spending.c.thread_id, spending.c.turn_id).where(*conditions)


def judged(store: Store, since: str | None = None, until: str | None = None) -> tuple[int, int]:
    """Return how many runs of `exec` solved their task and how many did not, by a check or the user's word."""
    a = attempts.c
    day = sa.func.substr(a.date, 1, 10)
    query = (
        sa.select(a.outcome, sa.func.count())
        .where(a.source == "", a.outcome != "unknown", day >= (since or ""), day <= (until or "9"))
        .group_by(a.outcome)
    )
    with told(store.engine.url), store.engine.connect() as connection:
        counts = {name: int(count) for name, count in connection.execute(query)}
    return counts.get("yes", 0), counts.get("no", 0)


def _is(name: str, value: str, defaults: Mapping[str, str]) -> sa.ColumnElement[bool]:
    c = spending.c
    if name == "session" and value:  # the beginning will do: an id is long, and a narrow terminal breaks it
        return c[BY[name]].startswith(value, autoescape=True)
    if name != "effort" or (value and not value.endswith(BY_DEFAULT)):
        return c[BY[name]] == value
    models = [model for model, effort in defaults.items() if effort + BY_DEFAULT == value]
    return (c.effort == "") & (c.model.in_(models) if value else c.model.not_in(defaults))


def _added_up(lines: Sequence[Line], by: Sequence[str], defaults: Mapping[str, str]) -> list[Line]:
    """Add up lines that mean the same: days of a week, a model's default effort.

    The database would have to look each of its rows up in a calendar, and in a list of models.
    """
    if not {"week", "month", "effort"} & set(by):
        return list(lines)
    buckets: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        model = line.key[-1]
        effort = defaults[model] + BY_DEFAULT if model in defaults else ""
        key = tuple(
            _bucket(name, value) or (effort if name == "effort" else "")
            for name, value in zip(by, line.key, strict=False)
        )
        buckets.setdefault(key, []).append(line)
    return [Line(key, total_of(some)) for key, some in buckets.items()]


_COUNTED = {"late_tasks": "after_change_usd", "compacted_tasks": "compaction_usd", "stale_tasks": "stale_usd"}
"""What is counted: rows in which that column is not zero."""
_NAMES = (*SUMS, *SPENT, *_COUNTED, "plan_usd", "window_5h_used", "window_week_used", *_PEAKS)


def _line(row: Sequence[Any], by: Sequence[str]) -> Line:
    key = tuple(str(value) for value, _ in zip(row, by, strict=False))
    values = dict(zip(_NAMES, row[len(by) :], strict=True))
    whole: dict[str, Any] = {name: int(values.pop(name) or 0) for name in (*SUMS, *_COUNTED)}
    amounts: dict[str, Any] = {name: float(value or 0.0) for name, value in values.items()}
    return Line(key, Spend(**whole, **amounts))


def _bucket(name: str, value: str) -> str:
    if name == "month":
        return value[:7]
    if name == "week":
        try:
            year, week, _ = dt.date.fromisoformat(value).isocalendar()
        except ValueError:
            return value
        return f"{year}-W{week:02d}"
    return value


def _ordered(lines: list[Line], by: Sequence[str]) -> list[Line]:
    if by and by[0] in TIMES:
        return sorted(lines, key=lambda line: line.key)
    return sorted(lines, key=lambda line: (-line.spend.cost_usd, -line.spend.input_tokens, line.key))
