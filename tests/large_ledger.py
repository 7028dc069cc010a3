"""A ledger of sessions as large as asked for, without session files: for benchmarks and for tests of large reports."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

from session_corpus import START

from codex_router.evidence.pricing import Pricing
from codex_router.evidence.session_records import Position, Response, Session, Task, Thread
from codex_router.evidence.sessions import SessionRead
from codex_router.evidence.store import Store

CATEGORIES = ("bugfix", "feature", "review", "lint", "docs", "test", "refactor", "ops")
ARMS = (("gpt-5.5", "medium"), ("gpt-5.5", "low"), ("gpt-5.4", "high"), ("gpt-5.4-mini", None))
TASKS_PER_THREAD = 5
FILES = 200
"""That are stored in one transaction."""


def fill(store: Store, tasks: int, responses_per_task: int) -> None:
    """Store so many tasks, spread over a year, twenty projects, eight categories and four arms."""
    pricing, batch = Pricing(), []
    for read in _reads(tasks, responses_per_task, pricing):
        batch.append(read)
        if len(batch) == FILES:
            store.add(batch)
            batch = []
    store.add(batch)
    store.settle()


def _reads(tasks: int, per_task: int, pricing: Pricing) -> Iterator[SessionRead]:
    chance = random.Random(1)
    for number in range(tasks // TASKS_PER_THREAD):
        start = START + dt.timedelta(seconds=chance.random() * 365 * 86400)
        thread_id = f"{int(start.timestamp() * 1000):012x}"[:8] + f"-{number % 65536:04x}-7000-8000-{number:012x}"
        thread = Thread(
            thread_id, thread_id, None, None, "exec", 0, f"/home/user/project{number % 20}", "main", None, None,
            "0.169.0", "openai", start.isoformat(),
        )  # fmt: skip
        session = Session(thread, [], [], [], {}, 0)
        total = 0
        for index in range(TASKS_PER_THREAD):
            model, effort = chance.choice(ARMS)
            turn, category = f"{thread_id[:-4]}{index:04x}", chance.choice(CATEGORIES)
            time = (start + dt.timedelta(minutes=10 * index)).isoformat()
            context = 10_000
            for step in range(per_task):
                new, output = chance.randint(200, 2000), chance.randint(50, 900)
                total += context + new + output
                session.responses.append(
                    Response(
                        0, total, turn, time, model, effort, context + new, context, 0, output, output // 2, context,
                        new * 2, 0, None, 0, step, None, None, None,
                    )
                )  # fmt: skip
                context += new + output // 2
            session.tasks.append(
                Task(
                    turn, turn, time, 60.0 * per_task, "completed", category, f"{number:064x}", 80, per_task, per_task,
                    5000, 0, 1, 0,
                )
            )  # fmt: skip
        for one in session.responses:
            cost = pricing.cost(one, "openai")
            session.costs.append(cost and tuple(cost))
        yield SessionRead(Position(f"/home/user/.codex/{thread_id}.jsonl", 1, 1, 1, "{}"), session)
