"""Keep ``spending`` and the totals of tasks in step with ``responses``: sums are made where the rows are."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import sqlalchemy as sa

from codex_router.evidence.store_tables import (
    COSTS,
    DIMENSIONS,
    SPENT,
    SUMS,
    TOKENS,
    WINDOWS,
    attempts,
    responses,
    spending,
    tasks,
    threads,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

USEFUL_TAIL = 2
"""Responses that a task may take behind its last file change, to look at it and to report."""
DAY: sa.ColumnElement[str] = sa.literal_column("substr(numbered.time, 1, 10)")
KEY = ("thread_id", "turn_id", "root_thread_id", *DIMENSIONS)


def sum_up(connection: sa.Connection, thread_ids: Sequence[str]) -> None:
    """Make the sums of some threads anew."""
    for start in range(0, len(thread_ids), 500):
        some = list(thread_ids[start : start + 500])
        connection.execute(sa.delete(spending).where(spending.c.thread_id.in_(some)))
        names = [*KEY, *SUMS, *SPENT, *WINDOWS]
        connection.execute(sa.insert(spending).from_select(names, _sums(some)))
        cost = sa.func.sum(responses.c.cost_usd)
        unpriced = sa.func.count() - sa.func.count(responses.c.cost_usd)
        total = (
            sa.select(sa.case((unpriced == 0, cost)))
            .where(responses.c.thread_id == tasks.c.thread_id, responses.c.turn_id == tasks.c.turn_id)
            .scalar_subquery()
        )
        connection.execute(sa.update(tasks).where(tasks.c.thread_id.in_(some)).values(cost_usd=total))
        _mark_stale(connection, some)


def _sums(thread_ids: list[str]) -> sa.Select[tuple[object, ...]]:
    within = sa.func.row_number().over(
        partition_by=(responses.c.thread_id, responses.c.turn_id),
        order_by=(responses.c.generation, responses.c.total_tokens),
    )
    some = sa.select(responses, within.label("place")).where(responses.c.thread_id.in_(thread_ids)).subquery("numbered")
    r, t, k = some.c, threads.c, tasks.c
    tier = (
        sa.select(sa.func.max(attempts.c.tier))
        .where(attempts.c.source == "", attempts.c.session_id == t.root_id)
        .correlate(threads)
        .scalar_subquery()
    )
    keys = [
        r.thread_id,
        r.turn_id,
        t.root_id,
        DAY,
        t.cwd,
        sa.func.coalesce(t.git_branch, ""),
        sa.func.coalesce(k.category, "none"),
        r.model,
        r.effort,
        sa.func.coalesce(tier, ""),
        t.person,
        t.source,
        r.plan_name,
    ]
    cost = sa.func.coalesce(r.cost_usd, 0.0)
    late = r.after_change > USEFUL_TAIL
    sums = [
        sa.func.sum(sa.case(((r.place == 1) & (t.subagent == 0), 1), else_=0)),
        sa.func.count(),
        sa.func.count() - sa.func.count(r.cost_usd),
        *(sa.func.sum(r[name]) for name in TOKENS),
        *(sa.func.sum(sa.func.coalesce(r[name], 0.0)) for name in COSTS),
        sa.func.sum(sa.case((r.compaction == 1, cost), else_=0.0)),
        sa.func.sum(sa.case((late, cost), else_=0.0)),
        sa.literal(0.0),  # stale_usd: see below
        *(sa.func.max(r[name]) - sa.func.min(r[name]) for name in ("window_5h_percent", "window_week_percent")),
        *(sa.func.max(r[name]) for name in ("window_5h_percent", "window_week_percent")),
    ]
    source = some.join(threads, t.thread_id == r.thread_id).outerjoin(
        tasks, sa.and_(k.thread_id == r.thread_id, k.turn_id == r.turn_id)
    )
    return (
        sa.select(*keys, *sums)
        .select_from(source)
        .group_by(
            r.thread_id, r.turn_id, t.root_id, DAY, t.cwd, t.git_branch, k.category,
            r.model, r.effort, t.person, t.source, r.plan_name,
        )
    )  # fmt: skip


def _mark_stale(connection: sa.Connection, thread_ids: list[str]) -> None:
    """Note what it cost to drag the context of earlier tasks along, where a task of another kind follows.

    That is the part of its re-sent context that was there when it began, beyond what the thread itself began with.
    """
    t, s = tasks.c, spending.c
    query = (
        sa.select(t.thread_id, t.turn_id, t.category, t.first_input_tokens)
        .where(t.thread_id.in_(thread_ids), t.responses > 0)
        .order_by(t.thread_id, t.started, t.turn_id)
    )
    marks = []
    for _, rows in groupby(connection.execute(query), key=lambda row: row[0]):
        (_, _, before, base), *others = rows
        for thread_id, turn_id, category, first in others:
            if category != before and "none" not in {category, before} and first > base:
                marks.append({"thread": thread_id, "turn": turn_id, "carried": (first - base) / first})
            before = category
    if marks:
        resent = s.resent_cached_usd + s.resent_uncached_usd
        update = sa.update(spending).where(s.thread_id == sa.bindparam("thread"), s.turn_id == sa.bindparam("turn"))
        connection.execute(update.values(stale_usd=resent * sa.bindparam("carried", type_=sa.Double)), marks)


def adopt_parents(connection: sa.Connection) -> None:
    """Find the parents of sub-agents of older versions, and the tiers of runs that were recorded since.

    A review up to 0.136 names no parent, but the parent's file has its turn. A grandchild's root is its parent's.
    """
    mine, theirs, other = threads.alias("mine"), tasks.alias("theirs"), tasks.alias("other")
    found = (
        sa.select(sa.func.min(other.c.thread_id))
        .select_from(theirs.join(other, theirs.c.turn_id == other.c.turn_id))
        .where(theirs.c.thread_id == threads.c.thread_id, other.c.thread_id != threads.c.thread_id)
        .where(sa.func.length(other.c.turn_id) > USEFUL_ID)
        .scalar_subquery()
    )
    orphan = (threads.c.subagent == 1) & threads.c.parent_id.is_(None)
    connection.execute(sa.update(threads).where(orphan).values(parent_id=found))
    root = sa.select(mine.c.root_id).where(mine.c.thread_id == threads.c.parent_id).scalar_subquery()
    astray = (threads.c.subagent == 1) & root.is_not(None) & (threads.c.root_id != root)
    moved: list[str] = []
    for _ in range(MAX_DEPTH):
        rows = connection.execute(sa.update(threads).where(astray).values(root_id=root).returning(threads.c.thread_id))
        some = [row[0] for row in rows]
        moved += some
        if not some:
            break
    roots = sa.select(threads.c.root_id).where(threads.c.thread_id == tasks.c.thread_id).scalar_subquery()
    if moved:
        connection.execute(sa.update(tasks).where(tasks.c.thread_id.in_(moved)).values(root_thread_id=roots))
    turn = (
        sa.select(other.c.turn_id)
        .where(other.c.thread_id == tasks.c.root_thread_id, other.c.started <= tasks.c.started)
        .order_by(other.c.started.desc(), other.c.turn_id)
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(sa.update(tasks).where(tasks.c.root_turn_id.is_(None)).values(root_turn_id=turn))
    sum_up(connection, sorted({*moved, *_newly_recorded(connection)}))


USEFUL_ID = 20
"""A turn's own number is shorter than this; only ids that Codex made are the same in two files."""
MAX_DEPTH = 8


def _newly_recorded(connection: sa.Connection) -> list[str]:
    s, a = spending.c, attempts.c
    query = (
        sa.select(s.thread_id)
        .distinct()
        .select_from(spending.join(attempts, a.session_id == s.root_thread_id))
        .where(a.source == "", a.tier.is_not(None), s.tier == "")
    )
    return [row[0] for row in connection.execute(query)]
