"""How long the report of a large ledger takes to make and to open, beside an empty page in the same browser.

    python tests/benchmarks/report_page.py [TASKS ROUNDS]

Opening is the time from navigation to the end of loading and one painted frame, as the browser measures it.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from large_ledger import fill
from playwright.sync_api import Browser, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-zygote", "--in-process-gpu", "--disable-dev-shm-usage"]
PAINTED = (
    """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""
)
EMPTY = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>empty</title></head><body></body></html>'


def made(folder: Path, tasks: int) -> Path:
    """Fill a ledger and make its page; print what both took."""
    from codex_router.cli import run
    from codex_router.evidence.store import Store

    started = time.perf_counter()
    with Store.open() as store:
        fill(store, tasks, 3)
    filled = time.perf_counter()
    processor = time.process_time()
    page = folder / "report.html"
    run(["report", "--html", str(page), "--since", "all", "--no-read"])
    wall, processor = time.perf_counter() - filled, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{tasks:,} tasks stored in {filled - started:.1f} s; page of {page.stat().st_size // 1000:,} kB made in ",
        end="",
    )
    print(f"{wall:.1f} s ({processor:.1f} s processor, {peak:.0f} MB peak)")
    return page


def opened(browser: Browser, page: Path) -> float:
    """Return the milliseconds from navigation to the first painted frame behind loading."""
    tab = browser.new_page(viewport={"width": 1200, "height": 900})
    tab.goto(page.as_uri(), wait_until="load")
    taken = float(tab.evaluate(PAINTED))
    tab.close()
    return taken


def main(tasks: int = 100_000, rounds: int = 7) -> None:
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("no Chromium here: `apt-get install chromium`")
    folder = Path(tempfile.mkdtemp(prefix="report-"))
    os.environ |= {"CODEX_ROUTER_HOME": str(folder / "router"), "CODEX_HOME": str(folder / "codex")}
    try:
        pages = {"an empty page": folder / "empty.html", "the report": made(folder, tasks)}
        pages["an empty page"].write_text(EMPTY, encoding="utf-8")
        takes: dict[str, list[float]] = {name: [] for name in pages}
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=program, args=FLAGS)
            for _ in range(rounds):
                for name, page in pages.items():
                    takes[name].append(opened(browser, page))
            browser.close()
        medians = {name: statistics.median(taken) for name, taken in takes.items()}
        for name, median in medians.items():
            print(f"{name:15} {median:7.0f} ms (median of {rounds}, worst {max(takes[name]):.0f})")
        print(f"ratio {medians['the report'] / medians['an empty page']:.1f}; load {os.getloadavg()[0]:.1f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
