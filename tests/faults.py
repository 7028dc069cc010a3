"""Stop the program before every system call of the write path in turn, by SIGKILL, and leave what it leaves.

Run as a script (``faults.py SCENARIO FOLDER``) it makes one machine per system call below FOLDER, plays the scenario on
each in a child process that kills itself before that call, and ends with the one machine where no call was left to be
killed at. The test then looks at each machine. It forks, so it needs a process without threads: not pytest's.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from codex_router.codex.changes import ChangeSet, FileChange, read_bytes
from codex_router.codex.disk import Disk
from codex_router.codex.journal import Journal
from codex_router.errors import RouterError

OLD = {
    "config.toml": b"# mine\r\nmodel = 'x'\r\n",
    "codex-router.toml": None,
    "bulk.config.toml": b"model = 'old'\n",
    "stale.config.toml": b"model = 'stale'",
}
NEW = {
    "config.toml": b"# mine\r\nmodel = 'x'\r\n\r\n[profiles.bulk]\r\n",
    "codex-router.toml": b"schema = 1\n" * 20,
    "bulk.config.toml": b"model = 'new'\n",
    "stale.config.toml": None,
}
MODES = {"config.toml": 0o640, "bulk.config.toml": 0o600, "stale.config.toml": 0o604}


class Countdown(Disk):
    """Does something before one call, counted from 1; half a write counts as a call of its own."""

    def __init__(self, number: int, then: Callable[[], None]) -> None:
        self.left = number
        self.then = then

    def before(self, call: str, path: Path) -> None:
        self.left -= 1
        if self.left == 0:
            self.then()

    def write(self, descriptor: int, data: bytes, path: Path) -> None:
        half = len(data) // 2
        super().write(descriptor, data[:half], path)
        super().write(descriptor, data[half:], path)


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class KilledAtTheThirdFile(Disk):
    """Dies with two files in place and the third one's temporary file beside it."""

    def before(self, call: str, path: Path) -> None:
        if (call, path.name) == ("rename", "bulk.config.toml"):
            kill()


class Machine:
    """A Codex home with `OLD` in it, `config.toml` being a symlink to a symlink, and a codex-router home."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "codex"
        self.router = folder / "router"
        os.environ["CODEX_ROUTER_HOME"] = str(self.router)

    def build(self) -> None:
        dotfiles = self.home.parent / "dotfiles"
        for made in (self.home, dotfiles):
            made.mkdir(parents=True)
        (dotfiles / "real.toml").touch()
        (dotfiles / "link.toml").symlink_to("real.toml")
        (self.home / "config.toml").symlink_to("../dotfiles/link.toml")
        for name, data in OLD.items():
            if data is not None:
                (self.home / name).write_bytes(data)
                (self.home / name).chmod(MODES[name])

    def plan(self) -> ChangeSet:
        """Return what leads from what is there now to `NEW`."""
        files = [FileChange(self.home / name, read_bytes(self.home / name), data) for name, data in NEW.items()]
        return ChangeSet("init", tuple(files))

    def holds(self) -> dict[str, bytes | None]:
        return {name: read_bytes(self.home / name) for name in OLD}

    def modes(self) -> dict[str, int]:
        return {name: (self.home / name).stat().st_mode & 0o777 for name in OLD if (self.home / name).exists()}

    def temporary(self) -> list[Path]:
        """Return every file that is not meant to stay."""
        return [path for path in self.home.parent.rglob("*") if path.suffix in {".tmp", ".draft"}]


def init(machine: Machine, disk: Disk) -> None:
    Journal(disk).write(machine.plan(), lambda: None)


def refused(machine: Machine, disk: Disk) -> None:
    try:
        Journal(disk).write(machine.plan(), lambda: "no, says Codex")
    except RouterError as error:
        if "no, says Codex" not in str(error):
            raise


def undo(machine: Machine, disk: Disk) -> None:
    init(machine, Disk())
    Journal(disk).undo()


def again(machine: Machine, disk: Disk) -> None:
    """`init` after an `init` that was killed between two files."""
    if os.fork() == 0:
        init(machine, KilledAtTheThirdFile())
    os.wait()
    init(machine, disk)


SCENARIOS = {scenario.__name__: scenario for scenario in (init, refused, undo, again)}


def walk(scenario: str, folder: Path) -> None:
    """Play a scenario once per system call."""
    for number in range(1, 1000):
        machine = Machine(folder / f"{number:03d}")
        machine.build()
        child = os.fork()
        if child == 0:
            try:
                SCENARIOS[scenario](machine, Countdown(number, kill))
            except BaseException:  # noqa: BLE001 - a child must never return into the loop
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.wait()[1])
        if status != -signal.SIGKILL:
            sys.exit(status)
    sys.exit("never came to an end")


if __name__ == "__main__":
    walk(sys.argv[1], Path(sys.argv[2]))
