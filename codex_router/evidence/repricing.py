"""Price what is stored anew: for prices that were not known when it was read, and for corrected ones of one's own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from codex_router.evidence.engine import told
from codex_router.evidence.session_records import Response
from codex_router.evidence.store_tables import COSTS, responses, threads
from codex_router.evidence.summing import sum_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_router.evidence.pricing import Pricing
    from codex_router.evidence.store import Store

THREADS = 100
"""That are priced in one transaction; an interruption loses no more."""
KEY = ("thread_id", "generation", "total_tokens")


class Repriced(NamedTuple):
    """What became of the stored responses."""

    responses: int = 0
    changed: int = 0
    newly_known: int = 0
    """Of the changed ones, those that had no price."""
    now_unknown: int = 0
    """Of the changed ones, those that have none any more."""
    before_usd: float = 0.0
    after_usd: float = 0.0


def reprice(store: Store, pricing: Pricing) -> Repriced:
    """Price every stored response anew, at the prices that are known now for its day.

    Raises:
        RouterError: the database cannot be written.
    """
    with told(store.engine.url), store.engine.connect() as connection:
        known = [row[0] for row in connection.execute(sa.select(threads.c.thread_id).order_by(threads.c.thread_id))]
    sums = [0.0] * len(Repriced._fields)
    for start in range(0, len(known), THREADS):
        some = known[start : start + THREADS]
        with told(store.engine.url):
            done = store.again(partial(_reprice, thread_ids=some, pricing=pricing))
        sums = [a + b for a, b in zip(sums, done, strict=True)]
    return Repriced(*(int(value) for value in sums[:4]), *sums[4:])


def _reprice(connection: sa.Connection, thread_ids: Sequence[str], pricing: Pricing) -> Repriced:
    t, r = threads.c, responses.c
    # Locked in their order, as those who store do: the sums of a thread are made by one process at a time.
    owners = sa.select(t.thread_id, t.provider).where(t.thread_id.in_(thread_ids)).order_by(t.thread_id)
    providers: dict[str, str] = {row[0]: row[1] for row in connection.execute(owners.with_for_update())}
    names = ("plan_name" if name == "plan" else name for name in Response._fields)
    query = sa.select(r.thread_id, *(r[name] for name in names), *(r[name] for name in COSTS))
    account, changes = [0, 0, 0, 0, 0.0, 0.0], []
    for row in connection.execute(query.where(r.thread_id.in_(thread_ids))):
        one, before = Response._make(row[1 : 1 + len(Response._fields)]), tuple(row[1 + len(Response._fields) :])
        cost = pricing.cost(one, providers[row[0]])
        after = (None,) * len(COSTS) if cost is None else tuple(cost)
        account[0] += 1
        account[4] += before[0] or 0.0
        account[5] += after[0] or 0.0
        if after != before:
            account[1] += 1
            account[2] += before[0] is None
            account[3] += after[0] is None
            changes.append((*after, row[0], one.generation, one.total_tokens))
    _change(connection, changes)
    if changes:
        sum_up(connection, sorted({change[len(COSTS)] for change in changes}))
    return Repriced._make(account)


def _change(connection: sa.Connection, changes: list[tuple[Any, ...]]) -> None:
    if not changes:
        return
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    costs = ", ".join(f"{name} = {mark}" for name in COSTS)
    key = " AND ".join(f"{name} = {mark}" for name in KEY)
    connection.exec_driver_sql(f"UPDATE responses SET {costs} WHERE {key}", changes)  # noqa: S608 - our own names
