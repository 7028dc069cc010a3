"""Wait for a process that we have started, and notice its end at once."""

from __future__ import annotations

import contextlib
import os
import select
import time

from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

POLL_S = 0.003
"""How often it is looked after where its end cannot be waited for."""


class Child:
    """A process that we have started; use it as a context manager."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor: int | None = None
        self._poll = select.poll()

    def __enter__(self) -> Self:
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):  # a kernel before 5.3, or a sandbox that does not let us
                self._descriptor = os.pidfd_open(self.pid)
                self._poll.register(self._descriptor, select.POLLIN)
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def ended(self, within: float) -> int | None:
        """Wait for its end, at most `within` seconds; return its status, 128+n when it died of signal n."""
        if self._descriptor is not None:
            return self._status() if self._poll.poll(within * 1000) else None  # milliseconds
        deadline = time.monotonic() + within
        status = self._status()
        while status is None and time.monotonic() < deadline:
            time.sleep(POLL_S)
            status = self._status()
        return status

    def _status(self) -> int | None:
        done, raw = os.waitpid(self.pid, os.WNOHANG)
        if not done:
            return None
        code = os.waitstatus_to_exitcode(raw)
        return 128 - code if code < 0 else code
