"""How long does the ledger hold up runs that end at once? By hand: ``python tests/benchmarks/ledger_crowd.py``.

Fifty runs of `exec` end at once and each writes itself into one ledger; the time is that from the beginning of the
write to its end, with the wait for the others.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from crowd import crowd
from world import World

from codex_router.codex.scripted_server import serving
from codex_router.evidence.ledger import Ledger

TIMED = """
import os, sys, time
from codex_router.commands import record
store = record.store
def timed(*arguments):
    begun = time.perf_counter()
    store(*arguments)
    sys.stderr.write(f"stored in {time.perf_counter() - begun}\\n")
record.store = timed
from codex_router.__main__ import main
main()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder, serving([{"final": "done"}]) as server:
        world = World(Path(folder), "", "0.163.0", server)
        world.write_profiles()
        argv = [sys.executable, "-c", TIMED, "exec", "--quiet", "--tier", "bulk", "go on"]
        ends = crowd(world, argv, options.size)
        with Ledger.open(world.router_home / "ledger.sqlite") as ledger:
            rows = len(ledger.runs())
    times = sorted(float(said.split()[-1]) * 1000 for _, said in ends)
    sys.stdout.write(
        f"{options.size} runs end at once, load {os.getloadavg()[0]:.1f}: {rows} recorded; "
        f"in the ledger {statistics.median(times):.0f} ms (median), {times[-1]:.0f} ms (longest)\n"
    )
    sys.exit(rows != options.size)


if __name__ == "__main__":
    main()
