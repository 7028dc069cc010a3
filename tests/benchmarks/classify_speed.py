"""What classifying costs: start-up, a prompt, a hostile megabyte. ``python tests/benchmarks/classify_speed.py``.

Processor time, and ratios to plain work on the same machine in the same run; asserts nothing.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from own_prompts import own_prompts

from codex_router.decide.classify import Classifier, classify
from codex_router.decide.taxonomy import read_categories
from codex_router.decide.weights import read_weights
from codex_router.shipped import shipped, shipped_bytes

ROUNDS = 31
STARTS = {
    "python -c pass": "pass",
    "and what route imports anyway": "import codex_router.records, codex_router.settings, pathlib, json, re",
    "and the classifier with its weights": (
        "import codex_router.records, codex_router.settings, pathlib, json, re\n"
        "from codex_router.decide.classify import classify\n"
        "from codex_router.decide.weights import read_weights\n"
        "from codex_router.shipped import shipped_bytes\n"
        "read_weights(shipped_bytes('classifier.bin'))"
    ),
}
HOSTILE = ("(", "at x", "`", "```", "<stdin>", "a/", "@", "\u3042", "\n>", "a.b", "1 |", "- ", "x@", ".", "'")
FILES = ("prompts_one_shot.txt", "prompts_one_shot_late.txt", "prompts_languages.txt")
MEGABYTE = 1 << 20


def start_up() -> None:
    """Print the processor time of starting Python, with more and more imported."""
    times: dict[str, list[float]] = {name: [] for name in STARTS}
    for number in range(ROUNDS + 1):
        for name, code in STARTS.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", code], check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if number:
                times[name].append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    unit = statistics.median(times["python -c pass"])
    for name, all_of_it in times.items():
        took = statistics.median(all_of_it)
        sys.stdout.write(f"{name:38} {took * 1000:7.1f} ms {took / unit:6.2f} x python -c pass\n")


def took(work: Callable[[], object], times: int = 5) -> float:
    """Return the least processor time of a few goes, in seconds."""
    spent = []
    for _ in range(times):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


def shipped_classifier() -> Classifier:
    """Return the classifier without anything of a user or a repository."""
    document = tomllib.loads((shipped("profiles") / "categories.toml").read_text(encoding="utf-8"))
    return Classifier(read_weights(shipped_bytes("classifier.bin")), read_categories(document))


def main() -> None:
    """Print everything."""
    start_up()
    judge = shipped_classifier()
    unit = took(lambda: sum(range(10_000)))
    prompts = [text for name in FILES for _, text in own_prompts(name)]
    prompts += ["\n".join(prompts[start : start + 12]) for start in range(0, len(prompts), 12)]  # long ones
    each = sorted(took(lambda text=text: classify(text, judge), 3) for text in prompts)  # type: ignore[misc]
    for name, one in (("median", statistics.median(each)), ("95th percentile", each[int(0.95 * len(each))])):
        sys.stdout.write(f"{f'a prompt, {name}':38} {one * 1000:7.2f} ms {one / unit:6.1f} x sum(range(10_000))\n")
    longest = took(lambda: classify("fix the crash in the parser\n" + "some words of prose. " * 50_000, judge))
    sys.stdout.write(f"{'1 MB of prose':38} {longest * 1000:7.2f} ms {longest / unit:6.1f} x sum(range(10_000))\n")
    for piece in HOSTILE:
        text = piece * (MEGABYTE // len(piece))
        one = took(lambda text=text: classify(text, judge), 3)  # type: ignore[misc]
        sys.stdout.write(f"{f'1 MB of {piece!r}':38} {one * 1000:7.2f} ms {one / longest:6.1f} x 1 MB of prose\n")


if __name__ == "__main__":
    main()
