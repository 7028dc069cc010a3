"""What must be known to go on reading a session file: kept between two readings, and the task that may go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_router.evidence.rollout_fields import seconds_between

if TYPE_CHECKING:
    from codex_router.tokens import Counts


class _Kept:
    """Fields with their defaults; what is kept of them is given to make the same again.

    Dataclasses would do; their import takes as long as the reading of ten megabytes.
    """

    def __init__(self, **known: Any) -> None:
        for name, value in known.items():
            setattr(self, name, value)


class OpenTask(_Kept):
    """A task that may go on."""

    turn_id: str = ""
    root_turn_id: str | None = None
    started: str = ""
    ended: str = ""
    end: str | None = None
    category: str = "none"
    prompt_hash: str | None = None
    prompt_chars: int | None = None
    responses: int = 0
    tool_calls: int = 0
    tool_output_bytes: int = 0
    compactions: int = 0
    changes: int = 0
    complaint: int = 0
    since_change: int = 0
    answered: bool = False

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

    thread: list[Any] | None = None
    total: Counts | None = None
    total_tokens: int | None = None
    generation: int = 0
    recorded: bool = False
    model: str = ""
    effort: str | None = None
    instructions: int = 0
    """Fingerprint of what the turn's context told the model."""
    turns_named: bool = False
    """This Codex gives turns ids."""
    turn_count: int = 0
    task: dict[str, Any] | None = None
    last: list[Any] | None = None
    """The newest response; a later line may say more of it."""
    last_instructions: int = 0
    cache_seen: bool = False
    context_tokens: int | None = None
    """Tokens that the next response gets again; None after a compaction."""
    tool_bytes: int = 0
    limits: tuple[Any, ...] | list[Any] = (None, None, None)
    """Plan, and the shares used of its two windows; the plan is None when nothing is known."""
    copying: bool = False
    inherited_total: Counts | None = None


def fields_of(record: OpenTask | State) -> dict[str, Any]:
    """Return the fields of a record by name."""
    return {name: getattr(record, name) for name in type(record).__annotations__}
