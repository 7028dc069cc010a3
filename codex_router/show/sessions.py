"""What a reading of session files did, in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from codex_router.show.table import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_router.evidence.repricing import Repriced


class Account(NamedTuple):
    """What one refresh did."""

    files: int
    """Session files that there are."""
    read: int = 0
    """Files that are new or have changed."""
    megabytes: float = 0.0
    """What was read of them."""
    responses: int = 0
    inherited: int = 0
    """Responses that are another thread's, copied into a file; not counted."""
    skipped: Mapping[str, int] = {}
    """Lines that were not understood, by reason."""
    unreadable: Sequence[tuple[str, str]] = ()
    """Files and folders that could not be read, and why."""


def account_lines(account: Account) -> Sequence[str]:
    """Return what a refresh did, in words."""
    files = f"{counted(account.files, 'session files')}, {account.read} of them new or changed"
    lines = [f"{files}: {counted(account.responses, 'model responses')} in {account.megabytes:,.1f} MB"]
    if account.inherited:
        lines.append(f"{account.inherited:,} responses were copied from another thread and are counted there")
    lines += [f"{counted(count, 'lines')} skipped: {reason}" for reason, count in sorted(account.skipped.items())]
    lines += [f"not read: {path}: {reason}" for path, reason in account.unreadable]
    return lines


def account_json(account: Account) -> dict[str, object]:
    """Return what a refresh did, as JSON."""
    return {
        "files": account.files,
        "files_read": account.read,
        "read_mb": account.megabytes,
        "responses": account.responses,
        "inherited_responses": account.inherited,
        "skipped_lines": dict(account.skipped),
        "unreadable": [{"path": path, "reason": reason} for path, reason in account.unreadable],
    }


def repriced_lines(done: Repriced) -> list[str]:
    """Return what pricing anew did, in words."""
    lines = [f"{counted(done.responses, 'model responses')} priced anew, {done.changed:,} of them at another price"]
    if done.newly_known:
        lines.append(f"{done.newly_known:,} had no known price before")
    if done.now_unknown:
        lines.append(f"{done.now_unknown:,} have no known price any more")
    if done.changed:
        lines.append(f"${done.before_usd:,.2f} before, ${done.after_usd:,.2f} now")
    return lines
