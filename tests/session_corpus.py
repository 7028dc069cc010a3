"""Session files in the shapes that real Codex versions write, with totals known by construction.

``old`` is 0.50 (no turn ids, each count twice), ``middle`` 0.140 (turn ids, counts), ``new`` 0.169 (records).
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

SHAPES = {"old": "0.50.0", "middle": "0.140.0", "new": "0.169.0"}
NAMES = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens", "reasoning_output_tokens")
Counts = tuple[int, int, int, int, int]
ZERO: Counts = (0, 0, 0, 0, 0)


class Answer(NamedTuple):
    """A response that a model really gave."""

    thread: str
    model: str
    counts: Counts


def usage(counts: Counts, *, written: bool = True) -> dict[str, int]:
    said = dict(zip(NAMES, counts, strict=True))
    if not written:
        del said["cache_write_input_tokens"]
    return {**said, "total_tokens": counts[0] + counts[3]}


def plus(a: Counts, b: Counts) -> Counts:
    return tuple(x + y for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def minus(a: Counts, b: Counts) -> Counts:
    return tuple(x - y for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


class Thread:
    """One thread being written; `lines` are what its file holds, `answers` what its model really gave."""

    def __init__(self, shape: str, seed: int, start: dt.datetime, *, cwd: str = "/home/user/project") -> None:
        self.shape = shape
        self.random = random.Random(seed)
        self.now = start
        self.start = start
        self.cwd = cwd
        self.id = self.new_id()
        self.model, self.effort = "gpt-5.5", "medium"
        self.instructions = ""
        self.total: Counts = ZERO
        self.unrecorded: Counts = ZERO
        """What of the total an older Codex counted: records leave it out."""
        self.context = 9000
        self.lines: list[str] = []
        self.answers: list[Answer] = []
        self.ordinal = 0
        self.turn = ""
        self.filler = 300
        self.limits: dict[str, Any] = {"primary": None, "secondary": None, "credits": None, "plan_type": None}

    def new_id(self) -> str:
        head = f"{int(self.now.timestamp() * 1000):012x}"
        tail = f"{self.random.getrandbits(74):019x}"
        return f"{head[:8]}-{head[8:]}-7{tail[:3]}-8{tail[3:6]}-{tail[6:18]}"

    def put(self, kind: str, payload: dict[str, Any]) -> None:
        time = self.now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{self.now.microsecond // 1000:03d}Z"
        entry: dict[str, Any] = {"timestamp": time}
        if self.shape == "new":
            entry["ordinal"] = self.ordinal
            self.ordinal += 1
        self.lines.append(json.dumps({**entry, "type": kind, "payload": payload}, separators=(",", ":")))

    def wait(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)

    def meta(self, **more: Any) -> None:
        time = self.now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        said = {"id": self.id, "timestamp": time, "cwd": self.cwd, "originator": "codex_exec"}
        if self.shape == "new":
            said = {"session_id": self.id, **said}
        git = {"commit_hash": "c" * 40, "branch": "main"}
        self.put(
            "session_meta",
            {
                **said,
                "cli_version": SHAPES[self.shape],
                "source": "exec",
                "model_provider": "openai",
                "git": git,
                **more,
            },
        )

    def task(self, prompt: str, responses: int, *, end: bool = True) -> None:
        """One user turn with so many responses."""
        self.begin(prompt)
        for index in range(responses):
            self.respond(tool=index < responses - 1)
        if end and self.shape != "old":
            self.put("event_msg", {"type": "task_complete", "turn_id": self.turn, "last_agent_message": "done"})

    def begin(self, prompt: str) -> None:
        self.turn = self.new_id()
        if self.shape != "old":
            self.put("event_msg", {"type": "task_started", "turn_id": self.turn, "model_context_window": 258400})
            self.put_context()
        message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": prompt}]}
        self.put("response_item", message)
        if self.shape == "new":
            item = {
                "type": "UserMessage",
                "id": "1",
                "content": [{"type": "text", "text": prompt, "text_elements": []}],
            }
            self.put("event_msg", {"type": "item_completed", "thread_id": self.id, "turn_id": self.turn, "item": item})
        else:
            self.put("event_msg", {"type": "user_message", "message": prompt, "images": []})
        if self.shape == "old":
            self.put_context()
        self.context += len(prompt) // 4

    def put_context(self) -> None:
        said: dict[str, Any] = {"cwd": self.cwd, "approval_policy": "never", "model": self.model, "effort": self.effort}
        if self.instructions:
            said["user_instructions"] = self.instructions
        self.put("turn_context", said if self.shape == "old" else {"turn_id": self.turn, **said})

    def respond(self, *, tool: bool) -> Counts:
        self.wait(2 + self.random.random() * 20)
        output = self.random.randint(20, 900)
        given = self.random.randint(200, 2000)
        cached = self.context if self.answers else 0
        self.context += given
        counts: Counts = (self.context, cached, 0, output, self.random.randint(0, output))
        self.context += output - counts[4]
        self.answer(counts, tool=tool)
        return counts

    def answer(self, counts: Counts, *, tool: bool = False) -> None:
        """Write one response with these tokens."""
        if self.shape == "old":
            self.count(self.total, self.answers[-1].counts if self.answers else None)  # the repetition
        self.total = plus(self.total, counts)
        self.answers.append(Answer(self.id, self.model, counts))
        call = f"call_{self.random.getrandbits(32):08x}"
        text = {"type": "output_text", "text": "x" * 80}
        reasoning = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "e" * self.filler}
        self.put("response_item", reasoning)
        if self.shape == "old":
            self.count(self.total, counts)
        if tool:
            command = json.dumps({"cmd": "sed -n 1,200p a.py"})
            item = {"type": "function_call", "name": "exec_command", "arguments": command, "call_id": call}
            self.put("response_item", item)
        else:
            self.put("response_item", {"type": "message", "role": "assistant", "content": [text]})
        if self.shape == "new":
            self.record(counts)
        if tool:
            self.wait(0.5)
            output = "def f():\n    return 1\n" * (self.filler // 20)
            self.put("response_item", {"type": "function_call_output", "call_id": call, "output": output})
        elif self.shape != "new":
            self.put("event_msg", {"type": "agent_message", "message": "done"})
        if self.shape != "old":
            self.count(self.total, counts)

    def count(self, total: Counts, last: Counts | None) -> None:
        written = self.shape == "new"
        info = None
        if last is not None:
            said = {
                "total_token_usage": usage(total, written=written),
                "last_token_usage": usage(last, written=written),
            }
            info = {**said, "model_context_window": 258400}
        self.put("event_msg", {"type": "token_count", "info": info, "rate_limits": self.limits})

    def record(self, counts: Counts) -> None:
        ids = {"thread_id": self.id, "turn_id": self.turn, "session_id": self.id, "root_turn_id": self.turn}
        said = {**ids, "response_id": f"resp_{self.random.getrandbits(48):012x}", "usage": usage(counts)}
        self.put(
            "token_usage_record",
            {
                **said,
                "turn_token_usage": usage(counts),
                "thread_token_usage": usage(minus(self.total, self.unrecorded)),
            },
        )

    def child(self, seed: int, *, wait: float = 30) -> Thread:
        """Return a thread that begins later, without any line yet."""
        made = Thread(self.shape, seed, self.now + dt.timedelta(seconds=wait), cwd=self.cwd)
        made.filler = self.filler
        return made

    def copy_from(self, parent: Thread, *, keep_times: bool, spread: float = 0.0, until: int | None = None) -> None:
        """Write the parent's lines into this thread's file, as a fork of an older Codex does."""
        for text in parent.lines[:until]:
            entry = json.loads(text)
            if keep_times:
                entry["timestamp"] = entry["timestamp"]
            else:
                entry["timestamp"] = self.now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
                self.wait(spread)
            self.lines.append(json.dumps(entry, separators=(",", ":")))

    @property
    def name(self) -> str:
        return f"rollout-{self.start:%Y-%m-%dT%H-%M-%S}-{self.id}.jsonl"

    def save(self, home: Path, folder: str = "sessions", *, cut: int = 0) -> Path:
        """Write the file; `cut` bytes are missing at its end."""
        at = home / folder
        if folder == "sessions":
            at /= f"{self.start:%Y/%m/%d}"
        at.mkdir(parents=True, exist_ok=True)
        text = ("\n".join(self.lines) + "\n").encode()
        (at / self.name).write_bytes(text[: len(text) - cut])
        return at / self.name


def truth(*threads: Thread) -> dict[str, Counts]:
    """Return the tokens that each thread's model really gave."""
    sums: dict[str, Counts] = defaultdict(lambda: ZERO)
    for thread in threads:
        for answer in thread.answers:
            sums[thread.id] = plus(sums[thread.id], answer.counts)
    return dict(sums)


START = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)


def plain(shape: str, seed: int = 1, *, tasks: int = 2, responses: int = 4, filler: int = 300) -> Thread:
    """Return a thread without any trap."""
    thread = Thread(shape, seed, START + dt.timedelta(minutes=7 * seed))
    thread.filler = filler
    thread.meta()
    for index in range(tasks):
        thread.task(f"fix the failing test number {seed}-{index}", responses)
        thread.wait(60)
    return thread


def old_review() -> tuple[Thread, Thread]:
    """Return a thread and its review by a Codex that does not name the parent; only the turn is the same."""
    parent, review = plain("middle", tasks=1), plain("middle", 9, tasks=0)
    review.lines.clear()
    review.meta(source={"subagent": "review"})
    review.task("Review the changes", 3)
    parent.turn = review.turn
    parent.put("event_msg", {"type": "task_started", "turn_id": review.turn})
    parent.put("event_msg", {"type": "user_message", "message": "Review the changes"})
    return parent, review


def write_corpus(home: Path, *, files: int, megabytes: float, new_share: float = 0.7) -> list[Thread]:
    """Write `files` sessions of about `megabytes` in all, most of them in the newest shape."""
    shapes = random.Random(7)
    per_file = megabytes * 1e6 / files
    responses = 68
    filler = max(20, int(per_file / responses / 2.1) - 900)
    threads = []
    for seed in range(files):
        shape = "new" if shapes.random() < new_share else shapes.choice(["old", "middle"])
        thread = plain(shape, seed, tasks=4, responses=responses // 4, filler=filler)
        thread.save(home)
        thread.lines.clear()
        threads.append(thread)
    return threads
