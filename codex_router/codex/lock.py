"""One codex-router writes at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING

from codex_router.errors import RouterError
from codex_router.home import make_router_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_WAIT_S = 10.0
"""Seconds to wait for another codex-router that is writing."""


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the lock in codex-router's own folder, which is made if it is not there.

    Raises:
        RouterError: another one holds it for long, or the folder cannot be written.
    """
    try:
        make_router_home()
        descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unusable(error, home) from None
    try:
        _lock(descriptor, home / "lock")
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise RouterError(
                    f"another codex-router has been writing for {LOCK_WAIT_S:.0f} s",
                    where=path,
                    hint="wait for it, or end it, and try again",
                ) from None
            time.sleep(0.05)


def unusable(error: OSError, home: Path) -> RouterError:
    """Return what to tell of a folder that cannot be written."""
    return RouterError(
        f"codex-router's own folder cannot be written: {error.strerror}",
        where=error.filename or home,
        hint="mend its permissions, or set CODEX_ROUTER_HOME to another folder",
    )
