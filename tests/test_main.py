"""The one boundary where errors become words and exit statuses; every test is a process of its own."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codex_router import __version__

MODULE = (sys.executable, "-m", "codex_router")
BROKEN = """
import sys
from codex_router import cli
from codex_router.commands import exec_
def broken(*_):
    raise ZeroDivisionError("of all things")
cli.run = exec_.main = broken
from codex_router.__main__ import main
sys.exit(main())
"""


def run(*arguments: str, program: tuple[str, ...] = MODULE, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*program, *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_version_and_help() -> None:
    assert run("--version").stdout == f"codex-router, version {__version__}\n"
    said = run("--help")
    assert (said.returncode, said.stderr) == (0, "")
    assert re.search(r"exec +run `codex exec` with the right profile and budget", said.stdout)


def test_a_word_that_is_no_verb_is_2() -> None:
    done = run("frobnicate")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such command 'frobnicate'" in done.stderr


def test_an_expected_failure_is_told_as_what_where_and_what_to_do(own_home: Path) -> None:
    done = run("route", "x")
    assert done.returncode == 2
    place = own_home / ".codex" / "codex-router.toml"
    assert done.stderr == f"error: {place}: not there yet\n\nhint: run `codex-router init` first\n"


def test_colour_only_where_it_is_wanted() -> None:
    red = "\x1b[31merror\x1b[0m: "
    assert run("route", "x", FORCE_COLOR="1").stderr.startswith(red)
    assert not run("route", "x", FORCE_COLOR="1", NO_COLOR="1").stderr.startswith(red)
    assert not run("route", "x", FORCE_COLOR="1", TERM="dumb").stderr.startswith(red)
    assert on_a_terminal("route", "x").startswith(red)


def on_a_terminal(*arguments: str) -> str:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [*MODULE, *arguments], {**os.environ, "TERM": "xterm"})
    said = b""
    try:
        while chunk := os.read(terminal, 1 << 16):
            said += chunk
    except OSError:  # Linux: the other side is closed
        pass
    os.waitpid(pid, 0)
    os.close(terminal)
    return said.decode()


@pytest.mark.parametrize(("verb", "status"), [("route", 3), ("exec", 125)])
def test_a_bug_is_one_line_and_a_report_in_the_log(own_home: Path, verb: str, status: int) -> None:
    program = (sys.executable, "-c", BROKEN)
    log = own_home / "router" / "codex-router.log"
    for times in (1, 2):
        done = run(verb, "x", program=program)
        assert (done.returncode, done.stdout) == (status, "")
        said = "bug in codex-router: ZeroDivisionError: of all things"
        assert done.stderr == f"{said}\n\nhint: the full report is in `{log}`\n"
        assert log.read_text().count("Traceback (most recent call last)") == times
    assert f"codex-router {__version__}, Python {sys.version.split()[0]}" in log.read_text()


def test_a_bug_without_a_place_for_the_log_is_told_in_full(own_home: Path) -> None:
    (own_home / "file").touch()
    home = str(own_home / "file" / "router")
    done = run("route", program=(sys.executable, "-c", BROKEN), CODEX_ROUTER_HOME=home)
    assert done.returncode == 3
    assert "Traceback (most recent call last)" in done.stderr


WAITS = """
import sys, time
from codex_router import cli
def waits(argv):
    print("begun", flush=True)
    time.sleep(60)
cli.run = waits
from codex_router.__main__ import main
sys.exit(main())
"""


def test_ctrl_c_is_130() -> None:
    argv = [sys.executable, "-c", WAITS]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout, stderr) == (130, "", "interrupted\n")


def test_a_reader_that_goes_away_is_no_bug() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*MODULE, "--help"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_the_status_is_right_when_nobody_hears_the_words(where: str) -> None:
    line = f'"{sys.executable}" -m codex_router route x {where}'
    assert subprocess.run(["sh", "-c", line], check=False).returncode == 2
