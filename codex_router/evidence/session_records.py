"""What a session file holds, as records: a thread, its tasks (user turns), their model responses."""

from __future__ import annotations

from codex_router.named import NamedTuple


class Position(NamedTuple):
    """How far a file was read."""

    path: str
    size: int
    mtime_ns: int
    offset: int
    state: str
    """JSON of `rollout_state.State`."""


class Response(NamedTuple):
    """One model response. `generation` and `total_tokens` name it within its thread, in every copy of the file."""

    generation: int
    total_tokens: int
    """Running total of the thread behind this response."""
    turn_id: str
    time: str
    """UTC, as Codex wrote it."""
    model: str
    effort: str | None
    """None when Codex used the model's own default."""
    input_tokens: int
    cached_input_tokens: int
    cache_write_input_tokens: int
    output_tokens: int
    reasoning_output_tokens: int
    resent_tokens: int
    """Input that was sent, or written by the model, in this thread before."""
    tool_output_bytes: int
    """What tools printed since the response before."""
    cache_lost_tokens: int
    """Re-sent input that should have come from the cache and did not."""
    cache_break: str | None
    """Why: ``model``, ``effort``, ``instructions``, ``idle`` or ``unknown``."""
    compaction: int
    """1 when the response only summarised the context."""
    after_change: int
    """Responses since the last file change of the task; 0 while nothing was changed."""
    plan: str | None
    """ChatGPT plan that paid; None for metered use."""
    window_5h_percent: float | None
    window_week_percent: float | None
    """How much of the plan's two windows was used up by then."""


class Task(NamedTuple):
    """One user turn of a thread."""

    turn_id: str
    root_turn_id: str | None
    """The turn of the root thread that a sub-agent's turn belongs to; None when Codex did not say."""
    started: str
    seconds: float
    end: str
    """One of `records.End`."""
    category: str
    prompt_hash: str | None
    prompt_chars: int | None
    responses: int
    tool_calls: int
    tool_output_bytes: int
    compactions: int
    changes: int
    """File changes."""
    complaint: int
    """1 when its prompt says that the work before did not do; see `outcomes`."""


class Thread(NamedTuple):
    """Where the responses of a session file come from."""

    thread_id: str
    session_id: str | None
    """The root thread, when Codex says."""
    parent_id: str | None
    """The thread that started this sub-agent."""
    forked_from: str | None
    source: str
    """``exec``, ``cli``, ``vscode``, ``subagent``, ``review`` ..."""
    subagent: int
    cwd: str
    git_branch: str | None
    git_commit: str | None
    git_url: str | None
    codex_version: str
    provider: str
    started: str


class Session(NamedTuple):
    """What one session file added since it was read last."""

    thread: Thread
    tasks: list[Task]
    responses: list[Response]
    costs: list[tuple[float, ...] | None]
    """The fields of a `pricing.Cost` for each response; None where the price is unknown, or nobody asked."""
    skipped: dict[str, int]
    """Lines that were not understood, by reason."""
    inherited: int
    """Responses of another thread whose history was copied into this file."""
