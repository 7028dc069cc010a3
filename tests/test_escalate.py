"""`exec --check` with real Codex, a real repository and real pytest: escalated, brought back, nothing lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from waiting import wait_for
from world import GO, TIERS, World

from codex_router.codex.obstacle import MAX_UNTRACKED_BYTES
from codex_router.commands.told_failure import INTRODUCTION
from codex_router.evidence.ledger import FILE, Ledger
from codex_router.evidence.runs import Run

pytestmark = pytest.mark.codex

MakeWorld = Callable[..., World]
VERSION = "0.163.0"
PROMPT = "Fix the crash when the list is empty: it raises an IndexError"
CHECK = f"{sys.executable} -m pytest -q -p no:cacheprovider"
WRONG = "def first(items):\n    return items[0] if items else 0\n"
RIGHT = "def first(items):\n    return items[0] if items else None\n"
BROKEN = "def first(items):\n    return items[0]\n"
TEST = "from first import first\n\n\ndef test_empty():\n    assert first([]) is None\n"
VALUES = {"bulk": 1.0, "standard": 5.0, "precision": 25.0}


def git(world: World, *words: str) -> str:
    argv = ["git", "-c", "user.name=u", "-c", "user.email=u@localhost", *words]
    return subprocess.run(argv, cwd=world.folder, env=world.env, capture_output=True, text=True, check=True).stdout


def world_with(make_world: MakeWorld, *scripts: str) -> World:
    """Return a world whose n-th Codex runs the n-th script, in a repository with a bug and a test for it."""
    world = make_world(VERSION, {"cmd": "sh $HOME/agent.sh"}, {"final": "done"})
    world.write_profiles()
    config = world.codex_home / "codex-router.toml"
    text = config.read_text()
    for name, value in VALUES.items():
        head, tail = text.split(f"[profile.{name}]\n")
        text = f"{head}[profile.{name}]\n{tail.replace('task_value_usd = 1.0', f'task_value_usd = {value}', 1)}"
    config.write_text(text)
    cases = "".join(f"{number}) {script} ;;\n" for number, script in enumerate(scripts, 1))
    agent = f'echo run >> "$HOME/count"\ncase $(grep -c run "$HOME/count") in\n{cases}esac\n'
    (world.home / "agent.sh").write_text(agent)
    (world.folder / "first.py").write_text(BROKEN)
    (world.folder / "test_first.py").write_text(TEST)
    (world.folder / ".gitignore").write_text("__pycache__/\n*.log\n")
    git(world, "init", "-q", "-b", "main")
    git(world, "add", "-A")
    git(world, "commit", "-qm", "start")
    world.env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return world


def write(name: str, text: str) -> str:
    return f"printf '%s' '{text}' > {name}"


def runs(world: World) -> list[Run]:
    with Ledger.open(world.router_home / FILE) as ledger:
        return ledger.runs()


def tiers(world: World) -> list[str]:
    """Return the tiers that were asked, in order."""
    names = {arm: name for name, arm in TIERS.items()}
    asked = [names[request["model"], request["reasoning"]["effort"]] for request in world.server.requests]
    return [name for place, name in enumerate(asked) if place == 0 or asked[place - 1] != name]


def prompts(world: World) -> list[str]:
    """Return what each first request of a thread says last."""
    firsts = [one["input"] for one in world.server.requests if not any("call_id" in item for item in one["input"])]
    return [items[-1]["content"][-1]["text"] for items in firsts]


def kept(world: World) -> dict:  # type: ignore[type-arg]
    (path,) = (world.router_home / "runs").glob("*/run.json")
    document: dict = json.loads(path.read_bytes())  # type: ignore[type-arg]
    return document


def test_the_second_arm_starts_clean_and_is_accepted(make_world: MakeWorld) -> None:
    wrong = f"{write('first.py', WRONG)}; echo junk > junk.txt; rm test_first.py; echo more >> ignored.log"
    world = world_with(make_world, wrong, write("first.py", RIGHT))
    (world.folder / "mine.txt").write_text("my own untracked work\n")
    (world.folder / "staged.txt").write_text("my own staged work\n")
    git(world, "add", "staged.txt")
    (world.folder / "staged.txt").write_text("and changed again\n")
    before = git(world, "status", "--porcelain=v2", "--branch")

    done = world.run("exec", "--check", CHECK, *GO, PROMPT)

    assert done.status == 0, done.stderr
    assert tiers(world) == ["standard", "precision"]
    assert (world.folder / "first.py").read_text() == RIGHT
    assert (world.folder / "test_first.py").read_text() == TEST
    assert not (world.folder / "junk.txt").exists()
    assert (world.folder / "mine.txt").read_text() == "my own untracked work\n"
    assert (world.folder / "staged.txt").read_text() == "and changed again\n"
    assert git(world, "show", ":staged.txt") == "my own staged work\n"
    assert (world.folder / "ignored.log").read_text() == "more\n", "ignored files are left alone"
    after = git(world, "status", "--porcelain=v2", "--branch")
    assert [line for line in after.splitlines() if " first.py" not in line] == before.splitlines()
    assert [(run.attempt.outcome, run.attempt.outcome_source, run.tier) for run in runs(world)] == [
        ("no", "tests", "standard"),
        ("yes", "tests", "precision"),
    ]
    head = git(world, "rev-parse", "HEAD").strip()
    assert {run.git_commit for run in runs(world)} == {head}
    assert done.stdout == b"done\ndone\n"


def test_a_first_attempt_that_passes_is_the_only_one(make_world: MakeWorld) -> None:
    world = world_with(make_world, write("first.py", RIGHT))
    done = world.run("exec", "--check", CHECK, *GO, PROMPT)
    assert (done.status, done.stdout) == (0, b"done\n")
    assert tiers(world) == ["standard"]
    before, after = [line for line in done.stderr.splitlines() if line.startswith("codex-router:")]
    assert before.endswith("-> standard: gpt-5.5 low · then precision if the check fails")
    assert after.startswith("codex-router: solved, check passed · 2 turns · $")
    assert kept(world)["result"] == "accepted"


def test_the_first_attempt_can_be_had_again_and_so_can_the_start(make_world: MakeWorld) -> None:
    world = world_with(make_world, f"{write('first.py', WRONG)}; mkdir new; ln -s first.py new/link", "true")
    (world.folder / "mine.txt").write_text("mine\n")
    done = world.run("exec", "--check", CHECK, *GO, PROMPT)
    assert done.status == 123
    assert (world.folder / "first.py").read_text() == BROKEN, "equally bad: the last one stays"
    name = kept(world)["run"]
    assert f"the tree is as attempt 2 left it; other states: `codex-router runs show {name}`" in done.stderr

    assert b"attempt" in world.run("runs", "show", "last").stdout
    shown = json.loads(world.run("runs", "show", name[-4:], "--json").stdout)["run"]
    states = shown["states"]
    for one in shown["attempts"]:
        assert len(one["responses"]) == one["turns"] == 2
        assert sum(response["cost_usd"] for response in one["responses"]) == pytest.approx(one["cost_usd"])
        assert [response["input_tokens"] for response in one["responses"]] == [1000, 1500]
    assert [state for state in states if state.isdigit()] == ["0", "1", "2"]
    assert world.run("runs", "restore", name, "1").status == 2, "nobody is there to say yes"
    assert world.run("runs", "restore", name, "1", "--yes").status == 0
    assert (world.folder / "first.py").read_text() == WRONG
    assert str((world.folder / "new" / "link").readlink()) == "first.py"
    (world.folder / "mine.txt").write_text("changed since\n")
    assert world.run("runs", "restore", "last", "--yes").status == 0
    assert (world.folder / "first.py").read_text() == BROKEN
    assert not (world.folder / "new").exists()
    assert (world.folder / "mine.txt").read_text() == "mine\n"
    assert world.run("runs", "restore", "last", "undo-2", "--yes").status == 0
    assert (world.folder / "mine.txt").read_text() == "changed since\n"
    world.env["COLUMNS"] = "60"
    compare = f"git diff refs/codex-router/{name}/0 refs/codex-router/{name}/2"
    shown = world.run("runs", "show", "last").stdout.decode()
    assert "undo-3" in shown
    assert compare in shown.splitlines(), "the attempts, on one line to be copied"


def test_the_best_attempt_is_the_one_with_the_fewest_failing_checks(make_world: MakeWorld) -> None:
    world = world_with(make_world, "touch one", "true")
    done = world.run("exec", "--check", "test -e one", "--check", "test -e two", *GO, PROMPT)
    assert done.status == 123
    assert (world.folder / "one").exists()
    assert "1 of 2 checks failed" in done.stderr
    assert kept(world)["in_place"] == 1


def test_the_last_message_is_that_of_the_best_attempt(make_world: MakeWorld) -> None:
    """The checks add to the file of `-o`, which lies outside of the work tree; what they add does not stay."""
    world = world_with(make_world, "touch one", "true")
    answer = world.home / "answer.txt"
    answer.write_text("from before\n")
    checks = ("--check", f"echo checked >> {answer}; test -e one", "--check", "test -e two")
    assert world.run("exec", "-o", str(answer), *checks, *GO, PROMPT).status == 123
    assert kept(world)["in_place"] == 1
    assert answer.read_text() == "done"
    folder = world.router_home / "runs" / kept(world)["run"]
    assert [(folder / f"attempt-{number}-answer.txt").read_text() for number in (1, 2)] == ["done", "done"]


def test_an_attempt_that_said_nothing_last_does_not_leave_the_message_of_another(make_world: MakeWorld) -> None:
    world = world_with(make_world, "true", "true")
    config = world.codex_home / "codex-router.toml"
    head, tail = config.read_text().split("[profile.precision]")
    config.write_text(f"{head}[profile.precision]{tail.replace('max_turns = 0', 'max_turns = 1', 1)}")
    answer = world.home / "answer.txt"
    answer.write_text("from before\n")
    assert world.run("exec", "-o", str(answer), "--check", "false", *GO, PROMPT).status == 123
    assert [run.attempt.end for run in runs(world)] == ["completed", "budget"]
    assert kept(world)["in_place"] == 2
    assert answer.read_text() == "from before\n"


def test_an_attempt_that_commits_is_taken_back_and_kept(make_world: MakeWorld) -> None:
    commit = "git checkout -qb fix && git add -A && git -c user.name=a -c user.email=a@localhost commit -qm fixed"
    world = world_with(make_world, f"{write('first.py', WRONG)}; {commit}", write("first.py", RIGHT))
    start = git(world, "rev-parse", "HEAD")
    assert world.run("exec", "--check", CHECK, *GO, PROMPT).status == 0
    assert git(world, "rev-parse", "HEAD") == start
    assert git(world, "symbolic-ref", "HEAD") == "refs/heads/main\n"
    assert git(world, "show", f"refs/codex-router/{kept(world)['run']}/1:first.py") == WRONG


def test_keep_going_continues_and_tells_what_failed(make_world: MakeWorld) -> None:
    world = world_with(make_world, "echo half > half.txt", "test -e half.txt && touch whole.txt")
    check = "test -e whole.txt || { printf '\\033[31mno whole\\n' >&2; exit 7; }"
    assert world.run("exec", "--keep-going", "--check", "echo all well", "--check", check, *GO, PROMPT).status == 0
    assert (world.folder / "half.txt").exists()
    first, second = prompts(world)
    assert first == PROMPT
    assert second.startswith(PROMPT)
    assert "\nno whole\n" in second
    assert "all well" not in second
    assert "exit status 7" in second


@pytest.mark.parametrize("option", [[], ["--keep-going"]])
def test_a_piped_prompt_reaches_every_attempt(make_world: MakeWorld, option: list[str]) -> None:
    world = world_with(make_world, "true", "true", "true")
    text = f"{PROMPT}\nand \N{SNOWMAN}"
    check = "test -e never"
    done = world.run("exec", *option, "--attempts", "3", "--check", check, "--tier", "bulk", *GO, stdin=text.encode())
    assert done.status == 123
    assert tiers(world) == ["bulk", "standard", "precision"]
    first, *others = prompts(world)
    assert first == text
    assert len(others) == 2
    for prompt in others:
        assert prompt.startswith(text)
        assert prompt.count(INTRODUCTION) == len(option), "of the last attempt only"


def test_what_is_piped_beside_a_prompt_reaches_every_attempt(make_world: MakeWorld) -> None:
    world = world_with(make_world, "true", "true")
    assert world.run("exec", "--check", "false", *GO, PROMPT, stdin=b"a log\n").status == 123
    first, second = prompts(world)
    assert first == second
    assert "<stdin>\na log\n" in first


def test_a_budget_stop_counts_as_rejected_unless_the_checks_pass(make_world: MakeWorld) -> None:
    world = world_with(make_world, "true", "touch solved")
    world.server.steps = [{"cmd": "sh $HOME/agent.sh"}, {"cmd": "sleep 1"}]  # never comes to an end
    done = world.run("exec", "--max-turns", "2", "--check", "test -e solved", *GO, PROMPT)
    assert done.status == 0, done.stderr
    assert [(run.attempt.end, run.attempt.outcome) for run in runs(world)] == [("budget", "no"), ("budget", "yes")]


def test_money_given_on_the_command_line_is_for_all_attempts(make_world: MakeWorld) -> None:
    world = world_with(make_world, "true", "touch solved")
    done = world.run("exec", "--max-cost", "0.01", "--check", "test -e solved", *GO, PROMPT)
    assert done.status == 123
    assert tiers(world) == ["standard"]


def test_each_attempt_has_the_money_that_those_before_have_left(make_world: MakeWorld) -> None:
    """The first takes $0.008; with the $0.026 of its first two turns, all of $0.03 is spent in the second."""
    world = world_with(make_world, "true", "true", "touch solved")
    world.server.steps = [{"cmd": "sh $HOME/agent.sh"}, {"cmd": "true"}, {"final": "done"}]
    words = ("--tier", "bulk", "--attempts", "3", "--max-cost", "0.03", "--check", "test -e solved")
    assert world.run("exec", *words, *GO, PROMPT).status == 123
    assert [(run.tier, run.attempt.turns, run.attempt.end) for run in runs(world)] == [
        ("bulk", 3, "completed"),
        ("standard", 2, "budget"),
    ]


def test_a_tier_that_costs_more_than_the_task_is_worth_is_not_tried(make_world: MakeWorld) -> None:
    world = world_with(make_world, "true", "touch solved")
    config = world.codex_home / "codex-router.toml"
    config.write_text(config.read_text().replace("[profile.precision]", "[profile.precision]\nmax_cost_usd = 60.0"))
    done = world.run("exec", "--check", "test -e solved", *GO, PROMPT)
    assert done.status == 123
    assert tiers(world) == ["standard"]
    assert "then precision" not in done.stderr
    assert " · one attempt: precision would solve 100% of what standard fails at" in done.stderr
    done = world.run("exec", "--tier", "precision", "--check", "test -e solved", *GO, PROMPT)
    assert " · one attempt: no dearer tier has another model or effort\n" in done.stderr


def test_one_attempt_when_asked_for_one_or_when_the_user_chose_the_model(make_world: MakeWorld) -> None:
    world = world_with(make_world, "true", "true", "touch solved")
    assert world.run("exec", "--attempts", "1", "--check", "test -e solved", *GO, PROMPT).status == 123
    assert world.run("exec", "-m", "gpt-5.4", "--check", "test -e solved", *GO, PROMPT).status == 123
    assert len(runs(world)) == 2
    assert world.run("exec", "-m", "gpt-5.4", "--check", "test -e solved", *GO, PROMPT).status == 0
    assert [run.attempt.outcome for run in runs(world)] == ["no", "no", "yes"]


def test_outside_a_repository_it_runs_once_and_checks(make_world: MakeWorld) -> None:
    world = world_with(make_world, "touch solved", "true")
    (world.folder / ".git").rename(world.home / "away.git")
    done = world.run("exec", "--check", "test -e never", *GO, PROMPT)
    assert done.status == 123
    assert "no snapshot: not a git repository" in done.stderr
    assert len(runs(world)) == 1
    assert (world.folder / "solved").exists()
    assert world.run("exec", "--check", "test -e solved", *GO, PROMPT).status == 0
    assert world.run("runs", "restore", "last", "--yes").status == 1


def test_a_dirty_submodule_is_told_and_there_is_one_attempt(make_world: MakeWorld) -> None:
    world = world_with(make_world, "true", "true")
    subprocess.run(["git", "clone", "-q", ".", "../library"], cwd=world.folder, env=world.env, check=True)
    git(world, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../library", "lib")
    git(world, "commit", "-qm", "library")
    (world.folder / "lib" / "first.py").write_text("mine\n")
    done = world.run("exec", "--check", "false", *GO, PROMPT)
    assert done.status == 123
    assert "the submodule `lib` has changes of its own" in done.stderr
    assert len(runs(world)) == 1


def repository(world: World, name: str, text: str) -> None:
    """Make a repository inside, with a commit and work that only its index and its files hold."""
    folder = world.folder / name
    folder.mkdir()
    git(world, "init", "-q", "-b", "main", name)
    for each in ("committed", "staged", "changed"):
        (folder / each).write_text("first\n")
        git(world, "-C", name, "add", each)
        git(world, "-C", name, "commit", "-qm", each)
    (folder / "staged").write_text(text)
    git(world, "-C", name, "add", "staged")
    (folder / "changed").write_text(text)
    (folder / "untracked").write_text(text)


def test_repositories_inside_come_back_before_the_second_arm_and_can_be_had_again(make_world: MakeWorld) -> None:
    wrong = (
        "cd changed && git checkout -qb theirs && git add -A && git -c user.name=a -c user.email=a@b commit -qm no"
        " && rm committed && cd .. && rm -rf removed && git clone -q changed new"
    )
    world = world_with(make_world, wrong, f"test -d removed && test ! -e new && {write('first.py', RIGHT)}")
    for name in ("changed", "removed"):
        repository(world, name, "mine\n")
    before = [git(world, "-C", name, "status", "--porcelain=v2", "--branch") for name in ("changed", "removed")]

    done = world.run("exec", "--check", CHECK, *GO, PROMPT)

    assert done.status == 0, done.stderr
    assert tiers(world) == ["standard", "precision"]
    after = [git(world, "-C", name, "status", "--porcelain=v2", "--branch") for name in ("changed", "removed")]
    assert after == before
    assert (world.folder / "removed" / "untracked").read_text() == "mine\n"
    inside = json.loads(world.run("runs", "show", "last", "--json").stdout)["run"]["repositories_inside"]
    assert set(inside["changed"]) == {"0", "0-checked", "1", "1-checked", "2"}
    assert set(inside["new"]) == {"1", "1-checked"}
    ends = inside["changed"]["0"], inside["changed"]["1"]
    assert f"git -C changed diff {inside['changed']['0']}".encode() in world.run("runs", "show", "last").stdout
    assert git(world, "-C", "changed", "diff", "--name-status", *ends) == "D\tcommitted\n"

    assert world.run("runs", "restore", "last", "1", "--yes").status == 0
    assert git(world, "-C", "changed", "log", "-1", "--format=%s") == "no\n"
    assert git(world, "-C", "new", "symbolic-ref", "HEAD") == "refs/heads/theirs\n"
    assert not (world.folder / "removed").exists()
    assert world.run("runs", "restore", "last", "--yes").status == 0
    after = [git(world, "-C", name, "status", "--porcelain=v2", "--branch") for name in ("changed", "removed")]
    assert after == before
    assert not (world.folder / "new").exists()


def test_a_repository_inside_that_cannot_be_stored_ends_it_when_it_changes(make_world: MakeWorld) -> None:
    world = world_with(make_world, "echo more >> inner/file", "touch solved")
    (world.folder / "inner").mkdir()
    git(world, "init", "-q", "inner")
    (world.folder / "inner" / "file").write_text("mine\n")
    with (world.folder / "inner" / "data").open("wb") as stream:
        stream.truncate(MAX_UNTRACKED_BYTES + 1)
    done = world.run("exec", "--check", "test -e solved", *GO, PROMPT)
    assert done.status == 123
    assert "left alone, a change in it could not be taken back: `inner`" in done.stderr
    assert "`inner` changed and cannot be brought back" in done.stderr
    assert (world.folder / "inner" / "file").read_text() == "mine\nmore\n"
    assert tiers(world) == ["standard"]


def test_a_check_that_passes_anyway_proves_nothing_of_a_codex_that_did_not_begin(make_world: MakeWorld) -> None:
    world = world_with(make_world)
    (world.folder / ".git").rename(world.home / "elsewhere")
    done = world.run("exec", "--check", "true", PROMPT)
    assert done.status == 1
    assert kept(world)["result"] == "failed"
    assert [run.attempt.outcome for run in runs(world)] == ["unknown"]


def test_a_check_that_measures_nothing_is_told(make_world: MakeWorld) -> None:
    world = world_with(make_world, "touch one")
    done = world.run("exec", "--check", "true", *GO, PROMPT)
    assert "passes already, before the first attempt" in done.stderr
    assert "codex-router: check passed · 2 turns" in done.stderr, "nobody knows whether it is solved"
    assert [(run.attempt.outcome, run.attempt.outcome_source) for run in runs(world)] == [("yes", "heuristic")]
    failing = "echo took 0.$(date +%N) s; exit 3"
    done = world.run("exec", "--attempts", "1", "--check", failing, *GO, PROMPT)
    assert "it failed so before the first attempt too" in done.stderr


def test_what_the_first_check_leaves_behind_is_not_in_the_way(make_world: MakeWorld) -> None:
    world = world_with(make_world, "test -e report.xml && touch seen; touch solved")
    assert world.run("exec", "--check", "touch report.xml; test -e solved", *GO, PROMPT).status == 0
    assert not (world.folder / "seen").exists()
    assert (world.folder / "report.xml").exists(), "of the last check, it stays"


def test_a_check_that_takes_too_long_rejects_and_leaves_no_process(make_world: MakeWorld) -> None:
    world = world_with(make_world, "true")
    check = "sleep 987 & sleep 987"
    done = world.run("exec", "--attempts", "1", "--check-seconds", "0.5", "--check", check, *GO, PROMPT)
    assert done.status == 123
    assert "took too long" in done.stderr
    gone(world, "sleep 987")


def test_what_a_check_leaves_running_ends_with_it(make_world: MakeWorld) -> None:
    world = world_with(make_world, "touch solved")
    check = "sleep 984 & test -e solved"
    assert world.run("exec", "--check", check, *GO, PROMPT).status == 0
    gone(world, "sleep 984")


def test_a_lock_that_an_attempt_leaves_is_told_once(make_world: MakeWorld) -> None:
    world = world_with(make_world, "touch .git/index.lock one", "touch two")
    done = world.run("exec", "--check", "test -e two", *GO, PROMPT)
    assert done.status == 123
    assert done.stderr.count("index.lock: the index cannot be locked") == 1
    assert (world.folder / "one").exists()


def gone(world: World, command: str) -> None:
    """Return when no process of this world has this command line."""
    wait_for(lambda: command not in world.processes().values())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_check_ends_it_all_in_good_order(make_world: MakeWorld, number: signal.Signals) -> None:
    world = world_with(make_world, "touch one", "true")
    check = "test -e one || exit 1; touch $HOME/checking; sleep 986"
    running = world.start("exec", "--check", check, *GO, PROMPT)
    wait_for((world.home / "checking").exists)
    running.send_signal(number)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 128 + number
    assert b"interrupted; the tree is as attempt 1 left it" in said
    gone(world, "sleep 986")
    assert (world.folder / "one").exists()
    assert [run.attempt.outcome for run in runs(world)] == ["unknown"]
    assert kept(world)["result"] == "interrupted"


def test_ctrl_c_while_codex_runs_is_codexs_own_end(make_world: MakeWorld) -> None:
    world = world_with(make_world, "touch $HOME/working; sleep 985", "true")
    running = world.start("exec", "--check", "test -e never", *GO, PROMPT)
    wait_for((world.home / "working").exists)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 1, "as bare Codex"
    assert b"the tree is as attempt 1 left it" in said
    assert [(run.attempt.end, run.attempt.outcome) for run in runs(world)] == [("abort", "unknown")]
    assert [attempt["checks"] for attempt in kept(world)["attempts"]] == [[]]
    gone(world, "sleep 985")


def test_the_check_runs_where_codex_works(make_world: MakeWorld) -> None:
    world = world_with(make_world, "touch here")
    (world.folder / "sub").mkdir()
    assert world.run("exec", "-C", "sub", "--check", "test -e here", *GO, PROMPT).status == 0
    assert (world.folder / "sub" / "here").exists()


def test_a_codex_that_fails_before_the_model_answers_is_no_failed_attempt(make_world: MakeWorld) -> None:
    world = world_with(make_world, "true")
    del world.env["SCRIPTED_KEY"]
    done = world.run("exec", "--check", "false", *GO, PROMPT)
    assert done.status == 1
    assert [(run.attempt.end, run.attempt.outcome) for run in runs(world)] == [("error", "unknown")]


def test_a_missing_profile_ends_it_with_the_best_so_far(make_world: MakeWorld) -> None:
    world = world_with(make_world, "touch one")
    (world.codex_home / "precision.config.toml").unlink()
    done = world.run("exec", "--check", "false", *GO, PROMPT)
    assert done.status == 123
    assert "no further attempt" in done.stderr
    assert (world.folder / "one").exists()


def test_codexs_own_work_tree_cannot_be_checked(make_world: MakeWorld) -> None:
    world = world_with(make_world)
    done = world.run("exec", "--check", "true", "--worktree", *GO, PROMPT)
    assert done.status == 2
    assert not world.server.requests


def test_quiet_says_nothing(make_world: MakeWorld) -> None:
    world = world_with(make_world, "true", "true")
    done = world.run("exec", "--quiet", "--check", "false", *GO, PROMPT)
    assert done.status == 123
    assert "codex-router" not in done.stderr


def test_without_a_check_none_of_this_is_loaded() -> None:
    code = "import sys; from codex_router.commands import exec_; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    ours = {"git", "snapshot", "restore", "acceptance", "kept", "shim"}
    assert not {f"codex_router.codex.{name}" for name in ours} & set(loaded)
    assert "codex_router.commands.escalate" not in loaded
    assert "subprocess" not in loaded


def test_with_a_check_nothing_heavy_is_loaded() -> None:
    code = "import sys; from codex_router.commands import escalate, record; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "pydantic", "tomlkit", "rich", "click"} & set(loaded)
