"""How long `usage` takes on a ledger of a million responses, beside what Python and its libraries take to start.

python tests/benchmarks/usage_of_a_million.py [TASKS RESPONSES_PER_TASK ROUNDS]
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from large_ledger import fill

USAGE = ["-m", "codex_router", "usage"]
ALL = [*USAGE, "--since", "all"]
GROUPS = ("day", "week", "month", "project", "branch", "category", "model", "effort", "tier", "person")
COMMANDS = {
    "python, sqlalchemy and rich imported": ["-c", "import click, sqlalchemy, rich.console, rich.table"],
    "usage (the last 30 days)": USAGE,
    "usage --since all": ALL,
    **{f"usage --since all --by {by} --json": [*ALL, "--by", by, "--json"] for by in (*GROUPS, "category,model")},
}


def main(tasks: int = 100_000, responses_per_task: int = 10, rounds: int = 7) -> None:
    from codex_router.evidence.store import Store

    folder = Path(tempfile.mkdtemp(prefix="usage-"))
    os.environ |= {"CODEX_ROUTER_HOME": str(folder / "router"), "CODEX_HOME": str(folder / "codex")}
    try:
        with Store.open() as store:
            fill(store, tasks, responses_per_task)
        takes: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
        for _ in range(rounds):
            for name, argv in COMMANDS.items():
                started = time.perf_counter()
                process = subprocess.Popen([sys.executable, *argv], stdout=subprocess.DEVNULL)
                _, status, used = os.wait4(process.pid, 0)
                if status:
                    raise SystemExit(f"{name} failed with {status}")
                takes[name].append((used.ru_utime + used.ru_stime, time.perf_counter() - started))
        print(f"{tasks * responses_per_task:,} responses in {tasks:,} tasks; median of {rounds}, ", end="")
        print(f"load {os.getloadavg()[0]:.1f}")
        base = statistics.median(processor for processor, _ in takes[next(iter(COMMANDS))])
        for name, taken in takes.items():
            processor, wall = (statistics.median(column) for column in zip(*taken, strict=True))
            best = min(one for one, _ in taken)
            print(f"{name:45} {processor:6.2f} s processor (best {best:.2f}) {wall:6.2f} s {processor / base:5.1f} x")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
