"""Lines of session files in the shapes that Codex writes (0.130 to 0.169), with nothing in them but what is read."""

from __future__ import annotations

import json
from typing import Any

START = "2026-11-23T05:00:00.000Z"
"""When the runs of these files begin."""
BEFORE = "2026-11-22T12:00:00.000Z"
AFTER = "2026-11-23T05:00:01.000Z"


def line(kind: str, payload: Any, at: str = AFTER) -> str:
    return json.dumps({"timestamp": at, "type": kind, "payload": payload}) + "\n"


def meta(thread: str = "thread-1", at: str = AFTER, cwd: str = "/project", version: str = "0.133.0") -> str:
    return line("session_meta", {"id": thread, "cwd": cwd, "cli_version": version, "source": "exec"}, at)


def context(model: str = "gpt-5.5", effort: str | None = "low", at: str = AFTER) -> str:
    payload = {"turn_id": "turn-1", "model": model} | ({"effort": effort} if effort else {})
    return line("turn_context", payload, at)


def tokens(fresh: int, cached: int = 0, output: int = 50, reasoning: int = 20) -> dict[str, int]:
    total = fresh + cached + output
    return {
        "input_tokens": fresh + cached,
        "cached_input_tokens": cached,
        "cache_write_input_tokens": 0,
        "output_tokens": output,
        "reasoning_output_tokens": reasoning,
        "total_tokens": total,
    }


def record(usage: dict[str, int], at: str = AFTER) -> str:
    """As 0.153 and later write for every response."""
    return line("token_usage_record", {"thread_id": "thread-1", "response_id": "resp-1", "usage": usage}, at)


def count(total: dict[str, int] | None, last: dict[str, int] | None = None, at: str = AFTER) -> str:
    """As every version writes, some of them twice."""
    info = None if total is None else {"total_token_usage": total, "last_token_usage": last or total}
    return line("event_msg", {"type": "token_count", "info": info, "rate_limits": None}, at)


def call(kind: str = "function_call", at: str = AFTER) -> str:
    return line("response_item", {"type": kind, "name": "exec_command", "arguments": "{}", "call_id": "call-1"}, at)


def answer(at: str = AFTER) -> str:
    """As 0.148 and later write."""
    item = {"type": "AgentMessage", "id": "msg-1", "content": [{"type": "Text", "text": "done"}]}
    return line("event_msg", {"type": "item_completed", "thread_id": "thread-1", "item": item}, at)


def old_answer(at: str = AFTER) -> str:
    """As 0.147 and earlier write."""
    return line("event_msg", {"type": "agent_message", "message": "done"}, at)


def added(*usages: dict[str, int]) -> dict[str, int]:
    return {key: sum(usage[key] for usage in usages) for key in usages[0]}
