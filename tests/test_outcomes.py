"""Guessed outcomes: only what can be seen, only where asked for, and half a vote each."""

from __future__ import annotations

from dataclasses import astuple
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa
from session_corpus import Thread, plain
from test_ledger import ROW, RUN, run
from test_store import read_into

from codex_router.codex.shipped_models import default_efforts
from codex_router.commands.own_evidence import own_turns
from codex_router.commands.report_figures import task_rows
from codex_router.decide.estimator import Estimator
from codex_router.evidence.cells import attempts_of_sessions, cells, sums_of_sessions
from codex_router.evidence.complaints import complains
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.outcomes import known_outcome
from codex_router.evidence.runs import Run
from codex_router.evidence.store import Store
from codex_router.evidence.store_tables import tasks
from codex_router.evidence.usage import judged as judged_runs
from codex_router.records import Arm
from codex_router.settings import own_file


@pytest.mark.parametrize(
    "prompt",
    [
        "it still fails with the same error",
        "That didn't work.",
        "this does not compile",
        "not fixed",
        "please revert that",
        "Undo the last change and try again",
        "you broke the login page",
    ],
)
def test_complaints(prompt: str) -> None:
    assert complains(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "fix the failing test in parser.py",
        "thanks, now add an export button",
        "add an undo feature to the editor",
        "explain why the cache is still used",
        "write a test that the revert command works",
    ],
)
def test_no_complaints(prompt: str) -> None:
    assert not complains(prompt)


def change(thread: Thread) -> None:
    call = {"type": "function_call", "name": "exec_command", "arguments": "apply_patch <<EOF", "call_id": "1"}
    thread.put("response_item", call)


def talk(*prompts: str, seed: int = 1) -> Thread:
    thread = plain("new", seed, tasks=0)
    for prompt in prompts:
        thread.begin(prompt)
        thread.respond(tool=True)
        change(thread)
        thread.respond(tool=False)
        thread.put("event_msg", {"type": "task_complete", "turn_id": thread.turn})
        thread.wait(60)
    return thread


def guessed(ledger: Store, thread: Thread, home: Path) -> list[tuple[str, str | None]]:
    thread.save(home)
    read_into(ledger, home)
    ledger.settle(guess=True)
    query = sa.select(tasks.c.outcome, tasks.c.outcome_source).order_by(tasks.c.started)
    with ledger.engine.connect() as connection:
        return [(row[0], row[1]) for row in connection.execute(query)]


def test_a_complaint_is_a_no_and_going_on_is_a_yes(store: Store, tmp_path: Path) -> None:
    thread = talk("fix the bug in a.py", "it still fails", "add a feature", "fix the docs")
    assert guessed(store, thread, tmp_path) == [
        ("no", "heuristic"),
        ("yes", "heuristic"),
        ("yes", "heuristic"),
        ("unknown", None),
    ]


def test_the_same_prompt_again_is_a_no(store: Store, tmp_path: Path) -> None:
    found = guessed(store, talk("fix the bug", "write the docs", "fix the bug"), tmp_path)
    assert [outcome for outcome, _ in found] == ["no", "yes", "unknown"]


def test_the_same_prompt_in_another_folder_is_another_task(store: Store, tmp_path: Path) -> None:
    elsewhere = plain("new", 2, tasks=0)
    elsewhere.lines.clear()
    elsewhere.cwd = "/home/user/other"
    elsewhere.meta()
    elsewhere.task("fix the bug", 1)
    elsewhere.save(tmp_path)
    found = guessed(store, talk("fix the bug"), tmp_path)
    assert [outcome for outcome, _ in found] == ["unknown", "unknown"]


def test_forks_that_try_the_same_side_by_side_complain_of_nothing(store: Store, tmp_path: Path) -> None:
    parent = talk("read the parser")
    for seed in (50, 51):
        fork = parent.child(seed, wait=seed)
        fork.meta(forked_from_id=parent.id)
        fork.task("fix the bug", 1)
        fork.save(tmp_path)
    assert [outcome for outcome, _ in guessed(store, parent, tmp_path)] == ["unknown"] * 3


def test_going_on_after_mere_talk_says_nothing(store: Store, tmp_path: Path) -> None:
    """No file was changed: what was there to be solved?"""
    thread = plain("new", tasks=0)
    for prompt in ("explain the parser", "fix the docs"):
        thread.task(prompt, 2)
    assert [outcome for outcome, _ in guessed(store, thread, tmp_path)] == ["unknown", "unknown"]


def test_a_guess_is_made_anew_when_more_is_known(store: Store, tmp_path: Path) -> None:
    thread = talk("fix the bug", "write the docs")
    assert guessed(store, thread, tmp_path)[0] == ("yes", "heuristic")
    thread.task("fix the bug", 1)
    assert guessed(store, thread, tmp_path)[0] == ("no", "heuristic")


def test_nothing_is_guessed_unless_asked_for(store: Store, tmp_path: Path) -> None:
    talk("fix the bug in a.py", "it still fails").save(tmp_path)
    read_into(store, tmp_path)
    assert sum(cell.n_judged for cell in cells(store, guessed=True)) == 0


def test_what_was_read_before_the_user_let_outcomes_be_guessed_is_guessed_too(tmp_path: Path) -> None:
    talk("fix the bug in a.py", "it still fails", "add a feature").save(tmp_path)
    with Store.open() as ledger:
        read_into(ledger, tmp_path)
    assert own_turns().attempts == ()
    policy = Path(own_file("policy.toml"))
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text("[outcomes]\nguess = true\n", encoding="utf-8")
    assert [one.outcome_source for one in own_turns().attempts if one.outcome != "unknown"] == ["heuristic"] * 2


def test_a_guess_is_half_a_vote(store: Store, tmp_path: Path) -> None:
    guessed(store, talk("fix the bug in a.py", "it still fails", "fix the test b", "fix the test c"), tmp_path)
    found = cells(store, guessed=True)
    assert sum(cell.n_judged for cell in found) == 1.5
    assert sum(cell.successes for cell in found) == 1.0
    assert sum(cell.n_judged for cell in cells(store)) == 0
    assert {one.outcome for one in attempts_of_sessions(store)} == {"unknown"}
    told = [one for one in attempts_of_sessions(store, guessed=True) if one.outcome != "unknown"]
    assert [one.outcome_source for one in told] == ["heuristic"] * 3


def test_cells_are_the_sums_of_attempts(tmp_path: Path) -> None:
    """Runs and the turns that no run covers, each once."""
    threads = [plain(shape, seed) for seed, shape in enumerate(["old", "middle", "new"])]
    for thread in threads:
        thread.save(tmp_path)
    with Ledger.open() as runs:
        runs.record(RUN._replace(session_id=threads[0].id))
        runs.set_outcome("last", "yes")
    with Store.open() as ledger:
        read_into(ledger, tmp_path)
        found = cells(ledger)
        turns = attempts_of_sessions(ledger)
    assert len(turns) == 4  # the first thread is the run's
    costs = [one.cost_usd for one in turns if one.cost_usd is not None]
    assert sum(cell.n for cell in found) == 5
    assert sum(cell.cost_usd for cell in found) == pytest.approx(sum(costs) + 0.25)
    assert sum(cell.cost_usd_squared for cell in found) == pytest.approx(sum(cost**2 for cost in costs) + 0.25**2)
    assert sum(cell.turns for cell in found) == sum(one.turns or 0 for one in turns) + 12
    assert (sum(cell.n_judged for cell in found), sum(cell.successes for cell in found)) == (1, 1)


def test_a_turn_costs_what_its_sub_agents_cost_too(store: Store, tmp_path: Path) -> None:
    """At 5 USD per million tokens; with a sub-agent of unknown price nobody knows the whole."""
    for seed, model in enumerate(("gpt-5.5", "my-own-llama")):
        parent = plain("new", seed, tasks=0)
        parent.begin("fix it")
        parent.answer((20_000, 0, 0, 0, 0))
        agent = parent.child(50 + seed)
        agent.meta(
            session_id=parent.id,
            source={"subagent": {"thread_spawn": {"parent_thread_id": parent.id, "depth": 1}}},
        )
        agent.model = model
        agent.begin("look into it")
        agent.answer((30_000, 0, 0, 0, 0))
        for thread in (parent, agent):
            thread.save(tmp_path)
    read_into(store, tmp_path)
    costs = [one.cost_usd for one in attempts_of_sessions(store)]
    assert sorted(costs, key=str) == [pytest.approx(0.25), None]


def test_the_users_word_on_a_run_is_that_of_its_turn(store: Store, tmp_path: Path) -> None:
    """By the prompt; what was piped to it or said of an earlier attempt makes another one: then it is the first."""
    asked, other = talk("fix it", "fix that"), talk("fix those", seed=2)
    piped = talk("fix this\n<stdin>", "and more", seed=3)
    for thread in (asked, piped, other):
        thread.save(tmp_path)
    read_into(store, tmp_path)
    with Ledger.open() as ledger:
        digest = sha256(b"fix that").hexdigest()
        ledger.record(run_of("a", asked, digest))
        ledger.record(run_of("b", piped, sha256(b"fix this").hexdigest()))
        ledger.set_outcome("a", "yes")
        ledger.set_outcome("b", "no")
        store.push(ledger.runs())
    rows, _ = task_rows(store, None, 10)
    found = {(row.turns, row.outcome) for row in rows}
    with store.engine.connect() as connection:
        query = sa.select(tasks.c.thread_id, tasks.c.prompt_hash, known_outcome(tasks))
        outcomes = {(row[0], row[1]): row[2] for row in connection.execute(query)}
    assert outcomes == {
        (asked.id, sha256(b"fix it").hexdigest()): "unknown",
        (asked.id, digest): "yes",
        (piped.id, sha256(b"fix this\n<stdin>").hexdigest()): "no",
        (piped.id, sha256(b"and more").hexdigest()): "unknown",
        (other.id, sha256(b"fix those").hexdigest()): "unknown",
    }
    assert {outcome for _, outcome in found} == {"yes", "no", "unknown"}
    assert judged_runs(store) == (1, 1)
    assert judged_runs(store, "2026-11-02") == judged_runs(store, until="2026-10-31") == (0, 0)
    assert judged_runs(store, "2026-11-01", "2026-11-01") == (1, 1), "the last day counts"


def test_the_newest_word_on_a_turn_holds(store: Store, tmp_path: Path) -> None:
    """A resumed session may be given the same prompt again; the turn is then that of both runs."""
    thread = talk("fix it")
    thread.save(tmp_path)
    read_into(store, tmp_path)
    with Ledger.open() as ledger:
        for name, word in (("a", "no"), ("b", "yes")):
            ledger.record(run_of(name, thread, sha256(b"fix it").hexdigest()))
            ledger.set_outcome(name, word)  # type: ignore[arg-type]
        store.push(ledger.runs())
    assert [row.outcome for row in task_rows(store, None, 10)[0]] == ["yes"]


def run_of(attempt_id: str, thread: Thread, prompt_hash: str) -> Run:
    of_thread = run(attempt_id)
    return of_thread._replace(session_id=thread.id, prompt_hash=prompt_hash)


def test_an_effort_that_nobody_named_is_the_models_own(store: Store, tmp_path: Path) -> None:
    for seed, effort in enumerate(("low", None, None)):
        thread = plain("new", seed, tasks=0)
        thread.model, thread.effort = ("gpt-5.6-sol", "gpt-5.6-sol", "my-own-llama")[seed], effort  # type: ignore[assignment]
        thread.task("fix it", 2)
        thread.save(tmp_path)
    read_into(store, tmp_path)
    named = {(one.arm, one.attempts) for one in sums_of_sessions(store)}
    assert named == {(Arm("gpt-5.6-sol", "low"), 1), (Arm("gpt-5.6-sol"), 1), (Arm("my-own-llama"), 1)}
    told = {(one.arm, one.attempts) for one in sums_of_sessions(store, defaults=default_efforts())}
    assert told == {(Arm("gpt-5.6-sol", "low"), 2), (Arm("my-own-llama"), 1)}
    assert {row.effort for row in task_rows(store, None, 10)[0]} == {"low", "low (default)", ""}


@pytest.mark.parametrize("guess", [False, True])
def test_estimates_from_sums_are_those_from_rows(store: Store, tmp_path: Path, guess: bool) -> None:
    """Whatever is summed in the database, with repeated prompts, budget stops, failures and unknown prices."""
    ends = [None, "interrupted", {"codex_error_info": "session_budget_exceeded"}]
    prompts = ["fix the bug in a", "continue", "write the docs", "it still fails", "continue", "fix that", "review it"]
    for seed in range(12):
        thread = plain("new", seed, tasks=0)
        thread.model = ("gpt-5.5", "gpt-5.4", "my-own-llama")[seed % 3]
        for index, prompt in enumerate([*prompts[seed % 4 :], f"review number {seed}"]):
            thread.begin(prompt)
            for _ in range(1 + (seed * 7 + index * 3) % 5):
                thread.respond(tool=True)
            change(thread)
            end = ends[(seed + index) % 5] if (seed + index) % 5 < 3 else None
            if end == "interrupted":
                thread.put("event_msg", {"type": "turn_aborted", "reason": "interrupted"})
            else:
                said = {"type": "task_complete", "turn_id": thread.turn, "error": end}
                thread.put("event_msg", said)
            thread.wait(60)
        thread.save(tmp_path)
    read_into(store, tmp_path)
    store.settle(guess=guess)
    rows = attempts_of_sessions(store, guessed=guess)
    judged = attempts_of_sessions(store, guessed=guess, judged=True)
    summed = sums_of_sessions(store, guessed=guess)
    assert len(judged) + sum(one.attempts for one in summed) == len(rows)
    assert summed
    assert bool(judged) == guess
    assert sum(one.capped for one in summed) > 0
    assert guess or any(one.cost_usd.n not in {0, round(one.cost_usd.n)} for one in summed)  # a repeated task
    published = [ROW._replace(category="write", arm=Arm("gpt-5.5", "medium"))]
    arms = sorted({one.arm for one in rows}, key=str)
    categories = ["fix", "continue", "write", "review", "it"]
    by_rows = Estimator().fit(published, rows)
    by_sums = Estimator().fit(published, judged, summed)
    assert figures(by_sums, arms, categories) == pytest.approx(figures(by_rows, arms, categories), rel=1e-9)
    assert astuple(by_sums.turns_shape_) == pytest.approx(astuple(by_rows.turns_shape_), rel=1e-12)


def figures(estimator: Estimator, arms: list[Arm], categories: list[str]) -> list[float]:
    return [
        float(value)
        for one in estimator.estimate(arms, categories)
        for value in (*one.p_pass, *one.cost_usd, *one.turns, one.n_local, one.n_published, one.n_effective, one.guess)
    ]
