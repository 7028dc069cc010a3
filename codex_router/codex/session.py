"""Read a session file as Codex writes it: count model responses and their tokens as they come.

Which lines are responses is told in `codex_router.tokens`. From 0.153 a response is known when it ends, before its
tools run. Measured in every tested version: a line is in the file 2 to 15 ms after the event.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from codex_router.codex.versions import USAGE_RECORDS, parse_version
from codex_router.named import TYPE_CHECKING
from codex_router.records import Response, Usage
from codex_router.tokens import Counts, Meter, counts_from, size

if TYPE_CHECKING:
    from typing import Any

WANTED = (
    b'"token_usage_record"',
    b'"token_count"',
    b'"task_started"',
    b'_call"',
    b'"agent_message"',
    b'"AgentMessage"',
    b'"session_meta"',
    b'"turn_context"',
    b'"task_complete"',
    b'"turn_aborted"',
)
"""What the beginning of a line must name to be worth parsing; Codex writes the types before the content."""
BUDGET_ERROR = "session_budget_exceeded"
"""What a ``task_complete`` names when Codex's own token budget ended the run."""
TYPE_BYTES = 400
CHUNK_BYTES = 1 << 20
CALLS = frozenset({"function_call", "custom_tool_call", "local_shell_call", "tool_search_call"})
"""Response items after which Codex runs something and asks the model again."""


Price = Callable[[str, Usage], float | None]


class SessionFile:
    """One session file, read as it grows.

    Args:
        path: the ``rollout-*.jsonl``.
        price: returns the cost in USD of one response of a model, None when its price is unknown.
        since: UTC time, as Codex writes it (``2026-11-23T05:07:50.405Z``); older lines belong to earlier runs of a
            resumed thread and only give the totals to start from.
    """

    def __init__(self, path: str, since: str, price: Price) -> None:
        self.path = path
        self.since = since
        self.price = price
        self.answers: list[Response] = []
        self.usage = Usage()
        self.cost_usd: float | None = 0.0
        self.thread_id: str | None = None
        self.model: str | None = None
        self.effort: str | None = None
        self.out_of_budget = False
        self.aborted = False
        self.awaits_more = False
        self._at = ""
        self._called = False
        self._answered = False
        self._meter = Meter()
        self._awaits_record = False
        self._rest = b""
        self._descriptor: int | None = None

    @property
    def responses(self) -> int:
        """Return how many model responses there were."""
        return len(self.answers)

    @property
    def begun(self) -> int:
        """Return the model responses, with the one that has called a tool but is not counted yet.

        Before 0.153 a response is counted only when its tools have ended, 30 ms before the next request: too late to
        stop a run on a busy machine. An interrupt makes those versions count it at once (measured: 0.133 to 0.149).
        """
        return self.responses + (self._called and not (self._meter.recorded or self._awaits_record))

    @property
    def goes_on(self) -> bool:
        """Tell whether Codex is about to ask the model again, once the tools it runs have ended."""
        return self.awaits_more or self.begun > self.responses

    def read(self) -> bool:
        """Read what was appended since the last call; tell whether anything was."""
        if self._descriptor is None:
            try:
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return False
        grown = False
        while data := os.read(self._descriptor, CHUNK_BYTES):
            grown = True
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._line(line)
        return grown

    def close(self) -> None:
        """Close the file; what was counted stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _line(self, line: bytes) -> None:
        head = line[:TYPE_BYTES]
        if not any(word in head for word in WANTED):
            return
        try:
            entry = json.loads(line)
            kind, payload = entry["type"], entry["payload"]
            self._at = str(entry.get("timestamp", "~"))
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        if isinstance(payload, dict):
            self._entry(kind, payload, before=self._at < self.since)

    def _entry(self, kind: str, payload: dict[str, Any], *, before: bool) -> None:
        inner = payload.get("type")
        if kind == "token_usage_record":
            total = counts_from(payload.get("thread_token_usage"))
            counts = self._meter.record(counts_from(payload.get("usage")), size(total))
            self._response(counts, before=before)
        elif inner == "token_count":
            self._count(payload.get("info"), before=before)
        elif kind == "session_meta":
            self.thread_id = self.thread_id or _text(payload.get("id"))
            version = parse_version(_text(payload.get("cli_version")) or "")
            self._awaits_record = version is not None and version >= USAGE_RECORDS
        elif inner == "task_started":
            self._meter.turn()
        elif kind == "turn_context" and not before:
            self.model, self.effort = _text(payload.get("model")), _text(payload.get("effort"))
        elif not before:
            self._happened(inner, payload)

    def _happened(self, inner: Any, payload: dict[str, Any]) -> None:
        if inner == "agent_message" or (inner == "item_completed" and _kind(payload.get("item")) == "AgentMessage"):
            self._answered = True
        elif isinstance(inner, str) and inner in CALLS:
            self._called = True
        elif inner == "task_complete":
            self.out_of_budget = BUDGET_ERROR in json.dumps(payload.get("error") or {})
        elif inner == "turn_aborted":
            self.aborted = True

    def _count(self, info: Any, *, before: bool) -> None:
        if isinstance(info, dict):
            totals = counts_from(info.get("total_token_usage")), counts_from(info.get("last_token_usage"))
            self._response(self._meter.count(*totals), before=before)

    def _response(self, counts: Counts | None, *, before: bool) -> None:
        if before or counts is None:
            return
        usage = Usage(*counts)
        self.usage += usage
        cost = self.price(self.model or "", usage)
        self.answers.append(Response(self._at, self.thread_id, self.model, usage, cost))
        self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + cost
        # A response that neither calls a tool nor says anything is a compaction; the turn goes on behind it.
        self.awaits_more = self._called or not self._answered
        self._called = self._answered = False


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _kind(item: Any) -> Any:
    return item.get("type") if isinstance(item, dict) else None
