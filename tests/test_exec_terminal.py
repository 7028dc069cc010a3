"""`exec` in a terminal with a shell that has job control: what is typed does what it does to Codex itself."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from terminal import CTRL_BACKSLASH, CTRL_C, CTRL_Z, Terminal
from waiting import wait_for, wait_for_looks
from world import GO, World

from codex_router.evidence.ledger import Ledger

pytestmark = [
    pytest.mark.codex,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at the states of processes in /proc"),
]

MakeWorld = Callable[..., World]
SLEEPER = {"cmds": ["sleep 300 & sleep 301"]}
WAITER = {"cmds": ["while [ ! -e go ]; do sleep 0.05; done"]}
"""A tool that ends when the file `go` is there."""


def ours(world: World, *words: str) -> str:
    return shlex.join([sys.executable, "-m", "codex_router", "exec", "--tier", "bulk", *words, *GO, "go on"])


def bare(world: World) -> str:
    return shlex.join([world.codex, "exec", *GO, "go on"])


BOTH = pytest.mark.parametrize("command", [bare, ours])


def ends() -> list[str]:
    with Ledger.open() as ledger:
        return [run.attempt.end for run in ledger.runs()]


def running(world: World, word: str) -> list[int]:
    """Return the processes of a world whose command line holds `word`, the shell's own apart."""
    return [pid for pid, words in world.processes().items() if word in words and not words.startswith("bash")]


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def wait_for_the_tool(world: World) -> None:
    """Return when `SLEEPER` is at work, and codex-router has seen it."""
    wait_for(lambda: running(world, "sleep 301"))
    for pid in running(world, "codex_router"):
        wait_for_looks(pid)


def stopped(world: World) -> bool:
    """Tell whether Codex, and codex-router where it is in between, stand still."""
    found = running(world, "go on")
    return bool(found) and {state(pid) for pid in found} == {"T"}


@contextmanager
def asleep(make_world: MakeWorld, command: Callable[[World], str]) -> Iterator[tuple[World, Terminal]]:
    """Run a Codex in a terminal until its tool sleeps."""
    world = make_world("0.163.0", SLEEPER)
    world.write_profiles()
    with Terminal(world) as terminal:
        terminal.run(command(world))
        wait_for_the_tool(world)
        yield world, terminal


@BOTH
@pytest.mark.parametrize("key", [CTRL_C, CTRL_BACKSLASH], ids=["ctrl-c", "ctrl-backslash"])
def test_a_key_that_ends_it(make_world: MakeWorld, command: Callable[[World], str], key: str) -> None:
    with asleep(make_world, command) as (world, terminal):
        terminal.type(key)
        terminal.expect("ready$ ")
        assert terminal.status() == (1 if key == CTRL_C else 131)
        wait_for(lambda: not running(world, "sleep 30") or (command, key) == (bare, CTRL_BACKSLASH))  # as below
    assert ends() == (["abort"] if command is ours else [])


@BOTH
def test_an_interrupt_sent_to_it_alone_ends_it(make_world: MakeWorld, command: Callable[[World], str]) -> None:
    """As a program does that has started it; in a terminal, only what is typed reaches Codex without us."""
    with asleep(make_world, command) as (world, terminal):
        (started,) = running(world, "codex_router" if command is ours else "go on")
        os.kill(started, signal.SIGINT)
        terminal.expect("ready$ ")
        assert terminal.status() == 1
        wait_for(lambda: not running(world, "sleep 30"))
    assert ends() == (["abort"] if command is ours else [])


@BOTH
def test_suspended_with_ctrl_z_it_stands_still_until_it_is_resumed(
    make_world: MakeWorld, command: Callable[[World], str]
) -> None:
    world = make_world("0.163.0", WAITER, {"final": "all is done"})
    world.write_profiles()
    with Terminal(world) as terminal:
        terminal.run(command(world))
        wait_for(lambda: running(world, "-e go ]"))
        terminal.type(CTRL_Z)
        terminal.expect("Stopped")
        wait_for(lambda: stopped(world))
        (world.folder / "go").touch()
        wait_for(lambda: not running(world, "-e go ]"))  # the tool is no job of the terminal, and ends
        assert stopped(world)
        assert len(world.server.requests) == 1
        terminal.run("fg")
        terminal.expect("all is done")
        terminal.expect("ready$ ")
        assert terminal.status() == 0
        assert len(world.server.requests) == 2
    assert ends() == (["completed"] if command is ours else [])


@BOTH
def test_ctrl_c_after_a_suspension_ends_it(make_world: MakeWorld, command: Callable[[World], str]) -> None:
    world = make_world("0.163.0", SLEEPER)
    world.write_profiles()
    with Terminal(world) as terminal:
        terminal.run(command(world))
        wait_for(lambda: running(world, "sleep 301"))
        terminal.type(CTRL_Z)
        terminal.expect("Stopped")
        terminal.run("fg")
        wait_for(lambda: not stopped(world))
        terminal.type(CTRL_C)
        terminal.expect("ready$ ")
        assert terminal.status() == 1
        wait_for(lambda: not running(world, "sleep 30"))
    assert ends() == (["abort"] if command is ours else [])


@BOTH
def test_a_job_in_the_background_is_suspended_by_a_signal_to_it_alone(
    make_world: MakeWorld, command: Callable[[World], str]
) -> None:
    world = make_world("0.163.0", WAITER, {"final": "all is done"})
    world.write_profiles()
    job = f"set -m; {command(world)} < /dev/null > /dev/null 2>&1 & echo $!; read -r _; wait $!"
    shell = subprocess.Popen(
        ["bash", "-c", job],
        cwd=world.folder,
        env=world.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert shell.stdout
    pid = int(shell.stdout.readline())
    wait_for(lambda: running(world, "-e go ]"))
    os.kill(pid, signal.SIGTSTP)
    wait_for(lambda: stopped(world))
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: not stopped(world))
    (world.folder / "go").touch()
    wait_for(lambda: not running(world, "go on"))
    shell.communicate(b"\n")
    assert shell.returncode == 0
    assert ends() == (["completed"] if command is ours else [])


@BOTH
def test_a_terminal_that_is_closed_ends_it(make_world: MakeWorld, command: Callable[[World], str]) -> None:
    """The shell goes away with its window, and the hang-up reaches Codex."""
    with asleep(make_world, command) as (world, terminal):
        terminal.hang_up()
        wait_for(lambda: not running(world, "go on"))
        wait_for(lambda: not running(world, "sleep 30") or command is bare)  # it leaves its tools behind
    assert ends() == (["abort"] if command is ours else [])


COUNTER = """import os, signal, time
told = os.open("told", os.O_WRONLY | os.O_APPEND)
signal.signal(signal.SIGINT, lambda *_: os.write(told, b"interrupted, "))
open("begun", "w").close()
while not os.path.exists("go"):
    time.sleep(0.02)
"""
"""Not a shell script: a shell takes two signals in a row for one."""
RUN = """import sys
from codex_router.codex import child, launch
with launch.Launched(sys.argv[1:]) as codex:
    child.Child(codex.pid).ended(60)
"""


def test_each_ctrl_c_arrives_once(make_world: MakeWorld) -> None:
    """It is typed for all in the foreground; handing it on would interrupt twice, which Codex takes for impatience."""
    world = make_world("0.163.0")
    (world.folder / "counter").write_text(COUNTER)
    told = world.folder / "told"
    told.touch()

    def interruptions() -> int:
        return told.read_text().count("interrupted")

    with Terminal(world) as terminal:
        terminal.run(shlex.join([sys.executable, "-c", RUN, sys.executable, "counter"]))
        wait_for((world.folder / "begun").exists)
        terminal.type(CTRL_C)
        wait_for(lambda: interruptions() >= 1)
        terminal.type(CTRL_C)
        wait_for(lambda: interruptions() >= 2)
        (world.folder / "go").touch()
        terminal.expect("ready$ ")
    assert interruptions() == 2
