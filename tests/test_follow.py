from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from session_lines import answer, call, context, meta, record, tokens
from waiting import wait_for
from world import GO, World

from codex_router.codex import follow
from codex_router.codex.follow import Follower, Progress
from codex_router.codex.processes import FRESH_S, Process, _started, alive, family, kill
from codex_router.records import Usage

linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
NOW = "9999-01-01T00:00:00.000Z"
"""After the start of every test."""
EARLIER = "9998-01-01T00:00:00.000Z"
ONE = tokens(1000)


def price(model: str, usage: Usage) -> float | None:
    return usage.input_tokens / 1000 if model == "gpt-5.5" else None


@contextmanager
def process(script: str, *arguments: object) -> Iterator[int]:
    """Run a shell script, and all that it starts, until the block ends; it has begun when it has written a line."""
    argv = ["sh", "-c", f"{script}; echo begun; sleep 60 & wait", "sh", *map(str, arguments)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as running:
        assert running.stdout
        assert running.stdout.readline() == b"begun\n"
        try:
            yield running.pid
        finally:
            os.killpg(running.pid, signal.SIGKILL)


HOLDS = """sh -c 'exec 3>>"$0"; : > "$0.held"; exec sleep 60'"""
"""A process that holds a file open."""


def held(path: str) -> str:
    return f'while [ ! -e "{path}.held" ]; do sleep 0.01; done'


def rollout(folder: Path, name: str, *lines: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"rollout-{name}.jsonl"
    path.write_text("".join(lines))
    return path


def followed(follower: Follower) -> set[str]:
    follower.discover()
    return {Path(path).name for path in follower.files}


def thread(follower: Follower) -> str | None:
    return follower.main.thread_id if follower.main else None


@linux
def test_the_session_files_are_those_that_the_process_holds_open(tmp_path: Path) -> None:
    one, two = rollout(tmp_path, "one"), rollout(tmp_path, "two")
    old = rollout(tmp_path, "of another run, which Codex only reads")
    (tmp_path / "notes.jsonl").touch()
    script = 'exec 3>>"$1" 4>>"$2" 5>>"$3" 6<"$4"'
    with process(script, one, two, tmp_path / "notes.jsonl", old) as pid:
        assert followed(Follower(pid, "", "", 0, price)) == {"rollout-one.jsonl", "rollout-two.jsonl"}


@linux
def test_a_launcher_s_session_files_are_those_of_the_codex_below_it(tmp_path: Path) -> None:
    """npm's `codex` is a program that starts the native one; it may hang below any of its threads."""
    below = rollout(tmp_path, "below")
    script = f'{HOLDS} "$1" & {held("$1")}'
    with process(script, below) as pid:
        assert followed(Follower(pid, "", "", 0, price)) == {"rollout-below.jsonl"}


@linux
def test_a_codex_below_a_script_of_the_user_s_and_npm_s_launcher_is_found(tmp_path: Path) -> None:
    below = rollout(tmp_path, "below")
    launcher, users = tmp_path / "launcher", tmp_path / "users"
    launcher.write_text(f'{HOLDS} "$1"; :')
    users.write_text(f'sh {launcher} "$1"; :')
    with process(f'sh {users} "$1" & {held("$1")}', below) as pid:
        follower = Follower(pid, "", "", 0, price)
        assert followed(follower) == {"rollout-below.jsonl"}
        assert follower.writer in [member.pid for member in family(pid)[1:]]


@linux
def test_a_run_without_a_session_file_has_none_of_what_its_tools_open(tmp_path: Path) -> None:
    tool = rollout(tmp_path, "of a tool")
    with process(f'{HOLDS} "$1" & {held("$1")}', tool) as pid:
        assert followed(Follower(pid, "", None, 0, price)) == set()


@linux
def test_what_the_tools_of_a_codex_open_is_not_its_session(tmp_path: Path) -> None:
    own, tool = rollout(tmp_path, "own"), rollout(tmp_path, "of a tool")
    script = f'{HOLDS} "$2" & {held("$2")}; exec 3>>"$1"'
    with process(script, own, tool) as pid:
        assert any(follow._open_rollouts(member.pid) == [str(tool)] for member in family(pid))
        assert followed(Follower(pid, "", "", 0, price)) == {"rollout-own.jsonl"}


@linux
def test_a_family_is_the_process_and_all_below_it() -> None:
    def words(member: Process) -> list[bytes]:
        return Path(f"/proc/{member.pid}/cmdline").read_bytes().split(b"\0")[:-1]

    with process("sh -c 'sleep 61 & sleep 62; :' & :") as pid:
        assert family(pid)[0].pid == pid
        wait_for(lambda: {b"61", b"62"} <= {word for member in family(pid) for word in words(member)})


def test_the_family_of_a_process_that_is_gone_is_empty_but_for_itself() -> None:
    gone = Process(2**22 + 1, "")
    assert [member[:3] for member in family(gone.pid)] == [gone[:3]]
    assert not alive(gone)


@linux
def test_a_process_that_nobody_has_waited_for_is_not_alive() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as running:
        (seen,) = family(running.pid)
        assert alive(seen)
        assert running.stdin
        running.stdin.close()
        os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)
        assert not alive(seen)


@linux
def test_what_a_tool_starts_behind_our_back_is_killed_by_its_group(tmp_path: Path) -> None:
    """The tool itself has gone with its Codex; only its group tells whose its child was."""
    script, told, heard = tmp_path / "child.sh", tmp_path / "told", tmp_path / "heard"
    script.write_text(f"trap ': > {heard}' USR1\necho $$ > {told}\nwhile :; do sleep 0.05; done\n")
    with process('sh "$1" & :', script) as pid:
        wait_for(lambda: told.exists() and told.read_text().endswith("\n"))
        child = int(told.read_text())
        tool = Process(2**22 + 1, "long gone", group=pid, seen=time.monotonic() - FRESH_S - 1)
        kill([tool])
        os.kill(child, signal.SIGUSR1)
        wait_for(heard.exists)  # seen too long ago, it was left alone
        kill([tool._replace(seen=time.monotonic())])
        wait_for(lambda: not alive(Process(child, _started(child))))


@pytest.fixture
def no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "PROC", "/nowhere")


def today(home: Path) -> Path:
    return home / "sessions" / time.strftime("%Y/%m/%d")


@pytest.mark.usefixtures("no_proc")
def test_elsewhere_the_session_files_are_the_new_ones_of_our_folder(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    started = time.time() - 5
    rollout(today(tmp_path), "ours", meta(cwd=str(folder)))
    rollout(today(tmp_path), "in another folder", meta(cwd=str(tmp_path)))
    rollout(today(tmp_path), "empty")
    rollout(today(tmp_path), "damaged", "{]\n")
    rollout(today(tmp_path), "a list", "[1]\n")
    (today(tmp_path) / "rollout-bytes.jsonl").write_bytes(b"\xff\xfe\n")
    (today(tmp_path) / "rollout-other.txt").write_text(meta(cwd=str(folder)))
    (today(tmp_path) / "rollout-folder.jsonl").mkdir()
    (today(tmp_path) / "rollout-dangling.jsonl").symlink_to("nowhere")
    old = rollout(today(tmp_path), "old", meta(cwd=str(folder)))
    os.utime(old, (started - 60, started - 60))

    assert followed(Follower(0, str(tmp_path), str(folder), started, price)) == {"rollout-ours.jsonl"}
    assert followed(Follower(0, str(tmp_path), str(tmp_path / "link"), started, price)) == {"rollout-ours.jsonl"}
    assert followed(Follower(0, str(tmp_path / "no home"), str(folder), started, price)) == set()


@pytest.mark.usefixtures("no_proc")
def test_elsewhere_a_run_past_midnight_is_still_found(tmp_path: Path) -> None:
    """The session's folder is the day on which the run began."""
    started = time.time() - 86_400
    yesterday = tmp_path / "sessions" / time.strftime("%Y/%m/%d", time.localtime(started))
    rollout(yesterday, "long", meta(cwd=str(tmp_path)))
    assert followed(Follower(0, str(tmp_path), str(tmp_path), started, price)) == {"rollout-long.jsonl"}


@pytest.mark.usefixtures("no_proc")
def test_the_progress_is_the_sum_over_all_threads(tmp_path: Path) -> None:
    """A thread and its sub-agent."""
    cwd = meta("main", NOW, str(tmp_path))
    path = rollout(today(tmp_path), "1", cwd, context(at=NOW), call(at=NOW), record(ONE, NOW))
    follower = Follower(0, str(tmp_path), str(tmp_path), time.time() - 5, price)
    assert thread(follower) is None
    assert follower.progress.cost_usd is None  # nothing known is not 0

    follower.discover()
    assert [follower.read(), follower.read()] == [True, False]
    assert follower.progress == Progress(1, Usage(1000, 0, 0, 50, 20), 1.0, begun=1, goes_on=True)

    lines = (meta("sub", NOW, str(tmp_path)), context(at=NOW), answer(NOW), record(ONE, NOW))
    sub = rollout(today(tmp_path), "2", *lines)
    follower.discover()
    assert follower.read()
    assert follower.progress == Progress(2, Usage(2000, 0, 0, 100, 40), 2.0, begun=2, goes_on=True)
    assert thread(follower) == "main"

    with path.open("a") as stream:
        stream.write(answer(NOW) + record(ONE, NOW))
    assert follower.read()
    assert follower.progress == Progress(3, Usage(3000, 0, 0, 150, 60), 3.0, begun=3, goes_on=False)

    with sub.open("a") as stream:
        stream.write(call(at=EARLIER) + record(ONE, EARLIER))
    assert follower.read()
    assert follower.progress == Progress(4, Usage(4000, 0, 0, 200, 80), 4.0, begun=4, goes_on=True)
    assert [one.thread_id for one in follower.answers] == ["sub", "main", "main", "sub"]  # oldest first
    follower.close()


@pytest.mark.usefixtures("no_proc")
def test_one_thread_without_a_price_makes_the_whole_cost_unknown(tmp_path: Path) -> None:
    for name, model in (("1", "gpt-5.5"), ("2", "mystery")):
        lines = (meta(name, NOW, str(tmp_path)), context(model, at=NOW), record(ONE, NOW))
        rollout(today(tmp_path), name, *lines)
    follower = Follower(0, str(tmp_path), str(tmp_path), time.time() - 5, price)
    follower.discover()
    follower.read()
    follower.close()
    assert (follower.progress.responses, follower.progress.cost_usd) == (2, None)


def test_the_start_is_written_as_codex_writes_times() -> None:
    assert Follower(0, "", "", 1795401957.0406, price).since == "2026-11-23T02:45:57.040Z"


WITHOUT_PROC = """
import sys
from codex_router.codex import follow
follow.PROC = "/nowhere"
from codex_router.__main__ import main
sys.exit(main())
"""


@pytest.mark.codex
@pytest.mark.parametrize("version", ["0.163.0", "0.133.0"])
def test_the_turn_limit_holds_without_proc(make_world: Callable[..., World], version: str) -> None:
    world = make_world(version, {"cmd": "sleep 0.3"})  # so that a machine of one core has time to look
    world.write_profiles()
    argv = [sys.executable, "-c", WITHOUT_PROC, "exec", "--max-turns", "2", *GO, "go on"]
    done = subprocess.run(argv, cwd=world.folder, env=world.env, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 124
    assert len(world.server.requests) == 2


@linux
def test_the_session_of_a_run_that_ended_unseen(tmp_path: Path) -> None:
    """It is found by its folder and its beginning; never one that somebody writes to, or one of several."""
    project = str(tmp_path / "project")
    started = time.time() - 60
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())

    def late() -> str | None:
        follower = Follower(2**22 + 1, str(tmp_path), project, started, price)
        follower.discover_late()
        follower.read()
        return thread(follower)

    folder = today(tmp_path)
    rollout(folder, "old", meta("resumed", "2026-01-01T00:00:00.000Z", cwd=project))
    rollout(folder, "elsewhere", meta("elsewhere", now, cwd="/"))
    rollout(folder, "damaged", "{]\n")
    held = rollout(folder, "held", meta("of another run", now, cwd=project))
    with process('exec 3>>"$1"', held):
        assert late() is None
        rollout(folder, "ours", meta("ours", now, cwd=project))
        assert late() == "ours"
    wait_for(lambda: late() is None)  # a process that was killed may hold its files a moment longer
