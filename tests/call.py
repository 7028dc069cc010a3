"""Run a command line of ours inside the test process: the same `main`, without a second of start-up each time."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

from codex_router.__main__ import main


class Said(NamedTuple):
    """What became of a command."""

    status: int
    out: str
    err: str


def call(*argv: str) -> Said:
    """Run ``codex-router`` with these arguments, without a terminal."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["codex-router", *argv]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            status = main()
    finally:
        sys.argv = before
    return Said(int(status), out.getvalue(), err.getvalue())
