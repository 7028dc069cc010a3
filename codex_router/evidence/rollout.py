"""What a session file says, line by line: threads, user turns, responses, and what broke the cache.

All formats from 0.36 on: see `codex_router.tokens` for which lines are responses, and `lineage` for history that was
copied from another thread. The state between two reads is kept, so that a file that has grown is read from where it
ended.
"""

from __future__ import annotations

from codex_router.evidence.rollout_place import Place
from codex_router.evidence.rollout_responses import Responses
from codex_router.evidence.rollout_state import State
from codex_router.evidence.rollout_turns import Turns
from codex_router.evidence.session_records import Thread
from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from codex_router.evidence.lineage import Ancestors


class Rollout:
    """Reads the lines of one session file.

    Args:
        thread_id: whose file it is; its name tells, even when its first line is damaged.
        ancestors: finds what other threads' files hold, for copied history.
        kind_of: names the category of a prompt.
        state: what `state` was after the file had been read last; None from its beginning.
    """

    def __init__(
        self, thread_id: str, ancestors: Ancestors, kind_of: Callable[[str], str], state: State | None = None
    ) -> None:
        self.state = state or State()
        self.skipped: dict[str, int] = {}
        self._place = Place(thread_id, ancestors, self.state)
        self._responses = Responses(self._place)
        turns = Turns(self._place, self._responses, kind_of)
        self.handlers = {**turns.handlers(), **self._responses.handlers()}

    def skip(self, reason: str) -> None:
        """Count a line that was not understood."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def said(self) -> tuple[Any, ...]:
        """Return the fields of a `Session`, in plain types; `state` says then where to go on."""
        place, rows = self._place, self._responses.rows
        self._responses.look_behind()
        place.note()
        thread = place.thread or Thread(
            place.thread_id, None, None, None, "unknown", 0, "", None, None, None, "", "", rows[0][3] if rows else ""
        )
        self.state.last = rows[-1] if rows else None
        tasks = [task.fields() for task in place.tasks if task.responses or task.prompt_hash]
        return tuple(thread), tasks, rows, self.skipped, place.inherited
