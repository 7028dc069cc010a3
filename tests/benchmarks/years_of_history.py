"""How long a long history takes to be read and stored, how much memory, and what an interruption in its middle loses.

    python tests/benchmarks/years_of_history.py [MEGABYTES]

Reads a tenth of the history into a new ledger, then all of it into another one, then all of it again with Ctrl-C when
a third is stored, and goes on. Prints time, MB/s and the peak memory of the largest process of each, and what the rate
makes of 50 GB. It fails when a ledger's totals are not those of the files, or when what was stored before Ctrl-C is
read twice.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from session_corpus import truth, write_corpus

INGEST = [sys.executable, "-m", "codex_router", "ingest", "--sessions", "--json"]
MEGABYTES_PER_FILE = 0.74
WHOLE_GB = 50


class Taken(NamedTuple):
    """One reading."""

    status: int
    wall_s: float
    peak_mb: float
    said: str


def ingest(home: Path, router: Path, *, until_files: int | None = None) -> Taken:
    """Read a Codex home; with `until_files`, interrupt when so many files are stored."""
    env = {**os.environ, "CODEX_HOME": str(home), "CODEX_ROUTER_HOME": str(router)}
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(INGEST, env=env, stdout=out, stderr=subprocess.DEVNULL)
        if until_files is not None:
            while stored(router, "count(*)", "session_files") < until_files:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        out.seek(0)
        said = out.read().decode()
    return Taken(os.waitstatus_to_exitcode(status), wall, used.ru_maxrss / 1024, said)


def stored(router: Path, what: str, table: str) -> int:
    """Return a figure of a ledger, 0 when there is none yet."""
    path = router / "ledger.sqlite"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            return int(connection.execute(f"SELECT {what} FROM {table}").fetchone()[0] or 0)
        except sqlite3.OperationalError:  # not made yet
            return 0


def write(home: Path, megabytes: float) -> tuple[int, float, int]:
    """Write a history; return its files, its megabytes and its tokens."""
    files = max(3, round(megabytes / MEGABYTES_PER_FILE))
    counts = truth(*write_corpus(home, files=files, megabytes=megabytes)).values()
    size = sum(path.stat().st_size for path in home.rglob("*.jsonl")) / 1e6
    return files, size, sum(one[0] + one[3] for one in counts)


def report(name: str, taken: Taken, megabytes: float) -> None:
    print(f"{name:36} {taken.wall_s:7.1f} s {megabytes / taken.wall_s:6.0f} MB/s {taken.peak_mb:5.0f} MB peak")


def main(megabytes: int = 5000) -> None:
    folder = Path(tempfile.mkdtemp(prefix="history-"))
    try:
        sizes = {}
        for name, share in (("tenth", 0.1), ("all", 1.0)):
            # In a process of its own: what this one has held counts as held by those that it starts.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                sizes[name] = pool.apply(write, (folder / name, share * megabytes))
        print(f"{sizes['all'][1]:,.0f} MB in {sizes['all'][0]:,} files, {os.cpu_count()} cores, ", end="")
        print(f"load {os.getloadavg()[0]:.1f}, page cache warm as far as memory goes")
        for name, (_, size, tokens) in sizes.items():
            taken = ingest(folder / name, folder / f"router-{name}")
            assert taken.status == 0
            assert stored(folder / f"router-{name}", "sum(input_tokens + output_tokens)", "responses") == tokens
            report(f"ingest, {size:,.0f} MB", taken, size)
            print(f"at that rate, {WHOLE_GB} GB: {WHOLE_GB * 1000 / (size / taken.wall_s) / 60:.1f} minutes")
        interrupted(folder, *sizes["all"])
    finally:
        shutil.rmtree(folder)


def interrupted(folder: Path, files: int, size: float, tokens: int) -> None:
    router = folder / "router-cut"
    first = ingest(folder / "all", router, until_files=files // 3)
    kept = stored(router, "count(*)", "session_files")
    report(f"Ctrl-C: {kept:,} files stored, status {first.status}", first, size * kept / files)
    second = ingest(folder / "all", router)
    assert second.status == 0
    read = json.loads(second.said)["sessions"][0]["files_read"]
    assert read == files - kept
    assert stored(router, "sum(input_tokens + output_tokens)", "responses") == tokens
    report(f"again: the other {read:,} files", second, size * read / files)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
