"""History that was copied from one session file into another.

A fork of an older Codex, and a sub-agent that was given the conversation, begin with lines of their parent: with the
parent's timestamps or with new ones, whole or in part. Their responses are the parent's. A line is a copy when the
parent's file holds the same turn, prompt, response or pair of totals; the first line that it does not hold is the
thread's own. Without the parent's file, what is older than the thread itself is a copy, and so are totals that were
all written in the moment in which the thread began.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from codex_router.evidence.rollout_fields import hash_of
from codex_router.evidence.rollout_lines import Line, Lines
from codex_router.named import TYPE_CHECKING
from codex_router.tokens import counts_from

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from codex_router.evidence.session_records import Thread

BURST_SECONDS = 1.0
"""A copy is written at once; a model's first answer takes longer."""
REMEMBERED = 16
"""Parents whose contents are kept at a time."""


class Ancestors:
    """What the session files of other threads hold.

    Args:
        paths: session file by thread id.
    """

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._paths = paths
        self.elements = lru_cache(REMEMBERED)(self._elements)

    def _elements(self, thread_id: str) -> frozenset[int] | None:
        """Return the hashes of what a thread's file holds, None when there is no such file."""
        from codex_router.evidence.session_files import opened

        path = self._paths.get(thread_id)
        if path is None:
            return None
        spine = _Spine()
        try:
            with opened(path) as stream:
                Lines(spine.handlers, lambda _reason: None).read(stream)
        except OSError:
            return None
        return frozenset(spine.found)


class _Spine:
    """Collects the elements of a parent's file that identify copied lines."""

    def __init__(self) -> None:
        self.found: set[int] = set()
        self.handlers = {
            b"task_started": self._turn,
            b"turn_context": self._turn,
            b"user_message": self._message,
            b"item_completed": self._item,
            b"token_count": self._count,
            b"token_usage_record": self._record,
        }

    def _turn(self, line: Line) -> None:
        self.found.add(hash(("turn", line.payload().get("turn_id"))))

    def _message(self, line: Line) -> None:
        self._prompt(line.payload()["message"])

    def _item(self, line: Line) -> None:
        if b'"UserMessage"' in line.data[line.head : line.head + 240]:
            parts = line.payload()["item"]["content"]
            self._prompt("\n".join(part["text"] for part in parts if isinstance(part.get("text"), str)))

    def _prompt(self, prompt: str) -> None:
        self.found.add(hash(("prompt", hash_of(prompt))))

    def _count(self, line: Line) -> None:
        info = line.payload()["info"]
        if info is not None:
            totals = counts_from(info.get("total_token_usage")), counts_from(info.get("last_token_usage"))
            self.found.add(hash(("count", *totals[0], *totals[1])))

    def _record(self, line: Line) -> None:
        self.found.add(hash(("response", line.payload().get("response_id"))))


class Lineage:
    """Tells a thread's own lines from those copied from its parent.

    Args:
        thread: whose file is read.
        ancestors: to look its parent up.
    """

    def __init__(self, thread: Thread, ancestors: Ancestors) -> None:
        parent = thread.forked_from or thread.parent_id
        self._known = ancestors.elements(parent) if parent else None
        self._began = _moment(thread.started)

    def holds(self, element: tuple[Any, ...], time: str) -> bool:
        """Tell whether the parent had this: ``(kind, ...)`` as in `_Spine`."""
        if self._known is not None and hash(element) in self._known:
            return True
        age = self._age(element, time)
        if age is None:
            return False
        if age < -BURST_SECONDS:
            return True
        return self._known is None and element[0] in {"count", "prompt"} and age < BURST_SECONDS

    def _age(self, element: tuple[Any, ...], time: str) -> float | None:
        """Return how long after the thread's beginning a line was written; a turn's id tells when it began."""
        when = _moment(time)
        if element[0] == "turn":
            when = moment_of_id(element[1]) or when
        return None if when is None or self._began is None else when - self._began


def moment_of_id(identity: str) -> float | None:
    """Return the seconds since the epoch that a UUID of version 7 begins with, None for another id."""
    digits = identity.replace("-", "")
    if len(digits) != 32 or digits[12] != "7":
        return None
    try:
        return int(digits[:12], 16) / 1000
    except ValueError:
        return None


def _moment(time: str) -> float | None:
    try:
        return dt.datetime.fromisoformat(time).timestamp()
    except (ValueError, TypeError):
        return None
