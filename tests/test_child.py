"""Waiting for a process of our own, with and without the kernel's help."""

from __future__ import annotations

import os
import signal

import pytest

from codex_router.codex.child import Child


@pytest.fixture(params=["pidfd", "polling"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the end is noticed."""
    if request.param == "polling":
        monkeypatch.delattr(os, "pidfd_open")
    return str(request.param)


def start(*argv: str) -> int:
    return os.posix_spawn(argv[0], argv, os.environ)


@pytest.mark.parametrize("status", [0, 1, 77])
def test_a_status(way: str, status: int) -> None:
    with Child(start("/bin/sh", "-c", f"exit {status}")) as child:
        assert child.ended(60) == status


def test_a_signal(way: str) -> None:
    with Child(start("/bin/sh", "-c", "kill -KILL $$")) as child:
        assert child.ended(60) == 128 + signal.SIGKILL


def test_one_that_still_runs_has_not_ended(way: str) -> None:
    pid = start("/bin/sleep", "300")
    with Child(pid) as child:
        assert child.ended(0) is None
        assert child.ended(0.01) is None
        os.kill(pid, signal.SIGKILL)
        assert child.ended(60) == 128 + signal.SIGKILL
