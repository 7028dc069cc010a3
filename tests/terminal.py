"""A terminal with a shell in it that has job control, as a person has one."""

from __future__ import annotations

import os
import pty
import select
from typing import Self

from waiting import wait_for
from world import World

CTRL_C = "\x03"
CTRL_Z = "\x1a"
CTRL_BACKSLASH = "\x1c"


class Terminal:
    """An interactive bash in a pseudo-terminal, in the project folder of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shown = ""
        """What is on the screen."""
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:
            os.chdir(self.world.folder)
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], {**self.world.env, "PS1": "ready$ "})
        self.expect("ready$ ")
        return self

    def __exit__(self, *_: object) -> None:
        self.world.end()
        self.hang_up()
        os.waitpid(self._pid, 0)

    def type(self, text: str) -> None:
        """Type something on an empty screen."""
        self.shown = ""
        os.write(self._open(), text.encode())

    def run(self, line: str) -> None:
        """Type a line."""
        self.type(f"{line}\n")

    def hang_up(self) -> None:
        """Close the window."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def expect(self, text: str) -> None:
        """Return when `text` is on the screen."""
        wait_for(lambda: text in self._read())

    def status(self) -> int:
        """Return the exit status of the last command."""
        self.run("echo status=$?=")
        self.expect("=\r\nready$ ")
        return int(self.shown.rpartition("status=")[2].partition("=")[0])

    def _read(self) -> str:
        while select.select([self._open()], [], [], 0)[0]:
            self.shown += os.read(self._open(), 1 << 16).decode(errors="replace")
        return self.shown

    def _open(self) -> int:
        assert self._descriptor is not None
        return self._descriptor
