"""What `exec` records of a run; and that the record never changes how the run ends."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from codex_binary import NEWEST, NPM
from crowd import crowd
from world import BASE_MODEL, GO, TIERS, World

from codex_router.codex.follow import Progress
from codex_router.codex.locate import Codex
from codex_router.codex.supervise import Ran
from codex_router.commands.record import Recorder
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.runs import Run
from codex_router.records import Arm, Usage

pytestmark = pytest.mark.codex

MakeWorld = Callable[..., World]
VERSIONS = ["0.163.0", "0.133.0", NEWEST]
PROMPT = "Update the README: the word is xylophone-4711"


def recorded() -> list[Run]:
    with Ledger.open() as ledger:
        return ledger.runs()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_is_recorded_with_its_tokens_and_their_price(make_world: MakeWorld, version: str) -> None:
    steps = (
        {"cmd": "echo 1", "usage": {"input_tokens": 10_000, "cached_tokens": 0, "output_tokens": 300}},
        {"cmd": "echo 2", "usage": {"input_tokens": 12_000, "cached_tokens": 9_000, "output_tokens": 200}},
        {"final": "done", "usage": {"input_tokens": 13_000, "cached_tokens": 12_000, "output_tokens": 100}},
    )
    world = make_world(version, *steps)
    world.write_profiles()
    before = time.time()
    done = world.run("exec", *GO, PROMPT)
    assert done.status == 0

    (run,) = recorded()
    attempt = run.attempt
    assert attempt.arm == Arm("gpt-5.4", "medium")
    assert (attempt.category, run.tier, attempt.harness) == ("docs", "bulk", "codex")
    assert (attempt.turns, attempt.end, attempt.outcome) == (3, "completed", "unknown")
    assert run.usage == Usage(35_000, 21_000, 0, 600, 60)
    # USD per million tokens of gpt-5.4 in this world: 2 fresh, 0.5 cached, 20 output
    assert attempt.cost_usd == pytest.approx((14_000 * 2 + 21_000 * 0.5 + 600 * 20) / 1e6)
    with Ledger.open() as ledger:
        responses = ledger.responses(attempt.attempt_id)
    assert [response.usage for response in responses] == [
        Usage(10_000, 0, 0, 300, 20),
        Usage(12_000, 9_000, 0, 200, 20),
        Usage(13_000, 12_000, 0, 100, 20),
    ]
    assert {(response.thread_id, response.model) for response in responses} == {(run.session_id, "gpt-5.4")}
    assert sum(response.cost_usd or 0.0 for response in responses) == pytest.approx(attempt.cost_usd)
    assert [response.at for response in responses] == sorted(response.at for response in responses)
    assert f"3 turns · $0.0505 · run {attempt.attempt_id[:8]}" in done.stderr.splitlines()[-1]
    assert attempt.seconds is not None
    assert 0 < attempt.seconds < time.time() - before
    assert run.codex_version == version.removeprefix(NPM)
    assert run.prompt_hash == hashlib.sha256(PROMPT.encode()).hexdigest()
    assert run.prompt_chars == len(PROMPT)
    (session,) = world.codex_home.glob("sessions/*/*/*/rollout-*.jsonl")
    assert run.session_id
    assert session.stem.endswith(run.session_id)


def test_a_run_is_dated_at_its_beginning() -> None:
    """An hour before it was put into the ledger, as it took that long."""
    progress = Progress(0, Usage(), None, 0, goes_on=False)
    ran = Ran(0, "completed", None, progress, 3600.0, None, None, None, ())
    Recorder(Codex("codex", (0, 169, 0), "PATH"), None, "", ".").record(ran)
    (run,) = recorded()
    taken = dt.datetime.fromisoformat(str(run.created)) - dt.datetime.fromisoformat(run.attempt.date)
    assert taken.total_seconds() >= 3600


def test_the_prompt_is_nowhere_in_our_files(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    assert world.run("exec", "--explain", *GO, PROMPT).status == 0
    assert world.run("exec", *GO, "-", stdin=PROMPT.encode()).status == 0
    first, second = recorded()
    assert first.prompt_hash == second.prompt_hash
    assert first.attempt.task_id == second.attempt.task_id  # two attempts at one task
    for path in world.router_home.rglob("*"):
        assert path.is_dir() or b"xylophone" not in path.read_bytes(), path


def test_the_text_of_a_prompt_is_kept_when_asked_for_and_for_its_owner_only(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    assert world.run("exec", "--record-prompt", *GO, PROMPT).status == 0
    (path,) = (world.router_home / "prompts").iterdir()
    assert path.name == f"{hashlib.sha256(PROMPT.encode()).hexdigest()}.txt"
    assert path.read_text() == PROMPT
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]


def test_the_line_behind_a_run_compares_it_with_the_dearest_tier(make_world: MakeWorld) -> None:
    """A run of $0.003, expected to cost 0.02, where `precision` is expected to cost 0.3."""
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    config = world.codex_home / "codex-router.toml"
    text = config.read_text().replace("task_value_usd = 1.0", "task_value_usd = 25.0", 1)  # of `precision`
    for name, cost in (("precision", 0.3), ("bulk", 0.02)):
        text = text.replace(f"[profile.{name}]", f"[profile.{name}]\nexpected_cost_usd = {cost}")
    config.write_text(text)
    done = world.run("exec", "--tier", "bulk", *GO, PROMPT)
    assert "1 turn · $0.003 · precision would have cost about $0.045 · run " in done.stderr.splitlines()[-1]
    world.server.steps = [{"cmd": "echo again"}]
    done = world.run("exec", "--tier", "bulk", "--max-turns", "1", *GO, PROMPT)
    assert "would have cost" not in done.stderr, "it was cut short"
    world.server.steps = [{"final": "done"}]
    done = world.run("exec", "--tier", "bulk", "--attempts", "1", "--check", "false", *GO, PROMPT)
    assert "check failed · 1 turn · $" in done.stderr
    assert "would have cost" not in done.stderr, "nothing was saved"
    for arm in zip(TIERS["precision"], TIERS["bulk"], strict=True):
        text = text.replace(f'"{arm[0]}"', f'"{arm[1]}"')
    config.write_text(text)
    (world.codex_home / "precision.config.toml").write_bytes((world.codex_home / "bulk.config.toml").read_bytes())
    done = world.run("exec", "--tier", "bulk", *GO, PROMPT)
    assert done.status == 0
    assert "would have cost" not in done.stderr, "the dearest tier runs the same"


def test_the_commit_is_that_of_the_folder_where_codex_works(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    (world.folder / "sub").mkdir()

    def git(*words: str) -> str:
        argv = ["git", "-c", "user.name=u", "-c", "user.email=u@localhost", *words]
        folder = world.folder / "sub"
        return subprocess.run(argv, cwd=folder, env=world.env, capture_output=True, text=True, check=True).stdout

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    assert world.run("exec", "-C", "sub", *GO, PROMPT).status == 0
    (run,) = recorded()
    assert run.git_commit == git("rev-parse", "HEAD").strip()


def test_a_run_as_the_user_chose_has_no_tier(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    assert world.run("exec", "-m", BASE_MODEL, *GO, PROMPT).status == 0
    (run,) = recorded()
    assert (run.tier, run.attempt.category, run.attempt.arm.model) == (None, "none", BASE_MODEL)
    assert run.attempt.cost_usd is None  # this world has no price for it; unknown is never 0


@pytest.mark.parametrize("version", VERSIONS)
def test_runs_that_fail_or_are_stopped_are_recorded_as_such(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, {"status": 400})
    world.write_profiles()
    assert world.run("exec", *GO, PROMPT).status == 1
    world.server.steps = [{"cmd": "echo 1"}]
    assert world.run("exec", "--max-turns", "2", *GO, PROMPT).status == 124
    failed, stopped = recorded()
    assert (failed.attempt.end, failed.attempt.turns, failed.attempt.cost_usd) == ("error", 0, 0)
    assert (stopped.attempt.end, stopped.attempt.turns) == ("budget", 2)


def test_what_could_not_be_followed_is_unknown_not_zero(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    assert world.run("exec", "--ephemeral", *GO, PROMPT).status == 0
    (run,) = recorded()
    assert (run.attempt.turns, run.attempt.cost_usd, run.session_id) == (None, None, None)
    assert run.attempt.arm == Arm("gpt-5.4", "medium")


def test_nothing_is_recorded_when_the_user_says_so(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    assert world.run("exec", "--no-record", *GO, PROMPT).status == 0
    world.env["CODEX_ROUTER_NO_RECORD"] = "1"
    assert world.run("exec", *GO, PROMPT).status == 0
    assert world.run("exec", "--help").status == 0
    assert not (world.router_home / "ledger.sqlite").exists()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    Ledger.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    path.write_bytes(b"no SQLite, by no means\n" * 100)
    yield


@contextmanager
def a_folder(path: Path) -> Iterator[None]:
    path.mkdir()
    yield


@contextmanager
def of_a_newer_version(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("PRAGMA user_version = 999")
    yield


@pytest.mark.parametrize("spoilt", [locked, damaged, a_folder, of_a_newer_version])
def test_a_ledger_that_cannot_be_written_changes_nothing(
    make_world: MakeWorld, spoilt: Callable[[Path], AbstractContextManager[None]]
) -> None:
    world = make_world("0.163.0", {"cmd": "echo 1"})
    world.write_profiles()
    path = world.router_home / "ledger.sqlite"
    with spoilt(path):
        held = path.read_bytes() if path.is_file() else None
        done = world.run("exec", "--max-turns", "1", *GO, PROMPT)
        assert (path.read_bytes() if path.is_file() else None) == held
    assert done.status == 124
    assert re.search(r"1 turn · \$0\.\d+ · not recorded: .*ledger\.sqlite: ", done.stderr)
    assert "Traceback" not in done.stderr


def test_a_home_that_cannot_be_made_changes_nothing(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    (world.home / "file").touch()
    world.env["CODEX_ROUTER_HOME"] = str(world.home / "file" / "router")
    done = world.run("exec", *GO, PROMPT)
    assert (done.status, done.stdout) == (0, b"done\n")
    assert "not recorded: " in done.stderr.splitlines()[-1]


def test_a_price_snapshot_that_cannot_be_read_makes_the_cost_unknown(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    (world.router_home / "prices.json").write_text("{")
    done = world.run("exec", "--max-cost", "1", *GO, PROMPT)
    assert done.status == 0
    assert "the cost limit cannot hold: the price of gpt-5.4 is unknown" in done.stderr
    assert "1 turn · cost unknown, so its limit did not hold · run " in done.stderr.splitlines()[-1]


def test_fifty_runs_that_end_at_once_are_all_recorded(make_world: MakeWorld) -> None:
    world = make_world("0.163.0")
    world.write_profiles()
    argv = [sys.executable, "-m", "codex_router", "exec", "--tier", "bulk", "go on"]
    ends = crowd(world, argv, 50)
    assert {status for status, _ in ends} == {0}
    said = {text.rpartition(" ")[2].strip() for _, text in ends}
    assert said == {run.attempt.attempt_id[:8] for run in recorded()}
    assert len(said) == 50
