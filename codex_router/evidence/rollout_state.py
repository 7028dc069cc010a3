"""What must be known to go on reading a session file: kept between two readings, and the task that may go on."""

from __future__ import annotations

from codex_router.evidence.rollout_fields import seconds_between
from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, ClassVar

    from codex_router.tokens import Counts


class _Kept:
    """Fields with their defaults; what is kept of them is given to make the same again.

    Dataclasses would do; their import takes as long as the reading of ten megabytes. The fields are slots: Python
    finds what an object has of its class only after a search, each time.
    """

    __slots__ = ()
    FIELDS: ClassVar[dict[str, Any]] = {}
    """Defaults by name."""

    def __init__(self, **known: Any) -> None:
        for name, default in self.FIELDS.items():
            setattr(self, name, known.get(name, default))


class OpenTask(_Kept):
    """A task that may go on."""

    turn_id: str
    root_turn_id: str | None
    started: str
    ended: str
    end: str | None
    category: str
    prompt_hash: str | None
    prompt_chars: int | None
    responses: int
    tool_calls: int
    tool_output_bytes: int
    compactions: int
    changes: int
    complaint: int
    since_change: int
    answered: bool
    FIELDS: ClassVar[dict[str, Any]] = {
        "turn_id": "",
        "root_turn_id": None,
        "started": "",
        "ended": "",
        "end": None,
        "category": "none",
        "prompt_hash": None,
        "prompt_chars": None,
        "responses": 0,
        "tool_calls": 0,
        "tool_output_bytes": 0,
        "compactions": 0,
        "changes": 0,
        "complaint": 0,
        "since_change": 0,
        "answered": False,
    }
    __slots__ = tuple(FIELDS)

    def fields(self) -> tuple[Any, ...]:
        """Return the fields of a `session_records.Task`, as far as they are known."""
        # Before 0.101 nothing marks the end: a turn that ended with an answer is complete.
        end = self.end or ("completed" if self.answered else "abort")
        seconds = max(0.0, seconds_between(self.started, self.ended) or 0.0)
        return (
            self.turn_id, self.root_turn_id, self.started, seconds, end, self.category, self.prompt_hash,
            self.prompt_chars, self.responses, self.tool_calls, self.tool_output_bytes, self.compactions,
            self.changes, self.complaint,
        )  # fmt: skip


class State(_Kept):
    """What must be known to go on reading a file."""

    thread: list[Any] | None
    total: Counts | None
    total_tokens: int | None
    generation: int
    recorded: bool
    model: str
    effort: str | None
    instructions: int
    """Fingerprint of what the turn's context told the model."""
    turns_named: bool
    """This Codex gives turns ids."""
    turn_count: int
    task: dict[str, Any] | None
    last: list[Any] | None
    """The newest response; a later line may say more of it."""
    last_instructions: int
    cache_seen: bool
    context_tokens: int | None
    """Tokens that the next response gets again; None after a compaction."""
    tool_bytes: int
    limits: tuple[Any, ...] | list[Any]
    """Plan, and the shares used of its two windows; the plan is None when nothing is known."""
    copying: bool
    inherited_total: Counts | None
    FIELDS: ClassVar[dict[str, Any]] = {
        "thread": None,
        "total": None,
        "total_tokens": None,
        "generation": 0,
        "recorded": False,
        "model": "",
        "effort": None,
        "instructions": 0,
        "turns_named": False,
        "turn_count": 0,
        "task": None,
        "last": None,
        "last_instructions": 0,
        "cache_seen": False,
        "context_tokens": None,
        "tool_bytes": 0,
        "limits": (None, None, None),
        "copying": False,
        "inherited_total": None,
    }
    __slots__ = tuple(FIELDS)


def fields_of(record: OpenTask | State) -> dict[str, Any]:
    """Return the fields of a record by name."""
    return {name: getattr(record, name) for name in type(record).FIELDS}
