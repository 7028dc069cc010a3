"""``--keep-going``: the next arm is told what failed, behind the user's own prompt."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_router.codex.acceptance import Checked
    from codex_router.commands.exec_ import Job

INTRODUCTION = "A previous attempt at this task left the working folder as it is now. This check still fails:"


def with_failure(job: Job, checks: Sequence[Checked]) -> Job:
    """Return a job whose prompt ends with what failed."""
    said = _told(checks)
    line = job.line
    if line.prompt_at is None:
        return job if job.stdin is None else job._replace(stdin=_with_more(job.stdin, said))
    words = list(line.words)
    words[line.prompt_at] += said
    argv = [*job.argv[: len(job.argv) - len(words)], *words]
    return job._replace(argv=argv)


def _told(checks: Sequence[Checked]) -> str:
    parts = ["", "", INTRODUCTION]
    for one in checks:
        if not one.passed:
            parts += ["", f"$ {one.command}", *one.last_lines(), f"({one})"]
    return "\n".join(parts) + "\n"


def _with_more(descriptor: int, more: str) -> int:
    """Return a new file with what is in another, and more behind it."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    with tempfile.TemporaryFile() as spool:
        while chunk := os.read(descriptor, 1 << 16):
            spool.write(chunk)
        spool.write(more.encode())
        spool.flush()
        return os.dup(spool.fileno())
