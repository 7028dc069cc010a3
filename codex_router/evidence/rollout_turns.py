"""The lines that say where a session is and what the agent did: threads, turns, prompts, tools, ends."""

from __future__ import annotations

import json

from codex_router.evidence.complaints import complains
from codex_router.evidence.rollout_fields import hash_of, instructions_of, text, thread_from
from codex_router.evidence.rollout_lines import NEXT
from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from codex_router.evidence.rollout_lines import Line
    from codex_router.evidence.rollout_place import Place
    from codex_router.evidence.rollout_responses import Responses

CALLS = (b"function_call", b"custom_tool_call", b"local_shell_call", b"tool_search_call", b"web_search_call")
OUTPUTS = (b"function_call_output", b"custom_tool_call_output", b"local_shell_call_output", b"tool_search_output")
BUDGET_ERROR = "session_budget_exceeded"


class Turns:
    """Takes lines of these kinds.

    Args:
        place: where the reader is.
        responses: what the model gave so far.
        kind_of: names the category of a prompt.
    """

    def __init__(self, place: Place, responses: Responses, kind_of: Callable[[str], str]) -> None:
        self._place = place
        self._responses = responses
        self._kind_of = kind_of
        self._context = b""
        """The turn's context as it was said last: it is repeated before each response by some versions."""

    def handlers(self) -> dict[bytes, Callable[[Line], None]]:
        """Return who takes which kind of line."""
        return {
            b"session_meta": self._session_meta,
            b"turn_context": self._turn_context,
            b"thread_settings_applied": self._settings,
            b"task_started": self._task_started,
            b"task_complete": self._task_complete,
            b"turn_aborted": self._turn_aborted,
            b"user_message": self._user_message,
            b"item_completed": self._item_completed,
            b"agent_message": self._agent_message,
            b"compacted": self._compacted,
            b"patch_apply_end": self._changed,
            **dict.fromkeys(CALLS, self._call),
            **dict.fromkeys(OUTPUTS, self._output),
        }

    def _session_meta(self, line: Line) -> None:
        payload, place = line.payload(), self._place
        if payload.get("id") != place.thread_id:
            if place.thread is None:
                raise ValueError("another thread's")
            if place.lineage is None and not self._responses.rows:
                place.begin_copy(text(payload.get("id")))
            return
        if place.thread is not None:
            return
        place.thread = thread_from(payload, line.time)
        # A review is told what to look at; it never gets a copy of what was said before.
        parent = place.thread.forked_from or place.thread.parent_id
        if parent and place.thread.source != "review":
            place.begin_copy(parent)

    def _task_started(self, line: Line) -> None:
        payload = line.payload()
        self._place.turn(line, text(payload.get("turn_id")), text(payload.get("root_turn_id")))

    def _turn_context(self, line: Line) -> None:
        said = line.data[line.head :]
        if said == self._context:
            return
        payload, state = line.payload(), self._place.state
        self._context = said
        self._place.turn(line, text(payload.get("turn_id")), text(payload.get("root_turn_id")))
        # A copied one counts, too: a fork may compact what it was given before it has a context of its own.
        state.model, state.effort = text(payload.get("model")) or "", text(payload.get("effort"))
        if self._place.lineage is None:
            state.instructions = instructions_of(payload)

    def _settings(self, line: Line) -> None:
        """Take the model for what a fork compacts before its first turn's context, where no copied one says it."""
        settings, state = line.payload().get("thread_settings"), self._place.state
        if not state.model and isinstance(settings, dict):
            state.model, state.effort = text(settings.get("model")) or "", text(settings.get("reasoning_effort"))

    def _user_message(self, line: Line) -> None:
        self._prompt(line, line.payload().get("message"))

    def _item_completed(self, line: Line) -> None:
        kind = line.data[line.head : line.head + 240]
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
        digest = hash_of(prompt)
        if self._place.is_copy(line, ("prompt", digest)):
            return
        task = self._place.task(line) if self._place.state.turns_named else self._place.begin(line)
        if task.prompt_hash is None:
            task.prompt_hash, task.prompt_chars = digest, len(prompt)
            task.category = self._kind_of(prompt)
            task.complaint = int(complains(prompt))

    def _agent_message(self, line: Line) -> None:
        task = self._place.open
        if self._place.lineage is None and task is not None:
            task.answered = True
            task.ended = line.time or task.ended

    def _call(self, line: Line) -> None:
        if self._place.lineage is None:
            task = self._place.open or self._place.begin(line)
            task.tool_calls += 1
            task.answered = False
            if b"apply_patch" in line.data:
                task.changes += 1
                task.since_change = 0

    def _output(self, line: Line) -> None:
        if self._place.lineage is None and line.data.endswith(b'output"', 0, line.head):
            size = line.size
            (self._place.open or self._place.begin(line)).tool_output_bytes += size
            self._place.state.tool_bytes += size

    def _changed(self, line: Line) -> None:
        if self._place.lineage is None:
            task = self._place.task(line)
            task.changes = max(task.changes, 1)
            task.since_change = 0

    def _compacted(self, line: Line) -> None:
        if self._place.lineage is None:
            self._place.task(line).compactions += 1
            self._responses.compacted()

    def _task_complete(self, line: Line) -> None:
        task = self._place.open
        if task is None or self._place.lineage is not None:
            return
        # A text cannot hold this: its quotes would be escaped. A line that is not whole may lack it, and is parsed.
        failed = b'"error"' in line.data or not line.data.endswith(b"}}\n") or line.data.count(NEXT) > 1
        error = line.payload().get("error") if failed else None
        out_of_budget = bool(error) and BUDGET_ERROR in json.dumps(error)
        task.end = "budget" if out_of_budget else "error" if error else "completed"
        task.ended = line.time or task.ended

    def _turn_aborted(self, line: Line) -> None:
        task = self._place.open
        if task is not None and self._place.lineage is None:
            task.end = "abort"
            task.ended = line.time or task.ended
