"""Many runs of `exec` at once, which end at the same moment and then all want the ledger.

What is tried is the ledger, so a shell script stands in for Codex; the real one would only need 4 GB of memory.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from waiting import wait_for
from world import World

SCRIPT = """#!/bin/sh
[ "$1" = --version ] && { echo codex-cli 0.163.0; exit; }
exec 3< gate
: > begun-$$
read -r _ <&3
exit 0
"""


def crowd(world: World, argv: list[str], size: int) -> list[tuple[int, str]]:
    """Run a command line `size` times at once; return what each ended with and said on standard error."""
    codex, gate = world.home / "codex", world.folder / "gate"
    codex.write_text(SCRIPT)
    codex.chmod(0o755)
    world.env["CODEX_ROUTER_CODEX"] = str(codex)
    os.mkfifo(gate)
    held = os.open(gate, os.O_RDWR | os.O_CLOEXEC)
    runs = [_start(world, argv) for _ in range(size)]
    wait_for(lambda: len(list(Path(world.folder).glob("begun-*"))) == size)
    os.close(held)  # all of them read the end of the file, and end
    said = [run.communicate()[1].decode() for run in runs]
    return [(run.returncode, text) for run, text in zip(runs, said, strict=True)]


def _start(world: World, argv: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        cwd=world.folder,
        env=world.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
