"""What single fields of a session file mean: figures that can be read without parsing their line, and parsed ones."""

from __future__ import annotations

import datetime as dt
import json
import re
from functools import lru_cache

from codex_router.evidence.session_records import Thread
from codex_router.named import TYPE_CHECKING
from codex_router.tokens import NAMES, counts_from

try:  # as the standard library's `random` does: OpenSSL's takes as long to import as 15 MB to read
    from _sha2 import sha256  # type: ignore[import-not-found]  # Python 3.12 and later
except ImportError:
    try:
        from _sha256 import sha256  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha256

if TYPE_CHECKING:
    from typing import Any

    from codex_router.tokens import Counts

_USAGE = (
    rb'\{"input_tokens":(\d{1,12}),"cached_input_tokens":(\d{1,12}),(?:"cache_write_input_tokens":(\d{1,12}),)?'
    rb'"output_tokens":(\d{1,12}),"reasoning_output_tokens":(\d{1,12}),"total_tokens":\d{1,12}\}'
)
IDS = re.compile(
    rb'"thread_id":"([^"\\]*)","turn_id":"([^"\\]*)","session_id":"[^"\\]*","root_turn_id":"[^"\\]*",'
    rb'"response_id":"'
)
"""How a record begins: the same for all responses of a turn."""
RECORD = re.compile(rb'([^"\\]*)","usage":' + _USAGE)
"""The rest of a record: its response's id, its five counts."""
THREAD = re.compile(
    rb',"turn_token_usage":\{[^}]*\},"thread_token_usage":\{"input_tokens":(\d{1,12}),"cached_input_tokens":\d{1,12},'
    rb'(?:"cache_write_input_tokens":\d{1,12},)?"output_tokens":(\d{1,12}),'
)
"""What follows: input and output of the whole thread."""
COUNT = re.compile(rb',"info":(?:null|\{"total_token_usage":' + _USAGE + rb',"last_token_usage":' + _USAGE + rb"[,}])")
"""A count: five of the thread and five of the newest response, or nothing."""


def counts_of(found: re.Match[bytes], first: int) -> Counts:
    """Return the five counts that begin with group `first`."""
    a, b, c, d, e = found.group(first, first + 1, first + 2, first + 3, first + 4)
    return int(a), int(b), int(c or 0), int(d), int(e)


def sound_counts(tokens: Any) -> Counts:
    """Return token counts as Codex writes them; a missing one is 0.

    Raises:
        ValueError: one is of a wrong type, negative or too large: added up, it would make good ones wrong.
    """
    counts = counts_from(tokens)
    if isinstance(tokens, dict) and any(
        tokens.get(name, 0) != count for name, count in zip(NAMES, counts, strict=True)
    ):
        raise ValueError("an impossible count")
    return counts


def text(value: Any) -> str | None:
    """Return a text that a database can hold, None for anything else."""
    return value.replace("\0", "").encode("utf-8", errors="replace").decode() if isinstance(value, str) else None


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
    said = (payload.get("user_instructions"), payload.get("developer_instructions"), payload.get("personality"), own)
    try:
        return _fingerprint(said)
    except TypeError:  # of a type that cannot be looked up
        return _fingerprint.__wrapped__(said)


@lru_cache(4)
def _fingerprint(said: tuple[Any, ...]) -> int:
    return int(hash_of(json.dumps(said))[:12], 16)


def hash_of(said: str) -> str:
    """Return the SHA-256 of a text, in hex."""
    return str(sha256(said.encode("utf-8", errors="surrogateescape")).hexdigest())


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
