"""Following programs that do what Codex may do: small shell scripts, run as they are."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from session_lines import answer, call, context, meta, record, tokens

from codex_router.codex import supervise
from codex_router.codex.follow import Follower, Progress
from codex_router.codex.gate import Gate
from codex_router.codex.launch import Launched
from codex_router.codex.processes import family
from codex_router.codex.session import Price
from codex_router.codex.supervise import Ran
from codex_router.records import Budget, Usage

LATER = "9999-01-01T00:00:00.000Z"
CALLS = call(at=LATER) + record(tokens(1000), LATER)
ANSWERS = answer(LATER) + record(tokens(1000), LATER)
NO_LIMIT = Budget()
HEAD = meta("thread-1", LATER) + context(at=LATER)


def price(model: str, usage: Usage) -> float | None:
    return usage.input_tokens / 1000 if model == "gpt-5.5" else None


def run(argv: list[str], home: Path, price: Price, budget: Budget, gate: Gate | None = None) -> Ran:
    with Launched(argv) as codex:
        return supervise.supervise(codex, str(home), str(home), price, budget, gate)


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run a shell script as Codex; what it writes to descriptor 3 is its session file."""
    monkeypatch.setattr(supervise, "GRACE_S", ((signal.SIGINT, 0.3), (signal.SIGTERM, 0.3)))

    def scripted(body: str, budget: Budget = NO_LIMIT, price: Price = price, gate: Gate | None = None) -> Ran:
        script = tmp_path / "codex"
        script.write_text(
            f'#!/bin/sh\nexec 3>>"{tmp_path}/rollout-1.jsonl"\nsay() {{ printf "%s" "$1" >&3; }}\n{body}\n'
        )
        script.chmod(0o755)
        return run([str(script)], tmp_path, price, budget, gate)

    return scripted


def say(*lines: str) -> str:
    return "".join(f"say '{line}\n'\n" for line in "".join(lines).splitlines())


@pytest.mark.parametrize(("status", "end"), [(0, "completed"), (1, "error"), (7, "error")])
def test_the_status_is_that_of_the_program(scripted: Callable[..., Ran], tmp_path: Path, status: int, end: str) -> None:
    seen = tmp_path / "seen"
    os.mkfifo(seen)

    def told(model: str, usage: Usage) -> float | None:
        seen.write_bytes(b"")  # the program may end
        return price(model, usage)

    ran = scripted(f"{say(HEAD, ANSWERS)}cat {seen}; exit {status}", price=told)
    assert (ran.status, ran.end) == (status, end)
    assert ran.progress == Progress(1, Usage(1000, 0, 0, 50, 20), 1.0, begun=1, goes_on=False)
    assert (ran.thread_id, ran.model, ran.effort) == ("thread-1", "gpt-5.5", "low")
    assert ran.seconds > 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_program_that_dies_of_a_signal(scripted: Callable[..., Ran], number: signal.Signals) -> None:
    ran = scripted(f"kill -{number.value} $$")
    assert (ran.status, ran.end) == (128 + number, "abort")


def test_a_run_without_a_session_file_is_unknown(tmp_path: Path) -> None:
    ran = run(["/bin/sleep", "0.1"], tmp_path, price, Budget())
    assert (ran.status, ran.thread_id, ran.progress.responses, ran.progress.cost_usd) == (0, None, 0, None)


def test_it_is_stopped_at_its_turns_when_it_would_go_on(scripted: Callable[..., Ran]) -> None:
    ran = scripted(f"{say(HEAD, CALLS)}sleep 0.1\n{say(CALLS)}sleep 60 & wait", budget=Budget(max_turns=2))
    assert (ran.status, ran.end, ran.progress.responses) == (124, "budget", 2)


def test_it_is_not_stopped_when_it_is_about_to_end(scripted: Callable[..., Ran]) -> None:
    ran = scripted(f"{say(HEAD, CALLS, ANSWERS)}sleep 0.3", budget=Budget(max_turns=2))
    assert (ran.status, ran.end) == (0, "completed")


def test_an_answer_that_costs_too_much_is_not_thrown_away(scripted: Callable[..., Ran]) -> None:
    ran = scripted(f"{say(HEAD, ANSWERS)}sleep 0.3", budget=Budget(max_cost_usd=0.001))
    assert (ran.status, ran.end) == (0, "completed")


def test_it_is_stopped_once_it_is_beyond_its_turns(scripted: Callable[..., Ran]) -> None:
    """Whatever it claims to be about."""
    ran = scripted(f"{say(HEAD, ANSWERS, ANSWERS, ANSWERS)}sleep 60 & wait", budget=Budget(max_turns=2))
    assert (ran.status, ran.end) == (124, "budget")


def test_it_is_stopped_when_its_money_is_spent(scripted: Callable[..., Ran]) -> None:
    body = f"{say(HEAD, CALLS)}sleep 0.1\n{say(CALLS)}sleep 60 & wait"
    ran = scripted(body, budget=Budget(max_cost_usd=2.0))
    assert (ran.status, ran.end, ran.progress.cost_usd) == (124, "budget", 2.0)


def test_a_limit_that_nothing_can_be_seen_of_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Codex goes on where it cannot write its session file."""
    monkeypatch.setattr(supervise, "BLIND_S", 0.05)
    ends, told = tmp_path / "ends", []
    os.mkfifo(ends)

    def blind() -> None:
        told.append("blind")
        ends.write_bytes(b"")  # the program may end

    with Launched(["/bin/cat", str(ends)]) as codex:
        ran = supervise.supervise(codex, str(tmp_path), str(tmp_path), price, Budget(max_turns=1), blind=blind)
    assert (ran.status, told) == (0, ["blind"])


def test_where_nothing_is_limited_or_all_is_seen_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "BLIND_S", 0.0)
    (tmp_path / "rollout-1.jsonl").write_text(HEAD)
    os.mkfifo(tmp_path / "ready")
    for session, budget in (("notes", NO_LIMIT), ("rollout-1.jsonl", Budget(max_turns=1))):
        with Launched(["/bin/sh", "-c", f"exec 3>>{tmp_path}/{session}; : > {tmp_path}/ready; sleep 0.2"]) as codex:
            (tmp_path / "ready").read_bytes()
            supervise.supervise(codex, str(tmp_path), str(tmp_path), price, budget, blind=lambda: pytest.fail("told"))


def test_time_in_which_we_stood_still_does_not_count(tmp_path: Path) -> None:
    """As when the machine sleeps, or Ctrl-Z was typed: nobody looks for longer than `SUSPENDED_S`."""
    follower = Follower(0, str(tmp_path), str(tmp_path), time.time(), price)
    watch = supervise._Watch(Launched(["codex"]), follower, Budget(max_seconds=2.0), None, None)
    looks = [0.5, 0.5, 100.0, 0.5, 0.25, 0.5]
    assert [watch._must_stop(watch._last + gap) for gap in looks] == [False, False, False, False, False, True]
    assert watch.limit == "seconds"


def test_a_run_that_nobody_saw_is_looked_up_at_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "sessions" / time.strftime("%Y/%m/%d")
    folder.mkdir(parents=True)
    lines = meta("unseen", LATER, str(tmp_path)) + context(at=LATER) + ANSWERS
    (tmp_path / "lines").write_text(lines)
    ran = run(["/bin/cp", str(tmp_path / "lines"), str(folder / "rollout-2.jsonl")], tmp_path, price, NO_LIMIT)
    assert (ran.thread_id, ran.progress.responses) == ("unseen", 1)


def test_what_tools_leave_behind_stays_when_codex_ends_by_itself() -> None:
    """A Codex that died could not end them, and so we do."""
    codex = Launched(["codex"])
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as tool:
        assert tool.stdin
        assert tool.stdout
        codex.tools = family(tool.pid)
        supervise._ended(codex, 1)
        tool.stdin.write(b"still there\n")
        tool.stdin.flush()
        assert tool.stdout.readline() == b"still there\n"
        supervise._ended(codex, 128 + signal.SIGKILL)
        assert tool.stdout.readline() == b""
        assert tool.wait() == -signal.SIGKILL


def asks(gate: Gate, marker: Path) -> str:
    return f"sh -c '{gate.command}'; echo asked >> {marker}\n"


def test_at_the_gate_no_request_more_is_made_than_allowed(scripted: Callable[..., Ran], tmp_path: Path) -> None:
    marker = tmp_path / "requests"
    with Gate() as gate:
        body = asks(gate, marker) + say(HEAD, CALLS) + asks(gate, marker) + say(CALLS) + asks(gate, marker)
        ran = scripted(f"{body}sleep 60 & wait", budget=Budget(max_turns=2), gate=gate)
        assert (ran.status, ran.end, ran.progress.responses) == (124, "budget", 2)
        assert marker.read_text() == "asked\n" * 2
        assert gate.passed == 2


def test_at_the_gate_an_answer_may_be_followed_by_another_request(scripted: Callable[..., Ran], tmp_path: Path) -> None:
    """Codex goes on behind an answer when a hook of the user's wants it to; without the gate that is seen too late."""
    marker = tmp_path / "requests"
    with Gate() as gate:
        body = asks(gate, marker) + say(HEAD, ANSWERS) + asks(gate, marker)
        ran = scripted(f"{body}sleep 60 & wait", budget=Budget(max_cost_usd=1.0), gate=gate)
        assert (ran.status, ran.progress.cost_usd) == (124, 1.0)
        assert marker.read_text() == "asked\n"


def test_at_the_gate_two_threads_share_what_is_left(scripted: Callable[..., Ran], tmp_path: Path) -> None:
    """A request that was let go and is not answered yet is one of the turns."""
    marker = tmp_path / "requests"
    with Gate() as gate:
        begin = f'{asks(gate, marker)}exec 4>>"{tmp_path}/rollout-2.jsonl"\n{say(HEAD, CALLS)}'
        both = "".join(f"( {asks(gate, marker).strip()} ) &\n" for _ in range(2))
        wait = f"while [ $(wc -l < {marker}) -lt 2 ]; do sleep 0.05; done\n"
        ran = scripted(f"{begin}{both}{wait}{say(CALLS)}sleep 60 & wait", budget=Budget(max_turns=2), gate=gate)
        assert (ran.status, ran.progress.responses) == (124, 2)
        assert gate.passed == 2


def test_a_program_that_ends_well_at_its_stop_has_ended_well(scripted: Callable[..., Ran]) -> None:
    body = f"ends() {{\n{say(ANSWERS)}exit 0\n}}\ntrap ends INT\n{say(HEAD, CALLS)}sleep 60 & wait"
    ran = scripted(body, budget=Budget(max_turns=1))
    assert (ran.status, ran.end) == (0, "completed")


@pytest.mark.parametrize(
    ("lines", "end"), [(HEAD + ANSWERS, "completed"), (HEAD + CALLS, "abort")], ids=["answers", "ends"]
)
def test_a_program_that_goes_on_behind_a_signal_was_not_interrupted(
    scripted: Callable[..., Ran], tmp_path: Path, lines: str, end: str
) -> None:
    """As npm's launcher does behind a SIGUSR1, which it takes for its debugger."""
    os.mkfifo(tmp_path / "ready")

    def tell() -> None:
        (tmp_path / "ready").read_bytes()
        os.kill(os.getpid(), signal.SIGUSR1)

    told = threading.Thread(target=tell)
    told.start()
    go = tmp_path / "go"
    body = (
        f"trap ': > {go}' USR1\n: > {tmp_path}/ready\nwhile [ ! -e {go} ]; do sleep 0.01; done\n{say(lines)}sleep 0.3"
    )
    ran = scripted(body)
    told.join()
    assert (ran.status, ran.end) == (0, end)


def test_a_status_of_0_without_an_answer_is_a_stop(scripted: Callable[..., Ran]) -> None:
    """Up to 0.101 Codex ends with 0 when it is interrupted."""
    ran = scripted(f"trap 'exit 0' INT\n{say(HEAD, CALLS)}sleep 60 & wait", budget=Budget(max_turns=1))
    assert (ran.status, ran.end, ran.limit) == (124, "budget", "turns")
    ran = scripted(f"trap 'exit 0' INT\n{say(HEAD)}sleep 60 & wait", budget=Budget(max_seconds=0.2))
    assert (ran.status, ran.end, ran.limit) == (124, "timeout", "seconds")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="elsewhere Codex is not told from its launcher")
def test_a_launcher_that_hands_nothing_on_does_not_delay_the_stop(tmp_path: Path) -> None:
    """As a script of the user's that starts Codex and waits for it."""
    native = tmp_path / "native"
    native.write_text(
        f'#!/bin/sh\ntrap "echo interrupted > {tmp_path}/told; exit 1" INT\n'
        f'exec 3>>"{tmp_path}/rollout-1.jsonl"\nsay() {{ printf "%s" "$1" >&3; }}\n'
        f"{say(HEAD, CALLS)}sleep 60 3>&- & wait\n"
    )
    native.chmod(0o755)
    launcher = tmp_path / "codex"
    launcher.write_text(f"#!/bin/sh\n{native}\nexit $?\n")
    launcher.chmod(0o755)
    ran = run([str(launcher)], tmp_path, price, Budget(max_turns=1))
    assert (ran.status, ran.end) == (124, "budget")
    assert (tmp_path / "told").read_text() == "interrupted\n"


def test_a_program_that_will_not_stop_is_killed_with_all_below_it(scripted: Callable[..., Ran], tmp_path: Path) -> None:
    body = (
        f"trap '' INT TERM\n(sleep 61 & echo $! > {tmp_path}/pid; wait) &\n"
        f"while [ ! -s {tmp_path}/pid ]; do sleep 0.01; done\n{say(HEAD, CALLS)}while :; do sleep 1; done"
    )
    ran = scripted(body, budget=Budget(max_turns=1))
    assert (ran.status, ran.end) == (124, "budget")
    assert not alive(int((tmp_path / "pid").read_text()))


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that has just been killed may take a moment to go."""
    for _ in range(1000):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return False
        except FileNotFoundError:
            return False
        time.sleep(0.02)
    return True


def test_a_failure_of_ours_leaves_no_process_behind(scripted: Callable[..., Ran], tmp_path: Path) -> None:
    def broken(model: str, usage: Usage) -> float | None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        scripted(f"echo $$ > {tmp_path}/pid\n{say(HEAD, CALLS)}sleep 60 & wait", price=broken)
    assert not alive(int((tmp_path / "pid").read_text()))
