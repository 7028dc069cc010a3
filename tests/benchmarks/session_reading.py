"""How fast session files are read, beside the fastest public reader that npm installs, in one run.

    python tests/benchmarks/session_reading.py [FILES MEGABYTES ROUNDS]

Prints, for each reader, the median over the rounds of wall time and MB/s, processor time and the peak memory of its
largest process, and the ratio of the best times; the page cache is warm and the readers take turns. It fails when their
token totals differ.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from session_corpus import truth, write_corpus

RIVAL = "ccusage@20.0.24"
READ = """
import json, sys
from pathlib import Path
from codex_router.evidence.session_files import find_sessions
from codex_router.evidence.sessions import reading
files, _ = find_sessions(Path(sys.argv[1]))
seen = {}
with reading(files, files, lambda prompt: "none", {}) as reads:
    for read in reads:
        for one in read.session.responses:
            seen[read.session.thread.thread_id, one.generation, one.total_tokens] = one.input_tokens + one.output_tokens
print(sum(seen.values()))
"""
INGEST = [sys.executable, "-m", "codex_router", "ingest", "--sessions"]


class Taken(NamedTuple):
    """One measurement."""

    wall_s: float
    processor_s: float
    peak_mb: float
    output: str


def measured(argv: list[str], env: dict[str, str]) -> Taken:
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(argv, env=env, stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        out.seek(0)
        text = out.read().decode()
    if status:
        raise SystemExit(f"{argv[0]} failed with {status}")
    return Taken(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text)


def rival(folder: Path) -> str:
    """Install the rival and return its program, without the launcher."""
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), RIVAL]
    subprocess.run(npm, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    program = next((folder / "node_modules" / "@ccusage").glob("*/bin/ccusage"))
    program.chmod(0o755)
    return str(program)


def main(files: int = 407, megabytes: float = 300, rounds: int = 5) -> None:
    folder = Path(tempfile.mkdtemp(prefix="sessions-"))
    try:
        home = folder / "codex"
        expected = sum(
            counts[0] + counts[3] for counts in truth(*write_corpus(home, files=files, megabytes=megabytes)).values()
        )
        size = sum(path.stat().st_size for path in home.rglob("*.jsonl")) / 1e6
        program = rival(folder / "npm")
        env = {**os.environ, "CODEX_HOME": str(home), "CODEX_ROUTER_HOME": str(folder / "router")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled once, not at every start
        takes: dict[str, list[Taken]] = {}
        for _ in range(rounds):
            shutil.rmtree(folder / "router", ignore_errors=True)
            for name, argv in {
                RIVAL: [program, "codex", "daily", "--json", "--offline"],
                "codex-router, reader": [sys.executable, "-c", READ, str(home)],
                "codex-router, ingest into a new ledger": INGEST,
                "codex-router, ingest with nothing new": INGEST,
            }.items():
                takes.setdefault(name, []).append(measured(argv, env))
        assert json.loads(takes[RIVAL][0].output)["totals"]["totalTokens"] == expected
        assert int(takes["codex-router, reader"][0].output) == expected
        print(
            f"{size:.0f} MB in {files} files, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; median of {rounds}"
        )
        best = {name: min(one.wall_s for one in taken) for name, taken in takes.items()}
        for name, taken in takes.items():
            wall = statistics.median(one.wall_s for one in taken)
            processor = statistics.median(one.processor_s for one in taken)
            peak = max(one.peak_mb for one in taken)
            rate = "" if name.endswith("new") else f"{size / wall:7.0f} MB/s"
            print(f"{name:42} {wall:7.2f} s {rate:12} {processor:6.2f} s processor {peak:5.0f} MB peak")
        for name in list(takes)[1:]:
            print(f"{name}: {best[name] / best[RIVAL]:.2f} times the time of {RIVAL}, best of each")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
