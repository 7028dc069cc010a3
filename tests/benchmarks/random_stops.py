"""Does anything stay behind? By hand: ``python tests/benchmarks/random_stops.py``, a quarter of an hour.

Runs of real Codex are ended at random moments: by signals to codex-router, by budgets, by readers of its output that go
away; from before Codex is started to its own end, with tools at work that have children in the background. After each,
no process may be left and no zombie; at the end every session file must be whole and known to the ledger, and the
ledger sound.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from codex_binary import codex_binary
from world import GO, World

from codex_router.codex.scripted_server import Step, serving

STEPS: list[Step] = [
    {"cmd": "true", "say": "one"},
    {"cmds": ["sleep 301 & sleep 300", "true"]},
    {"final": "done"},
]
QUICK: list[Step] = [{"cmd": "true"}, {"cmds": ["true", "sleep 0.02"]}, {"cmd": "true"}, {"final": "done"}]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
LONGEST_S = 1.2
"""The moment of a stop is anywhere from 0 to this, in seconds from the start of codex-router."""
GONE_S = 20.0
"""How long a process may take to go."""


def start(world: World, words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "codex_router", "exec", "--quiet", "--tier", "bulk", *words, *GO, "go on"],
        cwd=world.folder,
        env=world.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def stopped(world: World, chance: random.Random) -> tuple[str, int]:
    """Make one run, end it in some way; return which and how it ended, and its process id."""
    how = chance.choice([*(number.name for number in SIGNALS), "twice", "turns", "cost", "seconds", "reader"])
    world.server.steps = chance.choice([STEPS, QUICK])
    moment = chance.uniform(0.0, LONGEST_S)
    words = {
        "turns": ["--max-turns", str(chance.randint(1, 3))],
        "cost": ["--max-cost", f"{chance.uniform(0.001, 0.01):.4f}"],
        "seconds": ["--max-seconds", f"{max(moment, 0.01):.3f}"],
        "reader": ["--json"],
    }.get(how, [])
    process = start(world, words)
    assert process.stdout
    if how not in {"turns", "cost", "seconds"}:
        time.sleep(moment)
    if how == "reader":
        process.stdout.close()
        time.sleep(chance.uniform(0.0, 0.2))
        process.terminate()
    elif how == "twice":
        process.send_signal(chance.choice(SIGNALS))
        time.sleep(chance.uniform(0.0, 0.05))
        process.send_signal(chance.choice(SIGNALS))
    elif how.startswith("SIG"):
        process.send_signal(getattr(signal, how))
    else:
        _end_after(process, 5.0)
    process.wait(60)
    process.stdout.close()
    return f"{how}: {process.returncode}", process.pid


def _end_after(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Let a budget end the run; when it is larger than the run, a signal does."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.terminate()


def left_behind(world: World, session: int) -> tuple[list[str], int]:
    """Return what still runs of a world, and how many of a session are zombies, when they have had time to go."""
    deadline = time.monotonic() + GONE_S
    while True:
        left, dead = list(world.processes().values()), zombies(session)
        if not (left or dead) or time.monotonic() > deadline:
            return left, dead
        time.sleep(0.02)


def zombies(session: int) -> int:
    """Return how many processes of a session have died and were never fetched."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, *rest = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        found += state == "Z" and rest[2] == str(session)
    return found


def sessions(world: World) -> dict[str, int | None]:
    """Return the session files by thread: how many responses each has, None when it is not whole lines of JSON."""
    return {path.stem[-36:]: _responses(path) for path in world.codex_home.glob("sessions/*/*/*/rollout-*.jsonl")}


def _responses(path: Path) -> int | None:
    *lines, last = path.read_bytes().split(b"\n")
    try:
        kinds = [json.loads(line)["type"] for line in lines]
    except (ValueError, KeyError, TypeError):
        return None
    return None if last else kinds.count("token_usage_record")


def ledger(world: World) -> tuple[str, int, list[str]]:
    """Return (integrity, rows, the sessions of those that have one)."""
    with closing(sqlite3.connect(world.router_home / "ledger.sqlite")) as connection:
        ((integrity,),) = connection.execute("PRAGMA integrity_check")
        rows = connection.execute("SELECT session_id FROM attempts").fetchall()
    return integrity, len(rows), [session for (session,) in rows if session]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--codex", default="0.163.0", help="version")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for each in SIGNALS:
        signal.signal(each, signal.SIG_DFL)  # a shell may have left some of them ignored, and so would ours be then
    chance = random.Random(options.seed)
    ends: Counter[str] = Counter()
    orphans = dead = 0
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder, serving(STEPS) as server:
        world = World(Path(folder), codex_binary(options.codex), options.codex, server)
        world.write_profiles()
        for number in range(1, options.runs + 1):
            end, pid = stopped(world, chance)
            ends[end] += 1
            left, unfetched = left_behind(world, pid)
            dead += unfetched
            orphans += len(left)
            if left:
                sys.stdout.write(f"run {number}, {end}: left {left}\n")
                world.end()
        files = sessions(world)
        integrity, rows, known = ledger(world)
    broken = sum(session is None for session in files.values())
    unknown = sum(bool(responses) and name not in known for name, responses in files.items())
    twice, lost = len(known) - len(set(known)), len(set(known) - set(files))
    for name in sorted(name for name, responses in files.items() if responses and name not in known):
        sys.stdout.write(f"not in the ledger: {name}, {files[name]} responses\n")
    for end, times in sorted(ends.items()):
        sys.stdout.write(f"{end:16} {times}\n")
    sys.stdout.write(
        f"Codex {options.codex}, {options.runs} stops, seed {options.seed}\n"
        f"left behind: {orphans} processes, {dead} zombies\n"
        f"session files: {len(files)}, {broken} broken, {unknown} with a response that the ledger does not know\n"
        f"ledger: integrity {integrity}, {rows} rows, {len(known)} with a session, {twice} of them twice, {lost} lost\n"
    )
    sys.exit(bool(orphans or dead or broken or unknown or twice or lost or integrity != "ok"))


if __name__ == "__main__":
    main()
