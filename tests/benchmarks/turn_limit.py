"""Do limits hold to the very request? By hand: ``python tests/benchmarks/turn_limit.py``, a quarter of an hour.

Real Codex against a scripted server that never ends by itself. With N turns allowed the server must see N requests,
for every N from 1 to 40, with one to three tool calls at once; with a cost allowed it must see those that fit into it
and the one that crosses it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from codex_binary import codex_binary
from world import GO, PRICES, World

from codex_router.codex.scripted_server import Step, serving

MOST = 40


class Trial(NamedTuple):
    """One run: its options, and how many requests it may make."""

    words: tuple[str, str]
    requests: int


def steps(chance: random.Random) -> Iterator[Step]:
    """Yield responses that call one tool, or several at once; some take a moment."""
    for _ in range(2 * MOST):
        calls = [chance.choice(["true", "echo 1", "sleep 0.05"]) for _ in range(chance.choice([1, 1, 2, 3]))]
        yield {"cmds": calls, "say": "on we go"} if chance.random() < 0.5 else {"cmds": calls}


def costs() -> Iterator[float]:
    """Yield what the server's n-th response costs, USD; see `scripted_server._usage`."""
    price = PRICES["gpt-5.5"]
    for done in itertools.count():
        cached = 500 + 500 * done if done else 0
        fresh = 1000 + 500 * done - cached
        yield (fresh * price["input_usd"] + cached * price["cached_input_usd"] + 50 * price["output_usd"]) / 1e6


def turn_trials(runs: int) -> Iterator[Trial]:
    for number in range(runs):
        turns = number % MOST + 1
        yield Trial(("--max-turns", str(turns)), turns)


def cost_trials(runs: int, chance: random.Random) -> Iterator[Trial]:
    sums = list(itertools.accumulate(itertools.islice(costs(), MOST)))
    for _ in range(runs):
        limit = chance.uniform(0.0, sums[-1])
        yield Trial(("--max-cost", f"{limit:.6f}"), 1 + sum(spent < limit for spent in sums))


def outcome(world: World, trial: Trial, chance: random.Random) -> str:
    """Make one run; return ``exact``, or what was wrong."""
    world.server.steps, world.server.requests[:] = list(steps(chance)), []
    done = world.run("exec", "--quiet", "--tier", "standard", "--no-record", *trial.words, *GO, "go on")
    seen = len(world.server.requests)
    if (done.status, seen) == (124, trial.requests):
        return "exact"
    return f"status {done.status}, {seen - trial.requests:+d} requests"


def series(world: World, trials: Iterator[Trial], chance: random.Random, what: str) -> bool:
    found: Counter[str] = Counter()
    for number, trial in enumerate(trials, 1):
        result = outcome(world, trial, chance)
        found[result] += 1
        if result != "exact":
            sys.stdout.write(f"run {number}, {' '.join(trial.words)}: {result}, load {os.getloadavg()[0]:.1f}\n")
    sys.stdout.write(f"{what}: {found['exact']} of {found.total()}\n")
    return found["exact"] == found.total()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="of each kind")
    parser.add_argument("--codex", default="0.163.0", help="version")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder, serving([{"final": "done"}]) as server:
        world = World(Path(folder), codex_binary(options.codex), options.codex, server)
        world.write_profiles()
        turns = series(world, turn_trials(options.runs), chance, f"Codex {options.codex}, N turns, N requests")
        cost = series(world, cost_trials(options.runs, chance), chance, f"Codex {options.codex}, cost limits")
    sys.exit(not (turns and cost))


if __name__ == "__main__":
    main()
