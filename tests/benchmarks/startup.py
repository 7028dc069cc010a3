"""What the router adds before, and around, a run of Codex. By hand: ``python tests/benchmarks/startup.py``.

Everything is measured in turns within one run, so that a busy machine slows all of it alike; read the ratios. The
processor's time hardly depends on what else runs, the wall clock's does.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from codex_binary import codex_binary
from waiting import wait_for
from world import GO, World

from codex_router.codex.scripted_server import serving

PROMPT = "Update the README with installation instructions"
TO_THE_SPAWN = """
import os
os.posix_spawn = lambda *_, **__: os._exit(0)
from codex_router.__main__ import main
main()
"""

ONLY_TO_START_IT = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
"""The least that a Python can do in front of Codex."""


def commands(world: World) -> dict[str, list[str]]:
    """Return what is measured, by name; each command is compared with the one that `BASES` names."""
    python = sys.executable
    ours = str(Path(python).with_name("codex-router"))
    return {
        "python -c pass": [python, "-c", "pass"],
        "codex-router route": [ours, "route", PROMPT],
        "codex-router exec, up to the spawn": [python, "-c", TO_THE_SPAWN, "exec", "--quiet", *GO, PROMPT],
        "codex exec": [world.codex, "exec", *GO, PROMPT],
        "python that only starts codex exec": [python, "-c", ONLY_TO_START_IT, world.codex, "exec", *GO, PROMPT],
        "codex-router exec": [ours, "exec", "--quiet", *GO, PROMPT],
    }


BASES = {
    "codex-router route": "python -c pass",
    "codex-router exec, up to the spawn": "python -c pass",
    "python that only starts codex exec": "codex exec",
    "codex-router exec": "codex exec",
}


class Took(NamedTuple):
    """Seconds."""

    wall: float
    processor: float
    """User and system time of the command and all that it waited for."""


def took(argv: list[str], world: World) -> Took:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(argv, cwd=world.folder, env=world.env, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def measured(world: World, rounds: int) -> dict[str, list[Took]]:
    """Return the times of each command, taken in turns, after one round that warms the caches."""
    times: dict[str, list[Took]] = {name: [] for name in commands(world)}
    for number in range(rounds + 1):
        for name, argv in commands(world).items():
            one = took(argv, world)
            if number:
                times[name].append(one)
    return times


def compared(times: dict[str, list[Took]]) -> Iterator[str]:
    """Yield one line per command: medians, and medians of the ratios of pairs."""
    for name, all_of_it in times.items():
        line = f"{name:36}"
        for kind in range(2):
            mine = [one[kind] for one in all_of_it]
            line += f" {statistics.median(mine) * 1000:7.1f} ms"
            if name in BASES:
                pairs = zip(mine, (one[kind] for one in times[BASES[name]]), strict=True)
                line += f" ({statistics.median(one / other for one, other in pairs):5.2f} x)"
            else:
                line += " " * 10
        yield f"{line}  {'of ' + BASES[name] if name in BASES else ''}".rstrip()


def memory(world: World) -> str:
    """Return what codex-router itself occupies while Codex runs a tool."""
    world.server.steps = [{"cmd": "while [ ! -e go ]; do sleep 0.05; done"}, {"final": "done"}]
    process = world.start("exec", "--quiet", *GO, PROMPT)
    wait_for(lambda: any("-e go ]" in words for words in world.processes().values()))
    said = "".join(Path(f"/proc/{process.pid}/{name}").read_text() for name in ("status", "smaps_rollup"))
    (world.folder / "go").touch()
    process.communicate()
    peak, own = (int(re.findall(rf"^{name}:\s+(\d+) kB", said, re.MULTILINE)[0]) / 1024 for name in ("VmHWM", "Pss"))
    return f"memory while Codex runs: {peak:.1f} MB at most, {own:.1f} MB is its share (Pss)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--codex", default="0.163.0", help="version; npm-0.169.0 is npm's, with its launcher")
    parser.add_argument("--answer-after", type=float, default=0.0, help="seconds that the model takes")
    options = parser.parse_args()
    answer = {"final": "done", "delay": options.answer_after}
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder, serving([answer]) as server:
        world = World(Path(folder), codex_binary(options.codex), options.codex, server)
        world.write_profiles()
        times = measured(world, options.rounds)
        occupied = memory(world)
    sys.stdout.write(f"Codex {options.codex}, {options.rounds} rounds, load {os.getloadavg()[0]:.1f}, ")
    sys.stdout.write(f"an answer after {options.answer_after:g} s\n")
    sys.stdout.write(f"{'':36} {'wall clock':>10}          {'processor':>11}\n")
    sys.stdout.writelines(f"{line}\n" for line in [*compared(times), occupied])


if __name__ == "__main__":
    main()
