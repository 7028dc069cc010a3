"""``usage --watch``: the newest session as it grows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from codex_router.commands.sessions import classifier
from codex_router.evidence.lineage import Ancestors
from codex_router.evidence.pricing import Pricing, read_pricing
from codex_router.evidence.session_files import SessionPath, find_sessions
from codex_router.evidence.sessions import read_session
from codex_router.show.console import err, out
from codex_router.show.table import money
from codex_router.show.usage import named, tokens_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from codex_router.evidence.sessions import SessionRead

EVERY_SECONDS = 1.0


class Moment(NamedTuple):
    """Where a running task is."""

    thread_id: str
    category: str
    model: str
    turns: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """None when a price is unknown."""
    ended: bool


def watch_home(home: Path) -> NoReturn:
    """Print a line each time the newest session has grown, until Ctrl-C."""
    pricing = read_pricing()
    err().print("following the newest session; Ctrl-C ends this", style="dim")
    last: Moment | None = None
    while True:
        for moment in moments(home, pricing):
            if moment != last:
                last = moment
                out().print(words(moment), soft_wrap=True)
        time.sleep(EVERY_SECONDS)


def moments(home: Path, pricing: Pricing) -> Iterator[Moment]:
    """Yield the state of the newest session's newest task, if there is any."""
    files, _ = find_sessions(home)
    if not files:
        return
    newest = max(files, key=lambda file: file.mtime_ns)
    read = read_session(newest, Ancestors({file.thread_id: file.path for file in files}), classifier())
    moment = _moment(newest, read, pricing)
    if moment:
        yield moment


def _moment(file: SessionPath, read: SessionRead, pricing: Pricing) -> Moment | None:
    session = read.session
    if session is None or not session.tasks:
        return None
    task = session.tasks[-1]
    own = [one for one in session.responses if one.turn_id == task.turn_id]
    costs = [pricing.cost(one, session.thread.provider) for one in own]
    known = [cost.cost_usd for cost in costs if cost is not None]
    return Moment(
        file.thread_id,
        task.category,
        own[-1].model if own else "",
        len(own),
        sum(one.input_tokens for one in own),
        sum(one.output_tokens for one in own),
        sum(known) if len(known) == len(costs) else None,
        task.end != "abort",
    )


def words(moment: Moment) -> str:
    """Return a moment as one line."""
    cost = "cost unknown" if moment.cost_usd is None else money(moment.cost_usd)
    state = "ended" if moment.ended else "running"
    return (
        f"{moment.thread_id[:13]} · {moment.category} · {named('model', moment.model)} · {moment.turns} turns · "
        f"{tokens_words(moment.input_tokens)} in, {tokens_words(moment.output_tokens)} out · {cost} · {state}"
    )
