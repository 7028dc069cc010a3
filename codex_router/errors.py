"""The one error base and the exit codes.

    RouterError            expected failure                       exit 1
    +-- UsageError         the command line or a file is wrong    exit 2
    +-- LaunchError        exec failed before Codex ran           exit 125 (or 126, 127)

Everything else that escapes is a bug and ends with exit 3.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit statuses of ``codex-router``; on ``exec`` Codex's own status wins when Codex ran."""

    DONE = 0
    """All done; for ``diff``: nothing would change."""
    FAILED = 1
    """An expected failure; for ``diff``: something would change."""
    USAGE = 2
    """The command line is wrong."""
    BUG = 3
    """A bug in codex-router; the full report is in the log file."""
    CHECK_FAILED = 123
    """``exec``: the check still failed after the last attempt."""
    BUDGET = 124
    """``exec``: stopped at a turn, cost or time budget (as GNU ``timeout`` does)."""
    LAUNCH_FAILED = 125
    """``exec``: codex-router failed before Codex was started."""
    NOT_EXECUTABLE = 126
    """``exec``: Codex was found but cannot be run."""
    NOT_FOUND = 127
    """``exec``: no Codex was found."""
    INTERRUPTED = 130
    """Ctrl-C."""


class RouterError(Exception):
    """An expected failure, told as what, where and what to do.

    Args:
        what: one lower-case sentence without a full stop.
        where: the file, or ``file:line``, it is about.
        hint: what to do next.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, what: str, *, where: object = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = None if where is None else str(where)
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n\nhint: {self.hint}" if self.hint else head


class UsageError(RouterError):
    """The command line, or a value given on it, is wrong."""

    exit_code = ExitCode.USAGE


class LaunchError(RouterError):
    """``exec`` cannot start Codex; ``exit_code`` is 125, 126 or 127."""

    def __init__(
        self, what: str, *, exit_code: ExitCode = ExitCode.LAUNCH_FAILED, where: object = None, hint: str | None = None
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.exit_code = exit_code
