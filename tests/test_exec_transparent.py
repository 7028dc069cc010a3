"""`exec` is a drop-in: what Codex gets, prints, writes and ends with is what it would be without us."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from codex_binary import NEWEST
from world import BASE_MODEL, GO, TIERS, Done, World

pytestmark = pytest.mark.codex

MakeWorld = Callable[..., World]
VERSIONS = ["0.163.0", "0.133.0", NEWEST]
BULK = ("--tier", "bulk")


def last_user_text(request: dict[str, Any]) -> str:
    users = [item for item in request["input"] if item.get("role") == "user"]
    return "".join(part["text"] for part in users[-1]["content"])


def both(world: World, *arguments: str, stdin: bytes = b"") -> tuple[Done, Done, str, str]:
    """Run a command line bare and through us; return both results and the prompts that reached the model."""
    bare = world.bare("exec", *arguments, stdin=stdin)
    ours = world.run("exec", *arguments, stdin=stdin)
    prompts = [last_user_text(request) for request in world.server.requests]
    world.server.requests.clear()
    return bare, ours, prompts[0], prompts[-1]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (("fix it",), b""),
        (("fix it",), b"from a pipe\n"),
        (("-",), b"the prompt, r\xc3\xa9sum\xc3\xa9 \xff\n"[:-2]),
        ((), b"the prompt\nof two lines"),
        (("--", "--strange prompt"), b""),
        (("-i", "no.png", "taken for an image"), b"the prompt"),
    ],
    ids=["argument", "argument and stdin", "dash", "stdin only", "behind --", "image"],
)
def test_the_prompt_reaches_the_model_as_without_us(
    make_world: MakeWorld, version: str, arguments: tuple[str, ...], stdin: bytes
) -> None:
    world = make_world(version, {"final": "Done: r\u00e9sum\u00e9."})
    world.write_profiles()
    bare, ours, theirs, through_us = both(world, *GO, *arguments, stdin=stdin)
    assert theirs == through_us
    assert (bare.status, bare.stdout) == (ours.status, ours.stdout) == (0, "Done: r\u00e9sum\u00e9.\n".encode())


def test_a_long_prompt_on_stdin_arrives_whole(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    prompt = "Update the README. " + "x" * 300_000
    bare, ours, theirs, through_us = both(world, *GO, "-", stdin=prompt.encode())
    assert (bare.status, ours.status) == (0, 0)
    assert theirs == through_us == prompt


def test_the_prompt_on_stdin_is_classified(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    assert world.run("exec", *GO, stdin=b"Update the README with installation instructions").status == 0
    assert world.server.requests[0]["model"] == TIERS["bulk"][0]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("words", "model"),
    [
        (("-m", "gpt-5.5"), "gpt-5.5"),
        (("--model=gpt-5.5",), "gpt-5.5"),
        (("-mgpt-5.5",), "gpt-5.5"),
        (("-p", "bulk"), TIERS["bulk"][0]),
        (("--profile", "precision"), TIERS["precision"][0]),
        (("-c", "model=gpt-5.5"), "gpt-5.5"),
        (("-c", 'model = "gpt-5.5"'), "gpt-5.5"),
        (("-c", "hide_agent_reasoning=true"), TIERS["standard"][0]),
    ],
    ids=" ".join,
)
def test_a_choice_of_the_user_wins(make_world: MakeWorld, version: str, words: tuple[str, ...], model: str) -> None:
    world = make_world(version, {"final": "done"})
    world.write_profiles()
    assert world.run("exec", *GO, *words, "Fix the crash: it raises an IndexError").status == 0
    assert [request["model"] for request in world.server.requests] == [model]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_files_and_events_that_codex_writes(make_world: MakeWorld, version: str) -> None:
    """`-o`, `--json`, `--output-schema` and `-C` in one go."""
    answer = '{"category": "lint"}'
    world = make_world(version, {"cmd": "pwd > where.txt"}, {"final": answer})
    world.write_profiles()
    elsewhere = world.home / "else where"
    elsewhere.mkdir()
    schema = {"type": "object", "properties": {"category": {"type": "string"}}, "required": ["category"]}
    schema_file = world.home / "schema.json"
    schema_file.write_text(json.dumps(schema | {"additionalProperties": False}))
    words = ("-o", "out.txt", "--json", "--output-schema", str(schema_file), "-C", str(elsewhere), *GO)
    kinds = []
    for run, choice in ((world.bare, ("-m", "gpt-5.5")), (world.run, ("--tier", "standard"))):
        done = run("exec", *words, *choice, "fix it")
        assert done.status == 0
        kinds.append([_kind(json.loads(line)) for line in done.stdout.splitlines()])
        assert (world.folder / "out.txt").read_text() == answer
        assert (elsewhere / "where.txt").read_text() == f"{elsewhere}\n"
        (world.folder / "out.txt").unlink()
        (elsewhere / "where.txt").unlink()
        asked = world.server.requests.pop()
        assert asked["text"]["format"]["schema"]["properties"] == schema["properties"]
    assert kinds[0] == kinds[1]
    assert ("item.completed", "agent_message", answer) in kinds[1]


def _kind(event: dict[str, Any]) -> tuple[str, object, object]:
    item = event.get("item", {})
    return event["type"], item.get("type"), item.get("text")


IDENTITY = re.compile(r"[0-9a-f-]{36}|[a-z]+_[0-9a-f]{10,}|\d{4}-\d\d-\d\dT[\d:.]+Z?|\b[\d.]+ ?m?s\b")


def traces(world: World, run: Callable[..., Done]) -> dict[str, object]:
    """Make a run with a tool; return all that can be seen of it, without what names it or tells its time."""
    done = run("exec", "-m", "gpt-5.5", "-o", "last.txt", *GO, "fix it", stdin=b"from a pipe")
    (session,) = world.codex_home.glob("sessions/*/*/*/rollout-*.jsonl")
    lines = [json.loads(line) for line in session.read_text().splitlines()]
    session.unlink()
    (asked, _), world.server.requests[:] = world.server.requests, []
    shared = ("model", "instructions", "input", "tools", "reasoning", "text", "store", "stream", "tool_choice")
    found = {
        "status": done.status,
        "stdout": done.stdout.decode(),
        "stderr": [line for line in done.stderr.splitlines() if not line.startswith("codex-router: ")],
        "files": {path.name: path.read_text() for path in world.folder.iterdir()},
        "request": {name: asked.get(name) for name in shared},
        "session": [(line["type"], line["payload"].get("type")) for line in lines],
    }
    for path in world.folder.iterdir():
        path.unlink()
    return {name: IDENTITY.sub("*", json.dumps(value)) for name, value in found.items()}


@pytest.mark.parametrize("version", VERSIONS)
def test_all_that_can_be_seen_of_a_run_is_as_without_us(make_world: MakeWorld, version: str) -> None:
    """The environment of its tools among it, but for PATH: on a busy machine bare Codex gives it in two forms."""
    tool = "env | grep -v -e ^CODEX_THREAD_ID= -e ^_= -e ^PATH= | sort > env.txt"
    world = make_world(version, {"cmd": tool, "say": "I look."}, {"final": "done"})
    world.write_profiles()
    bare, ours = traces(world, world.bare), traces(world, world.run)
    for name, value in bare.items():
        assert ours[name] == value, name


@pytest.mark.parametrize("version", VERSIONS)
def test_an_ephemeral_run_works_and_says_that_no_limit_holds(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, {"cmd": "echo 1"}, {"cmd": "echo 2"}, {"final": "done"})
    world.write_profiles(bulk=2)
    done = world.run("exec", *BULK, "--ephemeral", *GO, "fix it")
    assert (done.status, done.stdout) == (0, b"done\n")
    assert "--ephemeral writes no session file: turns and cost cannot be seen" in done.stderr.splitlines()[1]
    assert "turns and cost are unknown" in done.stderr.splitlines()[-1]
    assert not list(world.codex_home.glob("sessions/*/*/*/*.jsonl"))

    refused = world.run("exec", "--max-turns", "2", "--ephemeral", *GO, "fix it")
    assert refused.status == 2
    assert "no limit can hold with --ephemeral" in refused.stderr


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("words", [("--help",), ("-h",), ("--version",), ("help",), ("resume", "--help")], ids=" ".join)
def test_help_is_codex_s_own(make_world: MakeWorld, version: str, words: tuple[str, ...]) -> None:
    world = make_world(version)
    bare, ours = world.bare("exec", *words), world.run("exec", *words)
    assert (ours.status, ours.stdout) == (bare.status, bare.stdout)
    assert ours.stdout
    assert "codex-router" not in ours.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_resume_and_review_pass_through(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, {"final": "first"}, {"final": "second"})
    world.write_profiles()
    assert world.run("exec", *BULK, *GO, "remember the word apple").stdout == b"first\n"
    again = world.run("exec", "resume", "--last", GO[0], "which word?")
    assert (again.status, again.stdout) == (0, b"second\n")
    heard = json.dumps(world.server.requests[-1]["input"])
    assert "remember the word apple" in heard
    assert "which word?" in heard
    assert world.server.requests[-1]["model"] == BASE_MODEL

    subprocess.run(["git", "init", "-q"], cwd=world.folder, env=world.env, check=True)
    (world.folder / "new.txt").write_text("new\n")
    review = world.run("exec", "review", "--uncommitted")
    assert review.status == 0
    assert review.stderr.splitlines()[-1].startswith("codex-router: 1 turn ")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_option_of_codex_is_codex_s_to_refuse(make_world: MakeWorld, version: str) -> None:
    world = make_world(version)
    world.write_profiles()
    done = world.run("exec", *BULK, "--no-such-option", "fix it")
    assert done.status == 2
    assert "unexpected argument '--no-such-option' found" in done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_when_codex_fails_its_status_and_words_are_its_own(make_world: MakeWorld, version: str) -> None:
    world = make_world(version, {"status": 400})
    world.write_profiles()
    bare, ours = world.bare("exec", "--json", *GO, "fix it"), world.run("exec", "--json", *GO, "fix it")
    assert (ours.status, bare.status) == (1, 1)
    failed = json.loads(ours.stdout.splitlines()[-1])
    assert failed == json.loads(bare.stdout.splitlines()[-1])
    assert failed["type"] == "turn.failed"
    assert "0 turns" in ours.stderr.splitlines()[-1]


def test_when_the_server_fails_codex_tries_again_and_then_fails(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"status": 500})
    world.write_profiles()
    once = (
        "-c",
        "model_providers.scripted.request_max_retries=1",
        "-c",
        "model_providers.scripted.stream_max_retries=0",
    )
    assert world.run("exec", *once, *GO, "fix it").status == 1
    assert len(world.server.requests) == 2


def test_standard_input_may_be_closed(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    line = f'exec "{sys.executable}" -m codex_router exec {" ".join(GO)} "fix it" <&-'
    done = subprocess.run(["sh", "-c", line], cwd=world.folder, env=world.env, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"done\n")
    done = subprocess.run(["sh", "-c", line.replace('"fix it"', "")], cwd=world.folder, env=world.env, check=False)
    assert done.returncode == 1


def test_a_standard_input_that_cannot_be_read_is_codex_s_to_refuse(make_world: MakeWorld) -> None:
    world = make_world("0.163.0")
    world.write_profiles()
    for command in (f'"{world.codex}"', f'"{sys.executable}" -m codex_router'):
        argv = ["sh", "-c", f"{command} exec {' '.join(GO)} 0> file"]
        done = subprocess.run(argv, cwd=world.folder, env=world.env, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "No prompt provided via stdin." in done.stderr


def test_a_prompt_that_codex_takes_for_an_option_does_not_wait_for_standard_input(make_world: MakeWorld) -> None:
    world = make_world("0.163.0")
    world.write_profiles()
    reader, writer = os.pipe()  # nobody writes, nobody closes it
    for command in ([world.codex], [sys.executable, "-m", "codex_router"]):
        done = subprocess.run(
            [*command, "exec", "- fix it\n- test it"],
            cwd=world.folder,
            env=world.env,
            stdin=reader,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2
        assert b"unexpected argument '- ' found" in done.stderr
    os.close(reader)
    os.close(writer)


def test_nobody_need_listen_on_standard_output(make_world: MakeWorld) -> None:
    """Where it is closed, the event of a budget stop goes nowhere, and our help neither."""
    world = make_world("0.163.0", {"cmd": "echo again"})
    world.write_profiles()
    for words, status in (("--max-turns 2 --json", 124), ("--router-help", 0)):
        line = f'"{sys.executable}" -m codex_router exec {words} {" ".join(GO)} "fix it" </dev/null >&-'
        done = subprocess.run(["sh", "-c", line], cwd=world.folder, env=world.env, stderr=subprocess.PIPE, check=False)
        assert (done.returncode, b"bug in" in done.stderr) == (status, False)


@pytest.mark.parametrize(("where", "status"), [("2>&-", 0), ("2>/dev/full", 101)])
def test_nobody_need_listen_on_standard_error(make_world: MakeWorld, where: str, status: int) -> None:
    """Codex itself panics where it cannot write: that is then its status, bare or through us."""
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    for command in (f'"{world.codex}"', f'"{sys.executable}" -m codex_router'):
        line = f'{command} exec {" ".join(GO)} "fix it" </dev/null {where}'
        done = subprocess.run(["sh", "-c", line], cwd=world.folder, env=world.env, stdout=subprocess.PIPE, check=False)
        assert done.returncode == status


def test_the_tools_ignore_no_signal_that_python_ignores(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"cmd": "grep SigIgn /proc/self/status > signals"}, {"final": "done"})
    world.write_profiles()
    assert world.run("exec", *GO, "fix it").status == 0
    ignored = int((world.folder / "signals").read_text().split()[1], base=16)
    assert not ignored & 0x7FFF_FFFF  # two above that are the C library's own


def test_quiet_says_nothing_and_explain_says_more(make_world: MakeWorld) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    prompt = "Update the README with installation instructions"
    quiet = world.run("exec", "--quiet", *GO, prompt)
    assert quiet.status == 0
    assert "codex-router" not in quiet.stderr
    ours = [line for line in world.run("exec", *GO, prompt).stderr.splitlines() if "codex-router" in line]
    assert len(ours) == 2
    told = world.run("exec", "--explain", *GO, prompt).stderr
    assert "because of:" in told
    expected = (
        f"{world.codex} exec --profile bulk -m gpt-5.4 -c model_reasoning_effort=medium {' '.join(GO)} '{prompt}'"
    )
    assert f"codex-router: {expected}\n" in told


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--tier", "bulk", "-m", "gpt-5.5"), "you chose model, effort or profile"),
        (("--category=lint", "-c", "model_reasoning_effort=high"), "you chose model, effort or profile"),
        (("--tier", "bulk", "resume", "--last"), "`resume` is not routed"),
    ],
    ids=" ".join,
)
def test_a_tier_that_is_not_heeded_is_said_to_be(make_world: MakeWorld, words: tuple[str, ...], why: str) -> None:
    world = make_world("0.163.0", {"final": "done"})
    world.write_profiles()
    done = world.run("exec", *words, GO[0], "fix it")
    assert done.status == 0
    assert f"codex-router: --tier and --category change nothing: {why}\n" in done.stderr


def test_our_own_help_runs_nothing(make_world: MakeWorld) -> None:
    world = make_world("0.163.0")
    del world.env["CODEX_ROUTER_CODEX"]
    done = world.run("exec", "--router-help")
    assert done.status == 0
    assert b"--max-turns N" in done.stdout
    assert not list(world.folder.iterdir())
