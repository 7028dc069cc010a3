"""One line on standard error, on the standard library alone: `exec` must not wait for rich."""

from __future__ import annotations

import sys


def printable(text: str) -> str:
    """Return a text whose control characters are visible, new lines apart: what is quoted may come from any file."""
    return "".join(one if one.isprintable() or one in "\n\t" else f"\\x{ord(one):02x}" for one in text)


def say(text: str) -> None:
    """Write a line on standard error; when nobody listens there any more, that changes nothing else."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        sys.stderr = None  # else what was not taken is tried again at exit, and spoils the exit status
