"""Whether a task was solved: what a check or the user said of its run, and guesses, none unless asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from codex_router.evidence.store_tables import attempts, tasks, threads

if TYPE_CHECKING:
    from sqlalchemy import Connection


def known_outcome(turn: sa.FromClause) -> sa.ColumnElement[str]:
    """Return whether a turn of `tasks` was solved: what a check or the user said of its run, else what was guessed.

    Args:
        turn: `tasks` or an alias of it.
    """
    said = sa.select(attempts.c.outcome).where(attempts.c.outcome != "unknown")
    return sa.func.coalesce(*_of_its_run(turn, said), turn.c.outcome)


def known_end(turn: sa.FromClause) -> sa.ColumnElement[str]:
    """Return how a turn of `tasks` ended: a session does not say that `exec` stopped it at a budget, its run does.

    Args:
        turn: `tasks` or an alias of it.
    """
    stopped = sa.select(attempts.c.ended).where(attempts.c.ended.in_(["budget", "timeout"]))
    return sa.func.coalesce(*_of_its_run(turn, stopped), turn.c.ended)


def _of_its_run(turn: sa.FromClause, said: sa.Select[tuple[str]]) -> tuple[sa.ScalarSelect[str], sa.ScalarSelect[str]]:
    """Return what is said of the run that is this turn; the first that is not null holds.

    A run of `exec` is the turn of its session with the same prompt, or the session's first one: what is piped to it,
    and what an escalation says of the attempt before, is part of the prompt that the session shows.
    """
    t, a, other = turn.c, attempts.c, tasks.alias("other").c
    newest = said.where(a.source == "", a.session_id == t.thread_id).order_by(a.id.desc()).limit(1)
    first = sa.select(sa.func.min(other.started)).where(other.thread_id == t.thread_id).correlate(turn)
    of_another = sa.exists().where(other.thread_id == t.thread_id, other.prompt_hash == a.prompt_hash)
    same_prompt = newest.where(a.prompt_hash == t.prompt_hash).correlate(turn).scalar_subquery()
    first_turn = newest.where(t.started == first.scalar_subquery(), ~of_another).correlate(turn).scalar_subquery()
    return same_prompt, first_turn


def guess_outcomes(connection: Connection) -> None:
    """Guess the outcome of turns that nobody judged, from the turn behind each in its thread and from repetitions.

    ``no``: the next turn complains, or the same prompt was given again in the same folder. ``yes``: files were
    changed, the turn ended by itself, and the next one asks for something else without a complaint. Guesses are made
    anew each time; what a check or the user said is never touched.
    """
    guessed = tasks.c.outcome_source == "heuristic"
    connection.execute(sa.update(tasks).where(guessed).values(outcome="unknown", outcome_source=None))
    _set(connection, "no", _followed(complaint=True))
    _set(connection, "no", _repeated())
    _set(connection, "yes", _followed(complaint=False))


def _set(connection: Connection, outcome: str, keys: sa.Select[tuple[str, str]]) -> None:
    named = sa.tuple_(tasks.c.thread_id, tasks.c.turn_id).in_(keys)
    values = {"outcome": outcome, "outcome_source": "heuristic"}
    connection.execute(sa.update(tasks).where(named, tasks.c.outcome == "unknown").values(**values))


def _followed(*, complaint: bool) -> sa.Select[tuple[str, str]]:
    """Select the turns whose next turn complains, or those that were finished and whose next one does not."""
    t = tasks.c

    def behind(column: sa.Column[str] | sa.Column[int]) -> sa.ColumnElement[object]:
        return sa.func.lead(column).over(partition_by=t.thread_id, order_by=(t.started, t.turn_id))

    inner = sa.select(
        t.thread_id,
        t.turn_id,
        t.ended,
        t.changes,
        t.prompt_hash,
        behind(t.complaint).label("complained"),
        behind(t.prompt_hash).label("next_prompt"),
    ).subquery()
    i = inner.c
    query = sa.select(i.thread_id, i.turn_id).where(i.complained == int(complaint))
    if complaint:
        return query
    return query.where(i.ended == "completed", i.changes > 0, i.next_prompt != i.prompt_hash)


def _repeated() -> sa.Select[tuple[str, str]]:
    """Select the turns whose prompt was given again later, in the same folder; forks may try it side by side."""
    again, here, there = tasks.alias("again"), threads.alias("here"), threads.alias("there")
    t = tasks.c
    source = (
        tasks.join(here, here.c.thread_id == t.thread_id)
        .join(again, (again.c.prompt_hash == t.prompt_hash) & (again.c.started > t.started))
        .join(there, (there.c.thread_id == again.c.thread_id) & (there.c.cwd == here.c.cwd))
    )
    person = (here.c.subagent == 0) & (there.c.subagent == 0) & (here.c.forked_from.is_(None))
    return sa.select(t.thread_id, t.turn_id).select_from(source).where(person)
