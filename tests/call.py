"""Run a command line of ours inside the test process: the same `main`, without a second of start-up each time."""

from __future__ import annotations

import tempfile
from contextlib import redirect_stderr, redirect_stdout
from typing import IO, NamedTuple

from codex_router.__main__ import main


class Said(NamedTuple):
    """What became of a command."""

    status: int
    out: str
    err: str


def call(*argv: str) -> Said:
    """Run ``codex-router`` with these arguments, without a terminal; real files, since some words go by descriptor."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        with redirect_stdout(out), redirect_stderr(err):
            status = main(list(argv))
        return Said(int(status), _all(out), _all(err))


def _all(stream: IO[str]) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()
