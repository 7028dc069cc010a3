"""Where the reader of a session file is: whose thread, which task, and whether the lines are this thread's own."""

from __future__ import annotations

from codex_router.evidence.lineage import Lineage
from codex_router.evidence.rollout_state import OpenTask, State, fields_of
from codex_router.evidence.session_records import Thread
from codex_router.named import TYPE_CHECKING
from codex_router.tokens import Meter

if TYPE_CHECKING:
    from typing import Any

    from codex_router.evidence.lineage import Ancestors
    from codex_router.evidence.rollout_lines import Line
    from codex_router.tokens import Counts


class Place:
    """Shared by those who take lines.

    Args:
        thread_id: whose file it is; its name tells, even when its first line is damaged.
        ancestors: finds what other threads' files hold, for copied history.
        state: what it was after the file had been read last.
    """

    def __init__(self, thread_id: str, ancestors: Ancestors, state: State) -> None:
        self.thread_id = thread_id
        self.state = state
        self.thread = Thread(*state.thread) if state.thread else None
        self.meter = Meter()
        self.meter.total = tuple(state.total) if state.total else None  # type: ignore[assignment]
        if state.inherited_total:  # JSON made a list of it
            state.inherited_total = tuple(state.inherited_total)  # type: ignore[assignment]
        self.meter.total_tokens = state.total_tokens
        self.meter.generation, self.meter.recorded = state.generation, state.recorded
        self.open = OpenTask(**state.task) if state.task is not None else None
        self.tasks = [self.open] if self.open else []
        self.inherited = 0
        """Responses of another thread."""
        self._ancestors = ancestors
        self.lineage = Lineage(self.thread, ancestors) if state.copying and self.thread else None
        """While lines are copies of the parent's; None from the first own line on."""

    def note(self) -> None:
        """Put everything that a later reading must know into `state`."""
        state, meter = self.state, self.meter
        state.thread = list(self.thread) if self.thread else None
        state.total, state.total_tokens = meter.total, meter.total_tokens
        state.generation, state.recorded = meter.generation, meter.recorded
        state.task = fields_of(self.open) if self.open else None

    def begin_copy(self, parent: str | None) -> None:
        """Take the lines that follow for copies of another thread's, until one is not."""
        if self.thread is not None:
            if self.thread.forked_from is None and self.thread.parent_id is None and parent:
                self.thread = self.thread._replace(forked_from=parent)
            self.lineage = Lineage(self.thread, self._ancestors)
            self.state.copying = True

    def is_copy(self, line: Line, element: tuple[Any, ...]) -> bool:
        """Tell whether a line was copied from the parent thread; the first one that was not ends the copy."""
        if self.lineage is None:
            return False
        if self.lineage.holds(element, line.time):
            return True
        self.lineage, self.state.copying = None, False
        return False

    def was_forked_at(self, total: Counts, last: Counts) -> bool:
        """Tell whether a total is one of the thread that this one was forked from; it may stand before a first turn."""
        parent = self.thread.forked_from if self.thread else None
        known = self._ancestors.elements(parent) if parent else None
        return known is not None and hash(("count", *total, *last)) in known

    def turn(self, line: Line, turn_id: str | None, root: str | None) -> None:
        """Be in a turn, if the line is this thread's own."""
        if not turn_id or self.is_copy(line, ("turn", turn_id)):
            return
        self.state.turns_named = True
        if self.open is None or self.open.turn_id != turn_id:
            self.begin(line, turn_id)
        if self.open is not None and root:
            self.open.root_turn_id = root

    def begin(self, line: Line, turn_id: str | None = None) -> OpenTask:
        """Begin a task; a turn without an id is named by its number."""
        self.meter.turn()
        turn_id = str(self.state.turn_count) if turn_id is None else turn_id
        self.state.turn_count += 1
        time = line.time
        self.open = OpenTask(turn_id=turn_id, started=time, ended=time)
        self.tasks.append(self.open)
        return self.open

    def task(self, line: Line) -> OpenTask:
        """Return the task that goes on with this line."""
        if self.open is None:
            return self.begin(line)
        self.open.ended = line.time or self.open.ended
        return self.open
