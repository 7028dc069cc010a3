"""One line on standard error, on the standard library alone: `exec` must not wait for rich."""

from __future__ import annotations

import contextlib
import os
import sys


def say(text: str) -> None:
    """Write a line on standard error; when nobody listens there any more, that changes nothing else.

    Unbuffered: what a closed pipe did not take would be tried again at exit, and spoil the exit status.
    """
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            os.write(sys.stderr.fileno(), f"{text}\n".encode(errors="surrogateescape"))
