"""Run the user's checks: shell commands that all succeed when the task is solved."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DEFAULT_SECONDS = 600.0
GRACE_S = 3.0
"""Between SIGTERM and SIGKILL for a check that takes too long."""
SHOWN_LINES = 12
SHOWN_BYTES = 1 << 16
COMPARED_BYTES = 1 << 20
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\t\x20-\x7e\x80-\U0010ffff]|[\x80-\x9f]")
NUMBER = re.compile(rb"0x[0-9a-fA-F]+|[0-9]+(\.[0-9]+)?")


class Checked(NamedTuple):
    """What one check said."""

    command: str
    status: int | None
    """Exit status, 128+n when it died of signal n; None when it took too long."""
    seconds: float
    output: Path
    """Its stdout and stderr."""

    @property
    def passed(self) -> bool:
        """Tell whether it accepted the result."""
        return self.status == 0

    @property
    def manner(self) -> tuple[int | None, str]:
        """Return what is equal for two failures of a kind: the end of the output, without numbers such as times."""
        return self.status, hashlib.sha256(NUMBER.sub(b"#", self._end(COMPARED_BYTES))).hexdigest()

    def __str__(self) -> str:
        how = "took too long" if self.status is None else f"exit status {self.status}"
        return f"`{self.command}` ({how}, {self.seconds:.1f} s)"

    def last_lines(self) -> list[str]:
        """Return the end of its output, without what could steer a terminal."""
        text = self._end(SHOWN_BYTES).decode("utf-8", errors="replace")
        return [CONTROL.sub("", line)[:400] for line in text.splitlines()[-SHOWN_LINES:]]

    def _end(self, size: int) -> bytes:
        with self.output.open("rb") as stream:
            stream.seek(max(0, self.output.stat().st_size - size))
            return stream.read(size)


def check(commands: Sequence[str], folder: str, seconds: float | None, place: Path, stage: str) -> list[Checked]:
    """Run checks one after another and return what each said.

    Args:
        commands: for ``sh -c``.
        folder: where they run.
        seconds: limit for each; 0 is none, None is `DEFAULT_SECONDS`.
        place: the folder for their output.
        stage: begins the names of the output files.
    """
    limit = DEFAULT_SECONDS if seconds is None else seconds or None
    return [
        _check(command, folder, limit, place / f"{stage}-check-{number}.txt")
        for number, command in enumerate(commands, 1)
    ]


def _check(command: str, folder: str, limit: float | None, output: Path) -> Checked:
    started = time.monotonic()
    with output.open("wb") as stream:
        # In a session of its own it can be stopped with all that it started.
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:  # what it left running would write into the next attempt; Ctrl-C reaches us only
            _stop(process)
    if status is not None and status < 0:
        status = 128 - status
    return Checked(command, status, time.monotonic() - started, output)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
