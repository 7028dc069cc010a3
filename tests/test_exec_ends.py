"""How `exec` ends: exit statuses, signals, and no process left behind."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from codex_binary import NEWEST
from waiting import wait_for, wait_for_looks
from world import GO, World

from codex_router.codex.render import Price, profile_text
from codex_router.codex.versions import reads
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.runs import Run
from codex_router.records import Arm, Budget, Tier

MakeWorld = Callable[..., World]
VERSIONS = ["0.163.0", "0.133.0", NEWEST]
BULK = ("--tier", "bulk")
SLEEPER = {"cmds": ["echo $$ > tool.pid; sleep 300 & sleep 301"]}
"""A tool that does not end, with a child in the background."""


def recorded() -> list[Run]:
    with Ledger.open() as ledger:
        return ledger.runs()


def tool_runs(world: World) -> bool:
    return "sleep 301" in world.processes().values()


def codex_pid(ours: subprocess.Popen[bytes]) -> int:
    children = Path(f"/proc/{ours.pid}/task/{ours.pid}/children").read_text().split()
    return int(children[0])


def started(world: World) -> subprocess.Popen[bytes]:
    """Start a run and return when its tool is at work."""
    process = world.start("exec", *BULK, *GO, "go on")
    wait_for(lambda: tool_runs(world))
    return process


@pytest.mark.codex
@pytest.mark.parametrize("version", VERSIONS)
def test_sigterm_is_handed_on_and_nothing_stays_behind(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, SLEEPER)
    world.write_profiles()
    process = started(world)
    process.terminate()
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM
    wait_for(lambda: not world.processes())
    assert [run.attempt.end for run in recorded()] == ["abort"]
    assert b"codex-router: " in stderr.splitlines()[-1]


@pytest.mark.codex
@pytest.mark.parametrize("version", VERSIONS)
def test_sigint_without_a_terminal_is_handed_on(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, SLEEPER)
    world.write_profiles()
    process = subprocess.Popen(
        [sys.executable, "-m", "codex_router", "exec", *BULK, *GO, "go on"],
        cwd=world.folder,
        env=world.env,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for(lambda: tool_runs(world))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 1  # Codex's own when it is interrupted
    wait_for(lambda: not world.processes())
    assert [run.attempt.end for run in recorded()] == ["abort"]


@pytest.mark.codex
def test_ctrl_c_in_a_terminal_reaches_codex_once(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", SLEEPER)
    world.write_profiles()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(world.folder)
        argv = [sys.executable, "-m", "codex_router", "exec", *BULK, *GO, "go on"]
        os.execve(sys.executable, argv, world.env)
    wait_for(lambda: tool_runs(world))
    os.write(terminal, b"\x03")
    said = b""
    while chunk := _read(terminal):
        said += chunk
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    os.close(terminal)
    wait_for(lambda: not world.processes())
    assert [run.attempt.end for run in recorded()] == ["abort"]
    assert b"codex-router: " in said.splitlines()[-1]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux: the other side is closed
        return b""


@pytest.mark.codex
def test_codex_killed_by_a_signal_is_128_more(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", SLEEPER)
    world.write_profiles()
    process = started(world)
    wait_for_looks(process.pid)
    os.kill(codex_pid(process), signal.SIGKILL)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGKILL
    assert stderr.splitlines()[-1].startswith(b"codex-router: Codex died of SIGKILL")
    wait_for(lambda: not world.processes())  # the tools too, which a dead Codex cannot end
    assert [run.attempt.end for run in recorded()] == ["abort"]


@pytest.mark.codex
def test_a_run_under_nohup_survives_the_hang_up(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"cmd": "sleep 0.6", "say": "waiting"}, {"final": "done"})
    world.write_profiles()
    line = f'trap "" HUP; exec "{sys.executable}" -m codex_router exec --tier bulk {" ".join(GO)} "go on"'
    process = subprocess.Popen(
        ["sh", "-c", line],
        cwd=world.folder,
        env=world.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: world.server.requests)
    os.kill(process.pid, signal.SIGHUP)
    stdout, _ = process.communicate(timeout=120)
    assert (process.returncode, stdout) == (0, b"done\n")


@pytest.mark.codex
@pytest.mark.parametrize("version", VERSIONS)
def test_a_budget_stop_leaves_no_process_behind(make_world: MakeWorld, version: str) -> None:
    """What the agent sent into the background for good, as a server, is not a process of Codex any more."""
    world = make_world(version, {"cmd": "nohup sleep 300 > /dev/null 2>&1 &"}, {"cmds": ["sleep 1", "sleep 2"]})
    world.write_profiles()
    done = world.run("exec", *BULK, "--max-turns", "2", *GO, "go on")
    assert done.status == 124
    wait_for(lambda: set(world.processes().values()) <= {"sleep 300"})
    assert [run.attempt.end for run in recorded()] == ["budget"]


@pytest.mark.codex
@pytest.mark.parametrize("version", ["0.163.0", NEWEST])
def test_a_limit_holds_below_a_script_that_starts_codex(make_world: MakeWorld, version: str) -> None:
    """As people have one on PATH that sets a variable first."""
    world = make_world(version, {"cmd": "echo again"})
    world.write_profiles()
    script = world.home / "codex"
    script.write_text(f'#!/bin/sh\n{world.codex} "$@"\nstatus=$?\necho "status $status"\nexit $status\n')
    script.chmod(0o755)
    world.env["CODEX_ROUTER_CODEX"] = str(script)
    done = world.run("exec", *BULK, "--max-turns", "3", *GO, "go on")
    assert (done.status, done.stdout) == (124, b"status 1\n")
    assert len(world.server.requests) == 3
    assert not world.processes()


@pytest.mark.codex
def test_whoever_ignores_the_end_of_its_children_has_us_see_it_all_the_same(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"cmd": "echo again"})
    world.write_profiles()
    line = f'trap "" CHLD; exec "{sys.executable}" -m codex_router exec --max-turns 2 {" ".join(GO)} "go on"'
    done = subprocess.run(["bash", "-c", line], cwd=world.folder, env=world.env, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 124
    assert [run.attempt.end for run in recorded()] == ["budget"]


@pytest.mark.codex
def test_in_a_folder_that_is_gone_codex_itself_says_so(make_world: MakeWorld) -> None:
    world = make_world("0.163.0")
    world.write_profiles()
    (world.folder / "gone").mkdir()
    for command in (world.codex, f"{sys.executable} -m codex_router"):
        line = f'mkdir -p gone; cd gone; rmdir ../gone; {command} exec {" ".join(GO)} "go on"'
        argv = ["sh", "-c", line]
        done = subprocess.run(argv, cwd=world.folder, env=world.env, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "Error: No such file or directory" in done.stderr


@pytest.mark.codex
@pytest.mark.parametrize("version", VERSIONS)
def test_a_time_limit_ends_what_would_never_end(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, SLEEPER)
    world.write_profiles()
    done = world.run("exec", *BULK, "--max-seconds", "2", "--json", *GO, "go on")
    assert done.status == 124
    error = json.loads(done.stdout.splitlines()[-1])["error"]
    assert (error["code"], error["limits"]["max_seconds"]) == ("max_seconds_exceeded", 2.0)
    assert "stopped at the limit of 2 s" in done.stderr
    wait_for(lambda: not world.processes())
    assert [run.attempt.end for run in recorded()] == ["timeout"]


@pytest.mark.codex
def test_codex_s_own_token_budget_reminds_the_model_at_60_percent_and_ends_a_run_as_ours_does(
    make_world: MakeWorld,
) -> None:
    """0.006 USD are 3000 tokens at 2 USD per million, of which the answers take 1500, 1000 and 1000."""
    world = make_world("0.163.0", {"cmd": "echo again"})
    world.write_profiles()
    tier = Tier("bulk", 1.0, Arm("gpt-5.4", "medium"), Budget(max_cost_usd=0.006))
    profile = profile_text(tier, reads((0, 163, 0)), {"gpt-5.4": Price(2.0, 20.0)})
    (world.codex_home / "bulk.config.toml").write_text(profile)
    done = world.run("exec", *BULK, *GO, "go on")
    assert done.status == 124
    assert "stopped at Codex's own token budget" in done.stderr
    told = [re.findall(r"You have (\d+) weighted", json.dumps(request)) for request in world.server.requests]
    assert told == [["3000"], ["3000"], ["3000", "500"]]

    assert world.run("exec", *BULK, "--max-cost", "0", "--max-turns", "5", *GO, "go on").status == 124
    own, replaced = recorded()
    assert (own.attempt.end, own.attempt.turns) == ("budget", 3)
    assert replaced.attempt.turns == 5  # a limit given for one run replaces that of the profile


@pytest.mark.codex
def test_a_missing_profile_file_is_our_error(make_world: MakeWorld) -> None:
    """Codex itself would silently run on its base configuration."""
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    (world.codex_home / "bulk.config.toml").unlink()
    done = world.run("exec", *BULK, *GO, "go on")
    assert done.status == 125
    assert f"{world.codex_home}/bulk.config.toml: the file of profile `bulk` is missing" in done.stderr
    assert "hint: run `codex-router apply`" in done.stderr
    assert world.server.requests == []
    assert world.bare("exec", "-p", "bulk", *GO, "go on").status == 0


@pytest.mark.codex
def test_a_codex_that_changed_its_layout_under_our_feet(make_world: MakeWorld, codex: Callable[[str], str]) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    world.env["CODEX_ROUTER_CODEX"] = codex("0.133.0")
    done = world.run("exec", *BULK, *GO, "go on")
    assert done.status == 125
    assert "[profiles.bulk] is missing, where this Codex looks for it" in done.stderr
    assert "codex-router apply" in done.stderr


@pytest.mark.codex
def test_without_codex_router_toml_nothing_runs(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    done = world.run("exec", *GO, "go on")
    assert done.status == 125
    assert "codex-router.toml: not there yet" in done.stderr
    assert "codex-router init" in done.stderr
    assert world.server.requests == []


def test_no_codex_at_all_is_127(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world("0.163.0")
    world.write_profiles()
    world.env["CODEX_ROUTER_CODEX"] = str(tmp_path / "gone")
    done = world.run("exec", *GO, "go on")
    assert done.status == 127
    assert f"{tmp_path}/gone: there is no such file" in done.stderr
    assert "hint: mend or unset CODEX_ROUTER_CODEX" in done.stderr


def test_a_codex_that_is_not_executable_is_126(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world("0.163.0")
    world.write_profiles()
    (tmp_path / "codex").write_text("#!/bin/sh\necho codex-cli 0.163.0\n")
    world.env["CODEX_ROUTER_CODEX"] = str(tmp_path / "codex")
    done = world.run("exec", *GO, "go on")
    assert done.status == 126
    assert f"chmod +x {tmp_path}/codex" in done.stderr


@pytest.mark.parametrize(
    "words", [("--max-turns", "many"), ("--max-turns",), ("--max-cost", "-1"), ("--max-cost=nan",)], ids=" ".join
)
def test_a_wrong_option_of_ours_is_2(make_world: MakeWorld, words: tuple[str, ...]) -> None:
    world = make_world("0.163.0")
    world.write_profiles()
    done = world.run("exec", *words)
    assert done.status == 2
    assert done.stderr.startswith("error: --max-")
    assert recorded() == []
