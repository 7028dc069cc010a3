"""``usage --watch``: the newest session as it grows."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from codex_router.commands.sessions import classifier
from codex_router.evidence.lineage import Ancestors
from codex_router.evidence.pricing import read_pricing
from codex_router.evidence.session_files import find_sessions
from codex_router.evidence.sessions import read_session
from codex_router.show.console import err, out
from codex_router.show.table import counted, money
from codex_router.show.usage import named, tokens_words

if TYPE_CHECKING:
    from pathlib import Path

    from codex_router.evidence.pricing import Pricing
    from codex_router.evidence.session_records import Response
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
    watch = Watch(home, read_pricing())
    err().print("following the newest session; Ctrl-C ends this", style="dim")
    last: Moment | None = None
    while True:
        moment = watch.moment()
        if moment is not None and moment != last:
            last = moment
            out().print(words(moment), soft_wrap=True)
        time.sleep(EVERY_SECONDS)


class Watch:
    """Follows the newest session of a Codex home; what was read of it is not read again.

    Args:
        home: the Codex home.
        pricing: knows what responses cost.
    """

    def __init__(self, home: Path, pricing: Pricing) -> None:
        self._home = home
        self._pricing = pricing
        self._kind_of = classifier()
        self._read: SessionRead | None = None
        self._responses: dict[tuple[int, int], Response] = {}
        """Of the session's newest task."""

    def moment(self) -> Moment | None:
        """Return where the newest session's newest task is; None when there is none."""
        files, _ = find_sessions(self._home)
        if not files:
            return None
        newest = max(files, key=lambda file: file.mtime_ns)
        before = self._read.position if self._read else None
        if before is None or before.path != newest.path:
            before, self._responses = None, {}
        if before is None or before[1:3] != (newest.size, newest.mtime_ns):
            ancestors = Ancestors({file.thread_id: file.path for file in files})
            self._read = read_session(newest, ancestors, self._kind_of, before)
        return self._moment(newest.thread_id)

    def _moment(self, thread_id: str) -> Moment | None:
        session = self._read.session if self._read else None
        if session is None or not session.tasks:
            return None
        task = session.tasks[-1]
        for one in session.responses:
            self._responses[one.generation, one.total_tokens] = one
        own = {key: one for key, one in self._responses.items() if one.turn_id == task.turn_id}
        self._responses = own
        costs = [self._pricing.cost(one, session.thread.provider) for one in own.values()]
        known = [cost.cost_usd for cost in costs if cost is not None]
        return Moment(
            thread_id,
            task.category,
            [one.model for one in own.values()][-1] if own else "",
            len(own),
            sum(one.input_tokens for one in own.values()),
            sum(one.output_tokens for one in own.values()),
            sum(known) if len(known) == len(costs) else None,
            task.end != "abort" or self._told_to_end(),
        )

    def _told_to_end(self) -> bool:
        """Tell whether the session says that its task was aborted; a task in progress has only not ended yet."""
        task = json.loads(self._read.position.state).get("task") if self._read else None
        return bool(task and task.get("end"))


def words(moment: Moment) -> str:
    """Return a moment as one line."""
    cost = "cost unknown" if moment.cost_usd is None else money(moment.cost_usd)
    state = "ended" if moment.ended else "running"
    turns = counted(moment.turns, "turns")
    return (
        f"{moment.thread_id[:13]} · {moment.category} · {named('model', moment.model)} · {turns} · "
        f"{tokens_words(moment.input_tokens)} in, {tokens_words(moment.output_tokens)} out · {cost} · {state}"
    )
