"""A run: an attempt with everything else that is known of it."""

from __future__ import annotations

from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from codex_router.records import Attempt, Usage


class Run(NamedTuple):
    """One attempt and where it came from; the prompt itself is never part of it."""

    attempt: Attempt
    usage: Usage | None = None
    """Tokens of the whole attempt; None when unknown."""
    source: str = ""
    """The table it was read from; empty for runs made by ``exec``."""
    tier: str | None = None
    session_id: str | None = None
    """Codex's thread id."""
    codex_version: str | None = None
    git_commit: str | None = None
    """Commit of the working tree at the start."""
    prompt_hash: str | None = None
    """SHA-256 of the prompt, in hex."""
    prompt_chars: int | None = None
    """Length of the prompt in characters."""
    created: str | None = None
    """UTC date-time when the row was written; the ledger fills it in."""
