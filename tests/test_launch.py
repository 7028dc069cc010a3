"""Starting programs as Codex is started, and whose signals are whose meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codex_router.codex.child import Child
from codex_router.codex.launch import TAKEN, Launched
from codex_router.errors import LaunchError

FOR_EVER = 60.0


def script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def run(argv: list[str], stdin: int | None = None) -> tuple[int | None, Launched]:
    """Start a program and wait for its end; return its status."""
    with Launched(argv, stdin) as codex, Child(codex.pid) as child:
        status = child.ended(FOR_EVER)
        codex.running = False
    return status, codex


def test_words_environment_and_folder_arrive_untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "a b")
    words = ["exec", "", "two words", "-", "--", "d'où", "\udcff", "a\nb"]
    body = f'printf "%s\\0" "$@" > "{tmp_path}/words"; echo "$FROM_OUTSIDE $PWD" > "{tmp_path}/rest"'
    assert run([script(tmp_path / "codex", body), *words])[0] == 0
    assert (tmp_path / "words").read_bytes().split(b"\0")[:-1] == [os.fsencode(word) for word in words]
    assert (tmp_path / "rest").read_text() == f"a b {Path.cwd()}\n"


RUN = """import sys
from codex_router.codex.child import Child
from codex_router.codex.launch import Launched
with Launched(sys.argv[1:]) as codex:
    Child(codex.pid).ended(60)
"""


@pytest.mark.parametrize(
    "environment", [{}, {"LANG": "C"}, {"LC_CTYPE": "C.UTF-8"}, {"LC_ALL": "POSIX"}, {"LANG": "C.UTF-8", "A": "b\nc"}]
)
def test_no_variable_is_added(environment: dict[str, str]) -> None:
    """Python itself adds one where the locale is C."""
    python = [sys.executable, "-c", RUN, "/usr/bin/env", "-0"]
    done = subprocess.run(python, env=environment, capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split("\0")[:-1]) == sorted(f"{name}={value}" for name, value in environment.items())


def test_standard_input_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"\x00the very same\xff")
    with (tmp_path / "in").open("rb") as stream:
        run([script(tmp_path / "codex", f'cat > "{tmp_path}/out"')], stdin=stream.fileno())
    assert (tmp_path / "out").read_bytes() == b"\x00the very same\xff"


def test_our_signal_handlers_are_put_back(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in TAKEN]
    with Launched([script(tmp_path / "codex", "exit 0")]) as codex:
        assert not any(signal.getsignal(number) == old for number, old in zip(TAKEN, before, strict=True))
        with Child(codex.pid) as child:
            child.ended(FOR_EVER)
        codex.running = False
    assert [signal.getsignal(number) for number in TAKEN] == before
    with pytest.raises(LaunchError), Launched([str(tmp_path / "gone")]):
        pass
    assert [signal.getsignal(number) for number in TAKEN] == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGALRM, signal.SIGUSR1])
def test_a_signal_to_us_reaches_the_program(tmp_path: Path, number: signal.Signals) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    body = f"trap 'exit 9' {number.name.removeprefix('SIG')}\n: > {ready}\nwhile :; do sleep 0.05; done"
    with Launched([script(tmp_path / "codex", body)]) as codex, Child(codex.pid) as child:
        ready.read_bytes()  # comes back when the trap is set
        os.kill(os.getpid(), number)
        assert child.ended(FOR_EVER) == 9
        codex.running = False
    assert codex.interrupted
    assert codex.late is None


def test_a_signal_that_comes_when_the_program_has_ended_is_kept(tmp_path: Path) -> None:
    with Launched([script(tmp_path / "codex", "exit 0")]) as codex, Child(codex.pid) as child:
        assert child.ended(FOR_EVER) == 0
        codex.running = False
        os.kill(os.getpid(), signal.SIGTERM)
    assert codex.late == signal.SIGTERM
    assert not codex.interrupted


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """As under nohup; the program inherits that."""
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run([script(tmp_path / "codex", "kill -HUP $$; exit 5")])[0] == 5
    finally:
        signal.signal(signal.SIGHUP, old)


def test_a_failure_of_ours_leaves_no_process_behind(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Launched(["/bin/sleep", "300"]) as codex:
        raise ZeroDivisionError
    with pytest.raises(ProcessLookupError):
        os.kill(codex.pid, 0)


def test_what_cannot_be_started(tmp_path: Path) -> None:
    def started(path: Path) -> LaunchError:
        with pytest.raises(LaunchError) as failed:
            run([str(path)])
        assert failed.value.where == str(path)
        return failed.value

    assert started(tmp_path / "gone").exit_code == 127
    assert started(tmp_path).exit_code == 126
    (tmp_path / "data").write_bytes(b"\x00\x01 no program")
    assert started(tmp_path / "data").exit_code == 126
    (tmp_path / "data").chmod(0o755)
    assert started(tmp_path / "data").what == "Codex cannot be run: Exec format error"
