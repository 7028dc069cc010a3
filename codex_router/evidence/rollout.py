"""What a session file says, line by line: threads, user turns, responses, and what broke the cache.

All formats from 0.36 on: see `codex_router.tokens` for which lines are responses, and `lineage` for history that was
copied from another thread. The state between two reads is kept, so that a file that has grown is read from where it
ended.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from codex_router.evidence.complaints import complains
from codex_router.evidence.lineage import Lineage
from codex_router.evidence.session_records import Response, Session, Task, Thread
from codex_router.tokens import NOTHING, Meter, counts_from, size

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_router.evidence.lineage import Ancestors
    from codex_router.evidence.rollout_lines import Line
    from codex_router.tokens import Counts

IDLE_SECONDS = 300.0
"""OpenAI keeps a prompt cache for 5 to 10 minutes without use."""
LEAST_CACHED = 2048
"""Shorter prompts may miss the cache for other reasons (it begins at 1024 tokens)."""
CALLS = (b"function_call", b"custom_tool_call", b"local_shell_call", b"tool_search_call", b"web_search_call")
OUTPUTS = (b"function_call_output", b"custom_tool_call_output", b"local_shell_call_output", b"tool_search_output")
BUDGET_ERROR = "session_budget_exceeded"

_USAGE = (
    rb'\{"input_tokens":(\d{1,12}),"cached_input_tokens":(\d{1,12}),(?:"cache_write_input_tokens":(\d{1,12}),)?'
    rb'"output_tokens":(\d{1,12}),"reasoning_output_tokens":(\d{1,12}),"total_tokens":\d{1,12}\}'
)
RECORD = re.compile(
    rb'"thread_id":"([^"\\]*)","turn_id":"([^"\\]*)","session_id":"[^"\\]*","root_turn_id":"[^"\\]*",'
    rb'"response_id":"([^"\\]*)","usage":' + _USAGE + rb',"turn_token_usage":\{[^{}]*\},"thread_token_usage":'
    rb'\{"input_tokens":(\d{1,12}),[^{}]*"output_tokens":(\d{1,12}),"reasoning_output_tokens"'
)
TOTAL = re.compile(rb',"info":(?:null|\{"total_token_usage":' + _USAGE + rb"[,}])")
LAST = re.compile(rb'"last_token_usage":' + _USAGE)
NO_LIMITS: list[Any] = [None, None, None]
LIMITS = b'"rate_limits":'


@dataclass(slots=True)
class _Open:
    """A task that may go on."""

    turn_id: str
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

    def task(self) -> Task:
        # Before 0.101 nothing marks the end: a turn that ended with an answer is complete.
        end = self.end or ("completed" if self.answered else "abort")
        seconds = max(0.0, seconds_between(self.started, self.ended) or 0.0)
        return Task(
            self.turn_id, self.root_turn_id, self.started, seconds, end, self.category, self.prompt_hash,
            self.prompt_chars, self.responses, self.tool_calls, self.tool_output_bytes, self.compactions,
            self.changes, self.complaint,
        )  # fmt: skip


@dataclass(slots=True)
class State:
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
    limits: list[Any] = field(default_factory=lambda: [None, None, None])
    copying: bool = False
    inherited_total: Counts | None = None


class Rollout:
    """Reads the lines of one session file into a `Session`.

    Args:
        thread_id: whose file it is; its name tells, even when its first line is damaged.
        ancestors: finds what other threads' files hold, for copied history.
        kind_of: names the category of a prompt.
        state: what `state` was after the file had been read last; None from its beginning.
    """

    def __init__(
        self, thread_id: str, ancestors: Ancestors, kind_of: Callable[[str], str], state: State | None = None
    ) -> None:
        self.thread_id = thread_id
        self.state = state or State()
        self.skipped: dict[str, int] = {}
        self.inherited = 0
        self._ancestors = ancestors
        self._kind_of = kind_of
        self._lineage: Lineage | None = None
        self._responses: list[list[Any]] = []
        self._copied_records = False
        self._tasks: list[_Open] = []
        self._meter = Meter()
        self._meter.total = tuple(self.state.total) if self.state.total else None  # type: ignore[assignment]
        self._meter.total_tokens = self.state.total_tokens
        self._meter.generation, self._meter.recorded = self.state.generation, self.state.recorded
        self._open: _Open | None = None
        if self.state.task is not None:
            self._open = _Open(**self.state.task)
            self._tasks.append(self._open)
        if self.state.last is not None:
            self._responses.append(self.state.last)
        self._thread = Thread(*self.state.thread) if self.state.thread else None
        self._context_bytes = self._limit_bytes = b""
        if self.state.copying and self._thread:
            self._lineage = Lineage(self._thread, ancestors)
        self.handlers: dict[bytes, Callable[[Line], None]] = {
            b"session_meta": self._session_meta,
            b"turn_context": self._turn_context,
            b"task_started": self._task_started,
            b"task_complete": self._task_complete,
            b"turn_aborted": self._turn_aborted,
            b"user_message": self._user_message,
            b"item_completed": self._item_completed,
            b"agent_message": self._agent_message,
            b"token_usage_record": self._record,
            b"token_count": self._count,
            b"compacted": self._compacted,
            b"patch_apply_end": self._changed,
            **dict.fromkeys(CALLS, self._call),
            **dict.fromkeys(OUTPUTS, self._output),
        }

    def skip(self, reason: str) -> None:
        """Count a line that was not understood."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def session(self) -> Session:
        """Return what was read."""
        state, meter = self.state, self._meter
        state.total, state.total_tokens = meter.total, meter.total_tokens
        state.generation, state.recorded = meter.generation, meter.recorded
        state.task = fields_of(self._open) if self._open else None
        state.last = self._responses[-1] if self._responses else None
        thread = self._thread or Thread(
            self.thread_id, None, None, None, "unknown", 0, "", None, None, None, "", "", self._first_time()
        )
        state.thread = list(thread)
        tasks = [task.task() for task in self._tasks if task.responses or task.prompt_hash]
        responses = [Response._make(response) for response in self._responses]
        return Session(thread, tasks, responses, self.skipped, self.inherited)

    def _first_time(self) -> str:
        return self._responses[0][3] if self._responses else ""

    # Where we are: thread, turn, model.

    def _session_meta(self, line: Line) -> None:
        payload = line.payload()
        if payload.get("id") != self.thread_id:
            if self._thread is None:
                raise ValueError("another thread's")
            if self._lineage is None and not self._responses:
                self._begin_copy(text(payload.get("id")))
            return
        if self._thread is not None:
            return
        self._thread = thread_from(payload, line.time)
        # A review is told what to look at; it never gets a copy of what was said before.
        parent = self._thread.forked_from or self._thread.parent_id
        if parent and self._thread.source != "review":
            self._begin_copy(parent)

    def _begin_copy(self, parent: str | None) -> None:
        if self._thread is not None:
            if self._thread.forked_from is None and self._thread.parent_id is None and parent:
                self._thread = self._thread._replace(forked_from=parent)
            self._lineage = Lineage(self._thread, self._ancestors)
            self.state.copying = True

    def _is_copy(self, line: Line, element: tuple[Any, ...]) -> bool:
        """Tell whether a line was copied from the parent thread; the first one that was not ends the copy."""
        if self._lineage is None:
            return False
        if self._lineage.holds(element, line.time):
            return True
        self._lineage, self.state.copying = None, False
        return False

    def _task_started(self, line: Line) -> None:
        payload = line.payload()
        self._turn(line, text(payload.get("turn_id")), text(payload.get("root_turn_id")))

    def _turn(self, line: Line, turn_id: str | None, root: str | None) -> None:
        if not turn_id or self._is_copy(line, ("turn", turn_id)):
            return
        self.state.turns_named = True
        if self._open is None or self._open.turn_id != turn_id:
            self._begin(line, turn_id)
        if self._open is not None and root:
            self._open.root_turn_id = root

    def _begin(self, line: Line, turn_id: str) -> None:
        self._meter.turn()
        self.state.turn_count += 1
        self._open = _Open(turn_id, started=line.time, ended=line.time)
        self._tasks.append(self._open)

    def _task(self, line: Line) -> _Open:
        if self._open is None:
            self._begin(line, str(self.state.turn_count))
        task = self._open
        if task is None:
            raise ValueError("no task")
        task.ended = line.time or task.ended
        return task

    def _turn_context(self, line: Line) -> None:
        said = line.data[line.head : line.end]
        if said == self._context_bytes:
            return
        payload = line.payload()
        self._context_bytes = said
        self._turn(line, text(payload.get("turn_id")), text(payload.get("root_turn_id")))
        if self._lineage is None:
            self.state.model, self.state.effort = text(payload.get("model")) or "", text(payload.get("effort"))
            self.state.instructions = instructions_of(payload)

    def _user_message(self, line: Line) -> None:
        self._prompt(line, line.payload().get("message"))

    def _item_completed(self, line: Line) -> None:
        kind = line.data[line.head : min(line.end, line.head + 240)]
        if b'"UserMessage"' in kind:
            parts = line.payload()["item"]["content"]
            self._prompt(line, "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str)))
        elif b'"FileChange"' in kind:
            self._changed(line)
        elif b'"AgentMessage"' in kind:
            self._agent_message(line)

    def _prompt(self, line: Line, prompt: Any) -> None:
        if not isinstance(prompt, str):
            raise TypeError
        digest = hashlib.sha256(prompt.encode("utf-8", errors="surrogateescape")).hexdigest()
        if self._is_copy(line, ("prompt", digest)):
            return
        if not self.state.turns_named:
            self._begin(line, str(self.state.turn_count))
        task = self._task(line)
        if task.prompt_hash is None:
            task.prompt_hash, task.prompt_chars = digest, len(prompt)
            task.category = self._kind_of(prompt)
            task.complaint = int(complains(prompt))

    # What the model did.

    def _agent_message(self, line: Line) -> None:
        if self._lineage is None and self._open is not None:
            self._open.answered = True
            self._open.ended = line.time or self._open.ended

    def _call(self, line: Line) -> None:
        if self._lineage is None:
            task = self._open or self._task(line)
            task.tool_calls += 1
            task.answered = False
            if line.data.find(b"apply_patch", line.start, line.end) >= 0:
                task.changes += 1
                task.since_change = 0

    def _output(self, line: Line) -> None:
        if self._lineage is None:
            size_ = line.end - line.start
            (self._open or self._task(line)).tool_output_bytes += size_
            self.state.tool_bytes += size_

    def _changed(self, line: Line) -> None:
        if self._lineage is None:
            task = self._task(line)
            task.changes = max(task.changes, 1)
            task.since_change = 0

    def _compacted(self, line: Line) -> None:
        if self._lineage is not None:
            return
        self._task(line).compactions += 1
        self.state.context_tokens = None
        if self._responses:
            self._responses[-1][15] = 1

    def _task_complete(self, line: Line) -> None:
        if self._open is None or self._lineage is not None:
            return
        error = line.payload().get("error")
        out_of_budget = bool(error) and BUDGET_ERROR in json.dumps(error)
        self._open.end = "budget" if out_of_budget else "error" if error else "completed"
        self._open.ended = line.time or self._open.ended

    def _turn_aborted(self, line: Line) -> None:
        if self._open is not None and self._lineage is None:
            self._open.end = "abort"
            self._open.ended = line.time or self._open.ended

    # What it cost.

    def _record(self, line: Line) -> None:
        found = RECORD.match(line.data, line.match.end(), line.end)
        if found is None:
            payload = line.payload()
            thread, turn, response = (text(payload.get(name)) or "" for name in ("thread_id", "turn_id", "response_id"))
            usage, total = counts_from(payload.get("usage")), size(counts_from(payload.get("thread_token_usage")))
        else:
            first, cached, written, output, reasoning, all_input, all_output = map(
                int, found.group(4, 5, 6, 7, 8, 9, 10)
            )
            usage, total = (first, cached, written, output, reasoning), all_input + all_output
            thread, turn, response = found[1].decode(), found[2].decode(), ""
        if self._thread is not None and thread and thread != self._thread.thread_id:
            self.inherited += 1
            self._copied_records = True
            return
        if self._lineage is not None and self._is_copy(
            line, ("response", response or (found[3].decode() if found else ""))
        ):
            self.inherited += 1
            return
        if turn and (self._open is None or self._open.turn_id != turn):
            self._turn(line, turn, None)
        counts = self._meter.record(usage, total)
        if counts is not None:
            self._response(line, counts)

    def _count(self, line: Line) -> None:
        if self._meter.recorded and self._lineage is None:  # the record said it all, but for the plan's windows
            self._limits(line)
            return
        total = self._total(line)
        repeats = self._lineage is None and size(total) == self._meter.total_tokens
        if total != NOTHING and not repeats:
            last = self._last(line)
            counts = None if self._inherits(line, total, last) else self._meter.count(total, last)
            if counts is not None:
                self._response(line, counts)
        if self._lineage is None:
            self._limits(line)

    @staticmethod
    def _total(line: Line) -> Counts:
        found = TOTAL.match(line.data, line.head, line.end)
        if found:
            return counts_of(found, 1) if found[1] else NOTHING
        info = line.payload().get("info")
        return counts_from(info.get("total_token_usage")) if isinstance(info, dict) else NOTHING

    @staticmethod
    def _last(line: Line) -> Counts:
        found = LAST.search(line.data, line.head, line.end)
        return counts_of(found, 1) if found else counts_from(line.payload()["info"].get("last_token_usage"))

    def _inherits(self, line: Line, total: Counts, last: Counts) -> bool:
        """Tell whether a total is the parent's; it is what this thread's own go on from."""
        if self._lineage is not None and self._is_copy(line, ("count", *total, *last)):
            self.inherited += not self._copied_records and self.state.inherited_total != total
            self.state.inherited_total = total
            return True
        if self.state.inherited_total == total and self._meter.total_tokens is None:
            self._meter.inherit(total)
            return True
        return False

    def _response(self, line: Line, counts: Counts) -> None:
        state, task, meter = self.state, self._open or self._task(line), self._meter
        time = line.match[1].decode("ascii", errors="replace")
        task.responses += 1
        task.ended = time or task.ended
        cached, context = counts[1], state.context_tokens
        if context is None:
            resent, lost, reason = cached, 0, None
        else:
            resent = max(cached, min(counts[0], context))
            lost, reason = self._cache_break(counts, time) if cached * 2 < resent else (0, None)
        self._responses.append(
            [
                meter.generation, meter.total_tokens, task.turn_id, time, state.model, state.effort, *counts,
                resent, state.tool_bytes, lost, reason, 0, task.since_change, *state.limits,
            ]
        )  # fmt: skip
        state.tool_bytes = 0
        state.last_instructions = state.instructions
        state.context_tokens = counts[0] + counts[3] - counts[4]
        if cached:
            state.cache_seen = True
        if task.changes:
            task.since_change += 1

    def _cache_break(self, counts: Counts, time: str) -> tuple[int, str | None]:
        """Return how many re-sent tokens the cache should have held and did not, and why."""
        state = self.state
        if not state.cache_seen or not self._responses:
            return 0, None
        before = self._responses[-1]
        lost = min(before[6], counts[0]) - counts[1]
        if before[6] < LEAST_CACHED or lost * 2 < before[6]:
            return 0, None
        if before[4] != state.model:
            return lost, "model"
        if before[5] != state.effort:
            return lost, "effort"
        if state.instructions != state.last_instructions:
            return lost, "instructions"
        gap = seconds_between(before[3], time)
        return lost, "idle" if gap is not None and gap > IDLE_SECONDS else "unknown"

    def _limits(self, line: Line) -> None:
        """Take what a ChatGPT plan's windows say after the newest response."""
        at = line.data.find(LIMITS, line.start, line.end)
        if at < 0:
            return
        said = line.data[at : line.end]
        if said != self._limit_bytes:
            self.state.limits = limits_of(line.payload().get("rate_limits"))
            self._limit_bytes = said
        if self._responses and self.state.limits != NO_LIMITS:
            self._responses[-1][17:20] = self.state.limits


def fields_of(record: _Open | State) -> dict[str, Any]:
    """Return the fields of a record as they are; `dataclasses.asdict` copies deeply, and takes longer than reading."""
    return {name: getattr(record, name) for name in record.__slots__}


def text(value: Any) -> str | None:
    """Return a text that a database can hold, None for anything else."""
    return value.replace("\0", "").encode("utf-8", errors="replace").decode() if isinstance(value, str) else None


def counts_of(found: re.Match[bytes], first: int) -> Counts:
    """Return the five counts that begin with group `first`."""
    a, b, c, d, e = found.group(first, first + 1, first + 2, first + 3, first + 4)
    return int(a), int(b), int(c or 0), int(d), int(e)


def seconds_between(before: str, after: str) -> float | None:
    """Return the seconds from one of Codex's timestamps to another, None when one is no time."""
    try:
        return (dt.datetime.fromisoformat(after) - dt.datetime.fromisoformat(before)).total_seconds()
    except (ValueError, TypeError):
        return None


def instructions_of(payload: dict[str, Any]) -> int:
    """Return a fingerprint of the instructions in a turn's context."""
    mode = payload.get("collaboration_mode")
    settings = mode.get("settings") if isinstance(mode, dict) else None
    own = settings.get("developer_instructions") if isinstance(settings, dict) else None
    said = [payload.get("user_instructions"), payload.get("developer_instructions"), payload.get("personality"), own]
    return int.from_bytes(hashlib.sha256(json.dumps(said).encode()).digest()[:6], "big")


def limits_of(limits: Any) -> list[Any]:
    """Return plan, share of the 5-hour window used, share of the weekly window used (percent)."""
    if not isinstance(limits, dict):
        return [None, None, None]
    shares: list[float | None] = [None, None]
    for index, name in enumerate(("primary", "secondary")):
        window = limits.get(name)
        if isinstance(window, dict):
            used, minutes = window.get("used_percent"), window.get("window_minutes")
            if isinstance(minutes, int | float):
                index = 0 if minutes <= 24 * 60 else 1
            if isinstance(used, int | float) and 0 <= used <= 1000:
                shares[index] = float(used)
    plan = text(limits.get("plan_type"))
    return [plan or ("unknown" if shares != [None, None] else None), *shares]


def thread_from(payload: dict[str, Any], time: str) -> Thread:
    """Return a thread from a ``session_meta``; a source it was spawned by names its parent."""
    source, parent = payload.get("source"), text(payload.get("parent_thread_id"))
    name, subagent = text(source) or "unknown", 0
    if isinstance(source, dict):
        kind = source.get("subagent")
        subagent = 1
        name = "review" if kind == "review" else "subagent"
        spawn = kind.get("thread_spawn") if isinstance(kind, dict) else None
        if isinstance(spawn, dict):
            parent = parent or text(spawn.get("parent_thread_id"))
    said = payload.get("git")
    git = said if isinstance(said, dict) else {}
    return Thread(
        thread_id=text(payload["id"]) or "",
        session_id=text(payload.get("session_id")),
        parent_id=parent,
        forked_from=text(payload.get("forked_from_id")),
        source=name,
        subagent=subagent,
        cwd=text(payload.get("cwd")) or "",
        git_branch=text(git.get("branch")),
        git_commit=text(git.get("commit_hash")),
        git_url=text(git.get("repository_url")),
        codex_version=text(payload.get("cli_version")) or "",
        provider=text(payload.get("model_provider")) or "openai",
        started=text(payload.get("timestamp")) or time,
    )
