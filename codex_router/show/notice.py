"""One line on standard error, on the standard library alone: `exec` must not wait for rich."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Write a line on standard error; when nobody listens there any more, that changes nothing else."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        sys.stderr = None  # else what was not taken is tried again at exit, and spoils the exit status
