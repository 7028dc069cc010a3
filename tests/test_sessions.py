"""Every trap of session files: the tokens are those that the models really gave, neither more nor fewer."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import tracemalloc
from collections import defaultdict
from io import BytesIO
from pathlib import Path

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st
from session_corpus import SHAPES, ZERO, Counts, Thread, plain, plus, truth

from codex_router.errors import RouterError
from codex_router.evidence.lineage import Ancestors
from codex_router.evidence.rollout import Rollout
from codex_router.evidence.rollout_lines import Lines
from codex_router.evidence.session_files import find_sessions
from codex_router.evidence.session_records import Position, Response, Session, Task
from codex_router.evidence.sessions import SessionRead, reading

SHAPE = pytest.mark.parametrize("shape", SHAPES)


def read_all(home: Path, known: dict[str, Position] | None = None) -> list[SessionRead]:
    files, _ = find_sessions(home)
    with reading(files, files, lambda prompt: prompt.split()[0], known or {}) as read:
        return list(read)


def sessions(home: Path) -> list[Session]:
    return [read.session for read in read_all(home) if read.session]


def tokens(home: Path) -> dict[str, Counts]:
    """Return the tokens per thread, each response once, however many files hold it."""
    found: dict[tuple[str, int, int], Response] = {}
    for session in sessions(home):
        for one in session.responses:
            found[session.thread.thread_id, one.generation, one.total_tokens] = one
    sums: dict[str, Counts] = defaultdict(lambda: ZERO)
    for (thread, _, _), one in found.items():
        sums[thread] = plus(sums[thread], one[6:11])
    return dict(sums)


@SHAPE
def test_clean_sessions(tmp_path: Path, shape: str) -> None:
    threads = [plain(shape, seed) for seed in range(5)]
    for thread in threads:
        thread.save(tmp_path)
    assert tokens(tmp_path) == truth(*threads)


@SHAPE
def test_what_is_known_of_a_task(tmp_path: Path, shape: str) -> None:
    thread = plain(shape, tasks=2, responses=5)
    thread.save(tmp_path)
    (session,) = sessions(tmp_path)
    assert session.thread.thread_id == thread.id
    assert (session.thread.cwd, session.thread.git_branch, session.thread.git_commit) == (thread.cwd, "main", "c" * 40)
    assert (session.thread.source, session.thread.subagent) == ("exec", 0)
    assert [(task.responses, task.tool_calls, task.end, task.category) for task in session.tasks] == [
        (5, 4, "completed", "fix"),
        (5, 4, "completed", "fix"),
    ]
    assert all(task.prompt_hash and task.seconds > 5 for task in session.tasks)
    assert {one.turn_id for one in session.responses} == {task.turn_id for task in session.tasks}
    assert session.skipped == {}


@SHAPE
def test_a_repeated_count_and_one_without_figures(tmp_path: Path, shape: str) -> None:
    thread = plain(shape)
    thread.begin("fix more")
    thread.count(ZERO, None)
    counts = thread.respond(tool=True)
    thread.count(thread.total, counts)
    thread.count(thread.total, (counts[0] + 999, 0, 0, 0, 0))  # behind a compaction the last usage is an estimate
    thread.respond(tool=False)
    thread.save(tmp_path)
    assert tokens(tmp_path) == truth(thread)


@SHAPE
def test_another_model_in_mid_session(tmp_path: Path, shape: str) -> None:
    thread = plain(shape)
    thread.model, thread.effort = "gpt-5.4-mini", "low"
    thread.task("fix it cheaper", 3)
    thread.save(tmp_path)
    (session,) = sessions(tmp_path)
    assert [one.model for one in session.responses] == [answer.model for answer in thread.answers]
    assert {one.effort for one in session.responses[-3:]} == {"low"}
    assert tokens(tmp_path) == truth(thread)


@SHAPE
def test_a_fork_whose_totals_begin_at_its_parents(tmp_path: Path, shape: str) -> None:
    parent = plain(shape)
    child = parent.child(50)
    child.total, child.context = parent.total, parent.context
    child.meta(forked_from_id=parent.id)
    child.task("fix the other way", 3)
    parent.save(tmp_path)
    child.save(tmp_path)
    assert tokens(tmp_path) == truth(parent, child)


@SHAPE
@pytest.mark.parametrize("spread", [0.0, 0.004, 7.0])
@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("until", [None, 40])
def test_a_fork_with_a_copied_beginning_and_new_times(
    tmp_path: Path, shape: str, spread: float, said: bool, until: int | None
) -> None:
    parent = plain(shape)
    child = parent.child(50)
    child.meta(**({"forked_from_id": parent.id} if said else {}))
    child.copy_from(parent, keep_times=False, spread=spread, until=until)
    child.total, child.context = parent.total, parent.context
    child.wait(20)
    child.task("fix the other way", 3)
    parent.wait(300)
    parent.task("and the parent goes on", 2)
    parent.save(tmp_path)
    child.save(tmp_path)
    assert tokens(tmp_path) == truth(parent, child)


@SHAPE
@pytest.mark.parametrize("keep_times", [True, False])
@pytest.mark.parametrize("parent_is_there", [True, False])
def test_a_sub_agent_with_a_copied_beginning(
    tmp_path: Path, shape: str, keep_times: bool, parent_is_there: bool
) -> None:
    """Its own totals begin anew; without the parent's file, times tell."""
    parent = plain(shape)
    child = parent.child(50)
    spawn = {"subagent": {"thread_spawn": {"parent_thread_id": parent.id, "depth": 1}}}
    child.meta(source=spawn)
    child.copy_from(parent, keep_times=keep_times)
    child.wait(2)
    child.task("look into the logs", 3)
    child.save(tmp_path)
    if parent_is_there:
        parent.save(tmp_path)
    found = tokens(tmp_path)
    assert found[child.id] == truth(child)[child.id]
    assert found.get(parent.id) == (truth(parent)[parent.id] if parent_is_there else None)
    session = next(session for session in sessions(tmp_path) if session.thread.thread_id == child.id)
    assert (session.thread.parent_id, session.thread.subagent) == (parent.id, 1)
    assert session.inherited == len(parent.answers)


def test_a_review_is_no_copy_of_the_turn_that_asked_for_it(tmp_path: Path) -> None:
    """Both files name the turn, and begin it with the same words; what the review cost is in its own only."""
    parent = plain("middle", tasks=1)
    review = parent.child(50)
    review.meta(source={"subagent": "review"}, parent_thread_id=parent.id)
    review.task("Review the changes", 3)
    parent.put("event_msg", {"type": "task_started", "turn_id": review.turn})
    parent.put("event_msg", {"type": "user_message", "message": "Review the changes"})
    for thread in (parent, review):
        thread.save(tmp_path)
    assert tokens(tmp_path) == truth(parent, review)
    ((task,),) = [session.tasks for session in sessions(tmp_path) if session.thread.thread_id == review.id]
    assert (task.turn_id, task.responses, task.category) == (review.turn, 3, "Review")


def test_an_old_turn_without_an_answer_at_its_end_was_interrupted(tmp_path: Path) -> None:
    thread = plain("old", tasks=0)
    thread.task("fix it", 2)
    thread.begin("go on")
    thread.respond(tool=False)
    thread.respond(tool=True)
    thread.save(tmp_path)
    (session,) = sessions(tmp_path)
    assert [task.end for task in session.tasks] == ["completed", "abort"]


@pytest.mark.parametrize(
    ("shape", "change"),
    [
        ("new", {"type": "item_completed", "item": {"type": "FileChange", "id": "1", "changes": {}}}),
        ("middle", {"type": "patch_apply_end", "call_id": "1", "success": True}),
    ],
)
def test_responses_are_counted_from_the_last_change_of_a_file(
    tmp_path: Path, shape: str, change: dict[str, object]
) -> None:
    thread = plain(shape, tasks=0)
    thread.begin("fix it")
    for _ in range(2):
        thread.respond(tool=True)
        thread.put("event_msg", change)
        thread.respond(tool=True)
    thread.respond(tool=False)
    thread.save(tmp_path)
    (session,) = sessions(tmp_path)
    assert [one.after_change for one in session.responses] == [0, 0, 1, 0, 1]


@SHAPE
def test_archived_and_duplicated_files(tmp_path: Path, shape: str) -> None:
    only, both = plain(shape, 1), plain(shape, 2)
    only.save(tmp_path, "archived_sessions")
    both.save(tmp_path)
    both.save(tmp_path, "archived_sessions")
    assert tokens(tmp_path) == truth(only, both)


@SHAPE
def test_a_cut_last_line_and_what_is_written_behind_it(tmp_path: Path, shape: str) -> None:
    thread = plain(shape)
    whole = truth(thread)
    thread.put("response_item", {"type": "message", "role": "user", "content": "never finished"})
    path = thread.save(tmp_path, cut=30)
    assert tokens(tmp_path) == whole
    more = Thread(shape, 1, thread.now)
    more.id, more.total, more.context, more.turn = thread.id, thread.total, thread.context, thread.turn
    more.task("go on", 3)
    with path.open("a") as stream:  # Codex resumes: the next line begins in the middle of the cut one
        stream.write("\n".join(more.lines) + "\n")
    expected = plus(whole[thread.id], truth(more)[thread.id])
    assert tokens(tmp_path) == {thread.id: expected}


@SHAPE
def test_a_last_line_that_lacks_only_its_end_is_read(tmp_path: Path, shape: str) -> None:
    thread = plain(shape)
    path = thread.save(tmp_path)
    data = path.read_bytes()
    last = data.rindex(b'"token_usage_record"' if shape == "new" else b'"token_count"')
    path.write_bytes(data[: data.index(b"\n", last)])
    assert tokens(tmp_path) == truth(thread)


@SHAPE
def test_compressed_files(tmp_path: Path, shape: str) -> None:
    threads = [plain(shape, seed) for seed in range(3)]
    for thread in threads:
        path = thread.save(tmp_path)
        path.with_name(path.name + ".zst").write_bytes(zstandard.compress(path.read_bytes()))
        if thread is not threads[0]:  # the first is there twice, as while Codex compresses it
            path.unlink()
    assert tokens(tmp_path) == truth(*threads)


def test_a_damaged_compressed_file_is_told(tmp_path: Path) -> None:
    path = plain("new").save(tmp_path)
    path.with_name(path.name + ".zst").write_bytes(zstandard.compress(path.read_bytes())[:-200])
    path.unlink()
    bad = path.with_name(path.name.replace("rollout-2026", "rollout-2025") + ".zst")
    bad.write_bytes(b"\x28\xb5\x2f\xfd" + b"nonsense")
    assert any(read.error for read in read_all(tmp_path))


def test_a_thread_that_an_old_codex_began_and_a_new_one_went_on_with(tmp_path: Path) -> None:
    thread = plain("middle")
    thread.shape = "new"
    thread.task("go on", 3)
    thread.save(tmp_path)
    assert tokens(tmp_path) == truth(thread)


@pytest.mark.parametrize("old", ["old", "middle"])
def test_a_total_that_is_said_again_where_records_leave_out_what_was_counted_before(tmp_path: Path, old: str) -> None:
    """As 0.163 and 0.169 write it when they compact before the first response of a turn."""
    thread = plain(old)
    thread.unrecorded = thread.total
    for shape in ("new", "new", "middle", "new"):
        thread.shape = shape
        thread.begin(f"go on with {shape}")
        thread.count(thread.total, thread.answers[-1].counts)
        for _ in range(3):
            thread.respond(tool=True)
    thread.save(tmp_path)
    assert tokens(tmp_path) == truth(thread)


def test_a_fork_without_its_parent_that_is_read_between_what_it_copied_and_its_own(tmp_path: Path) -> None:
    parent = plain("middle")
    child = parent.child(50)
    child.meta(forked_from_id=parent.id)
    child.copy_from(parent, keep_times=False)
    path = child.save(tmp_path)
    (before,) = read_all(tmp_path)
    child.total = parent.total
    child.wait(20)
    child.begin("fix the other way")
    child.count(parent.total, parent.answers[-1].counts)
    child.respond(tool=False)
    child.save(tmp_path)
    (read,) = read_all(tmp_path, {str(path): before.position})
    assert read.session
    assert [one[6:11] for one in read.session.responses] == [child.answers[0].counts]


@pytest.mark.parametrize("copied", [True, False])
def test_a_fork_that_compacts_before_its_first_turn(tmp_path: Path, copied: bool) -> None:
    """It says its parent's total again, and the model only in its settings or in what it has copied."""
    parent = plain("new")
    child = parent.child(50)
    child.meta(forked_from_id=parent.id)
    if copied:
        child.copy_from(parent, keep_times=False)
    child.total, child.turn = parent.total, child.new_id()
    settings = {"model": "gpt-5.5", "reasoning_effort": "medium"}
    child.put("event_msg", {"type": "thread_settings_applied", "thread_id": child.id, "thread_settings": settings})
    child.put("event_msg", {"type": "task_started", "turn_id": child.turn, "root_turn_id": child.turn})
    child.count(parent.total, parent.answers[-1].counts)
    child.answer((90_000, 0, 0, 900, 100))
    child.put("compacted", {"message": "", "model": "gpt-5.5"})
    child.put_context()
    child.respond(tool=False)
    for thread in (parent, child):
        thread.save(tmp_path)
    assert tokens(tmp_path) == truth(parent, child)
    forked = next(session for session in sessions(tmp_path) if session.thread.thread_id == child.id)
    assert [(one.model, one.effort, one.compaction) for one in forked.responses] == [
        ("gpt-5.5", "medium", 1),
        ("gpt-5.5", "medium", 0),
    ]


@SHAPE
def test_a_thread_in_two_files(tmp_path: Path, shape: str) -> None:
    """Migrated: the second file has the whole history and more; each response is one, by its total."""
    thread = plain(shape)
    thread.save(tmp_path)
    thread.start += dt.timedelta(days=1)
    thread.task("go on", 3)
    thread.save(tmp_path)
    assert len(read_all(tmp_path)) == 2
    assert tokens(tmp_path) == truth(thread)


def test_a_total_that_begins_anew(tmp_path: Path) -> None:
    thread = plain("old")
    thread.total = ZERO
    thread.task("again from nothing", 3)
    thread.save(tmp_path)
    assert tokens(tmp_path) == truth(thread)


def test_a_record_that_is_there_twice_and_one_whose_thread_began_elsewhere(tmp_path: Path) -> None:
    parent = plain("new")
    child = parent.child(50)
    child.total, child.context = parent.total, parent.context
    child.meta(forked_from_id=parent.id)
    child.task("fix the other way", 3)
    child.lines += [line for line in child.lines if '"token_usage_record"' in line][-1:]
    for thread in (parent, child):
        thread.save(tmp_path)
    assert tokens(tmp_path) == truth(parent, child)
    last = {session.thread.thread_id: session.responses[-1].total_tokens for session in sessions(tmp_path)}
    assert last == {thread.id: thread.total[0] + thread.total[3] for thread in (parent, child)}


def test_the_same_total_again_behind_a_record_and_a_beginning_anew(tmp_path: Path) -> None:
    """An old Codex, a new one, and the old one again, whose totals happen to come to what they were."""
    thread = plain("middle", tasks=0)
    for shape in ("middle", "new", "middle"):
        thread.shape = shape
        if shape == "middle":
            thread.total = ZERO
        thread.begin(f"go on with {shape}")
        thread.answer((12_000, 0, 0, 300, 100))
    thread.save(tmp_path)
    assert tokens(tmp_path) == truth(thread)


@SHAPE
def test_a_compaction_is_marked(tmp_path: Path, shape: str) -> None:
    thread = plain(shape)
    thread.begin("a long one")
    thread.respond(tool=True)
    thread.answer((30_000, 29_000, 0, 400, 0))
    thread.put("compacted", {"message": "in short"})
    thread.respond(tool=False)
    thread.save(tmp_path)
    (session,) = sessions(tmp_path)
    assert [one.output_tokens for one in session.responses if one.compaction] == [400]
    assert session.tasks[-1].compactions == 1


@SHAPE
def test_what_broke_the_cache(tmp_path: Path, shape: str) -> None:
    thread = plain(shape, tasks=1, responses=4)
    causes = ["model", "effort", "instructions", "idle", "unknown"]
    for cause in causes:
        if cause == "model":
            thread.model = "gpt-5.4"
        if cause == "effort":
            thread.effort = "high"
        if cause == "instructions":
            thread.instructions = "be brief"
        thread.begin(f"go on after {cause}")
        thread.wait(2000 if cause == "idle" else 1)
        context = thread.answers[-1].counts[0]
        thread.answer((context + 500, 0, 0, 100, 50))
        thread.answer((context + 900, context + 500, 0, 100, 50))
    thread.save(tmp_path)
    (session,) = sessions(tmp_path)
    assert [one.cache_break for one in session.responses if one.cache_break] == causes
    assert all(one.cache_lost_tokens > 9000 for one in session.responses if one.cache_break)
    assert all(one.resent_tokens >= one.cached_input_tokens for one in session.responses)


def test_a_context_that_shrank_was_all_sent_before(tmp_path: Path) -> None:
    thread = plain("new", tasks=0)
    thread.begin("fix it")
    thread.answer((30_000, 0, 0, 0, 0))
    thread.answer((10_000, 9000, 0, 0, 0))
    thread.save(tmp_path)
    (session,) = sessions(tmp_path)
    assert [one.resent_tokens for one in session.responses] == [0, 10_000]


def test_a_short_prompt_may_miss_the_cache(tmp_path: Path) -> None:
    thread = plain("new", tasks=0)
    thread.begin("fix it")
    for cached in (0, 1900, 0):
        thread.answer((2000, cached, 0, 0, 0))
    thread.save(tmp_path)
    (session,) = sessions(tmp_path)
    assert [one.cache_break for one in session.responses] == [None, None, None]


@pytest.mark.parametrize("names", [("primary", "secondary"), ("secondary", "primary")])
def test_a_plans_windows(tmp_path: Path, names: tuple[str, str]) -> None:
    """By their length, whichever comes first."""
    thread = plain("new")
    hours = {"used_percent": 12.5, "window_minutes": 300, "resets_at": 1}
    week = {"used_percent": 3.0, "window_minutes": 10080, "resets_at": 2}
    thread.limits = {**dict(zip(names, (hours, week), strict=True)), "plan_type": "plus"}
    thread.task("on the plan", 2)
    thread.save(tmp_path)
    (session,) = sessions(tmp_path)
    assert {one[17:20] for one in session.responses[-2:]} == {("plus", 12.5, 3.0)}
    assert session.responses[0].plan is None


HOSTILE: dict[str, bytes] = {
    "invalid UTF-8": b'{"timestamp":"x","type":"turn_context","payload":{"model":"\xff\xfe"}}',
    "no JSON": b'{"timestamp":"2026-11-02T09:00:00.000Z","type":"event_msg","payload":{"type":"token_count",nonsense',
    "a list": b"[1,2,3]",
    "an abyss": b'{"timestamp":"x","type":"turn_context","payload":{"a":' + b"[" * 50_000,
    "texts for numbers": b'{"timestamp":"x","type":"event_msg","payload":{"type":"token_count","info":'
    b'{"total_token_usage":{"input_tokens":"9"},"last_token_usage":7}}}',
    "a list for info": b'{"timestamp":"x","type":"event_msg","payload":{"type":"token_count","info":[]}}',
    "a number for a payload": b'{"timestamp":"x","type":"token_usage_record","payload":3}',
    "tokens below zero": b'{"timestamp":"x","type":"token_usage_record","payload":{"usage":{"input_tokens":-5}}}',
    "more tokens than there are": b'{"timestamp":"x","type":"token_usage_record","payload":{"usage":{"input_tokens":'
    + b"9" * 400
    + b"}}}",
    "another order": b'{"type":"event_msg","payload":{"message":"hi","type":"agent_message"},"timestamp":5}',
    "nothing": b"",
    "zeros": b"\0" * 100,
}


@SHAPE
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_does_not_hide_the_lines_around_it(tmp_path: Path, shape: str, name: str) -> None:
    thread = plain(shape)
    path = thread.save(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    middle = len(lines) // 2
    path.write_bytes(b"".join([*lines[:middle], HOSTILE[name] + b"\n", *lines[middle:]]))
    assert tokens(tmp_path) == truth(thread)


@SHAPE
@pytest.mark.parametrize("value", ["NaN", "-5", "9" * 30, "1000.5", "true", '"x"', "null", "[]", "1e400"])
def test_an_impossible_count_is_passed_over_and_told(tmp_path: Path, shape: str, value: str) -> None:
    """A total of which one count is none would make the next, good one look like a large response."""
    thread = plain(shape)
    kind = "token_usage_record" if shape == "new" else "last_token_usage"
    at = [number for number, line in enumerate(thread.lines) if kind in line][3]
    hostile = re.sub(r'"input_tokens":\d+', f'"input_tokens":{value}', thread.lines[at].replace("resp_", "resp_x"))
    thread.lines.insert(at, hostile)
    thread.save(tmp_path)
    assert tokens(tmp_path) == truth(thread)
    (session,) = sessions(tmp_path)
    assert session.skipped == {"not understood": 1}


def test_a_line_of_any_length_is_passed_over_in_little_memory(tmp_path: Path) -> None:
    thread = plain("new")
    path = thread.save(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    head = b'{"timestamp":"2026-11-02T09:00:00.000Z","ordinal":5,"type":"%s","payload":{"type":"%s","output":"'
    with path.open("wb") as stream:
        stream.writelines(lines[:20])
        for kind, inner in ((b"event_msg", b"user_message"), (b"response_item", b"function_call_output")):
            stream.write(head % (kind, inner))
            for _ in range(60):
                stream.write(b"x" * (1 << 20))
            stream.write(b'"}}\n')
        stream.writelines(lines[20:])
    tracemalloc.start()
    files, _ = find_sessions(tmp_path)
    from codex_router.evidence.sessions import read_session

    read = read_session(files[0], Ancestors({}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read.session
    assert read.session.skipped == {"too long": 1}
    assert sum(one.input_tokens for one in read.session.responses) == truth(thread)[thread.id][0]
    assert sum(task.tool_output_bytes for task in read.session.tasks) > 60 << 20
    assert peak < 30 << 20


def test_a_clock_that_jumps_back(tmp_path: Path) -> None:
    thread = plain("new")
    thread.wait(-86400 * 400)
    thread.task("in the past", 3)
    thread.save(tmp_path)
    assert tokens(tmp_path) == truth(thread)
    (session,) = sessions(tmp_path)
    assert all(task.seconds >= 0 for task in session.tasks)


@SHAPE
@given(cuts=st.lists(st.integers(0, 10_000), max_size=4), seed=st.integers(0, 5))
@example(cuts=[3797], seed=4)  # cut between a line and its end
@example(cuts=[5], seed=1)  # cut in the first line
@settings(max_examples=50, deadline=None)
def test_reading_on_is_reading_all(
    tmp_path_factory: pytest.TempPathFactory, shape: str, cuts: list[int], seed: int
) -> None:
    """However often a growing file is read, and wherever it ends then: the responses and tasks are the same."""
    home = tmp_path_factory.mktemp("grow")
    thread = plain(shape, seed)
    path = thread.save(home)
    whole = path.read_bytes()
    (expected,) = sessions(home)
    known: dict[str, Position] = {}
    responses: dict[tuple[int, int], Response] = {}
    tasks: dict[str, Task] = {}
    thread_said = None
    for cut in [*sorted(len(whole) * cut // 10_000 for cut in cuts), len(whole)]:
        path.write_bytes(whole[:cut])
        (read,) = read_all(home, known)
        assert read.session
        known[read.position.path], thread_said = read.position, read.session.thread
        responses |= {(one.generation, one.total_tokens): one for one in read.session.responses}
        tasks |= {task.turn_id: task for task in read.session.tasks}
    assert thread_said == expected.thread
    assert list(responses.values()) == expected.responses
    assert list(tasks.values()) == expected.tasks


@given(
    st.lists(
        st.binary(max_size=60)
        | st.builds(lambda a, b: json.dumps({"type": a, "payload": b, "timestamp": "x"}).encode(),
                    st.sampled_from(["token_count", "event_msg", "session_meta", "turn_context", "compacted"]),
                    st.dictionaries(st.sampled_from(["type", "id", "info", "usage", "source", "git", "message"]),
                                    st.sampled_from(["token_count", "item_completed", 3, None, [], {}, "x"]))),
        max_size=12,
    )
)  # fmt: skip
@settings(deadline=None)
def test_whatever_a_file_holds_it_is_read(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    home = tmp_path_factory.mktemp("any")
    thread = plain("new")
    path = thread.save(home)
    path.write_bytes(b"\n".join([*lines, b""]) + path.read_bytes())
    found = tokens(home)
    assert list(found.values()) == list(truth(thread).values())


def said_by(thread: Thread, data: bytes, *, remembered: bool) -> tuple[object, ...]:
    """Return what a file's lines say; when nothing is remembered from line to line, each is looked at closely."""
    rollout = Rollout(thread.id, Ancestors({}), lambda prompt: prompt[:9])
    parts = [data] if remembered else data.splitlines(keepends=True)
    for part in parts:
        Lines(rollout.handlers, rollout.skip).read(BytesIO(part))
    return rollout.said()


OTHERS = [
    b'{"timestamp":"x","type":"response_item","payload":{"type":"custom_tool_call_input","output":"no output"}}',
    b'{"timestamp":"2026-11-02T09:00:00.000Z","type":"response_item","payload":{"type":"custom_tool_call_output"}}',
    b'{"timestamp":"2026-11-02T09:00:00.000Z","type":"response_item","payload":{"type":"custom_tool_call_outcome"}}',
    b'{"timestamp":"2026-11-02T09:00:00.000Z","type":"response_item","payload":{"type":"function_call_output_delta"}}',
    b'{"timestamp":"2026-11-02T09:00:00.000Z","ordinal":12345,"type":"event_msg","payload":{"type":"agent_message"}}',
    b'{"timestamp":"2026-11-02T09:00:00.000Z","type":"event_msg","payload":{"type":"agent_message_delta","delta":1}}',
    b'{"timestamp":"","type":"turn_context","payload":{"turn_id":"another","model":"gpt-5.4","effort":"low","a":"b"}}',
    b'{"timestamp":"2026-11-02T09:00:00.000Z","type":"compacted","payload":{"message":"token_count"}}',
    b'{"type":"event_msg","payload":{"message":"fix it","type":"user_message"},"timestamp":5}',
    b'xxxxxxxxxxxxxx2026-11-02T09:00:00.000Z","type":"response_item","payload":{"type":"function_call_output","o":1}}',
]


@SHAPE
@given(
    inserted=st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from([*OTHERS, *HOSTILE.values()])), max_size=20),
    cut=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 400)), max_size=3),
    seed=st.integers(0, 3),
)
@settings(deadline=None)
def test_what_is_remembered_of_lines_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    shape: str,
    inserted: list[tuple[int, bytes]],
    cut: list[tuple[int, int]],
    seed: int,
) -> None:
    home = tmp_path_factory.mktemp("any")
    thread = plain(shape, seed)
    lines = thread.save(home).read_bytes().splitlines(keepends=True)
    for where, length in cut:  # the writer was killed: the next line begins in the middle of this one
        at = len(lines) * where // 10_001
        lines[at] = lines[at][:length]
    for where, line in inserted:
        lines.insert(len(lines) * where // 10_000, line + b"\n")
    data = b"".join(lines)
    assert said_by(thread, data, remembered=True) == said_by(thread, data, remembered=False)


@pytest.mark.parametrize("here", [True, False])
def test_a_reader_that_dies_is_told(tmp_path: Path, *, here: bool) -> None:
    for seed in range(8):
        plain("new", seed, filler=40_000, responses=30).save(tmp_path)
    files, _ = find_sessions(tmp_path)
    assert sum(file.size for file in files) > 32 << 20

    this = os.getpid()

    def die(prompt: str) -> str:
        if os.getpid() != this:
            os._exit(7)
        return "none"

    with pytest.raises(RouterError, match="has ended"), reading(files, files, die, {}, here=here) as read:
        list(read)


@pytest.mark.parametrize("here", [True, False])
def test_many_files_are_read_on_all_cores(tmp_path: Path, *, here: bool) -> None:
    threads = [plain("new", seed, filler=20_000, responses=20) for seed in range(30)]
    for thread in threads:
        thread.save(tmp_path)
    files, _ = find_sessions(tmp_path)
    assert sum(file.size for file in files) > 32 << 20
    with reading(files, files, lambda _prompt: "none", {}, here=here) as reads:
        found = [read.session for read in reads if read.session]
    assert {one.thread.thread_id: tuple(map(sum, zip(*(each[6:11] for each in one.responses), strict=True)))
            for one in found} == truth(*threads)  # fmt: skip
    assert len(found) == len(files)


def test_a_folder_that_cannot_be_read_and_links(tmp_path: Path) -> None:
    thread = plain("new")
    path = thread.save(tmp_path)
    (tmp_path / "sessions" / path.name).symlink_to(path)
    (tmp_path / "sessions" / "loop").symlink_to(tmp_path / "sessions")
    (tmp_path / "sessions" / path.name.replace(thread.id, "0" * 8 + thread.id[8:])).symlink_to("nowhere")
    assert len(read_all(tmp_path)) == 2
    assert tokens(tmp_path) == truth(thread)


def test_a_year_that_lies_elsewhere(tmp_path: Path) -> None:
    thread = plain("new")
    thread.save(tmp_path / "other")
    (tmp_path / "home" / "sessions").mkdir(parents=True)
    (tmp_path / "home" / "sessions" / "2026").symlink_to(tmp_path / "other" / "sessions" / "2026")
    assert tokens(tmp_path / "home") == truth(thread)


def test_a_folder_whose_name_is_no_text_is_told(tmp_path: Path) -> None:
    try:
        (tmp_path / "sessions" / "b\udcff").mkdir(parents=True)
    except OSError:
        pytest.skip("this file system takes no such name")
    assert find_sessions(tmp_path) == ([], [f"{tmp_path}/sessions/b\\xff"])


@SHAPE
def test_another_file_in_the_place_of_one_that_was_read(tmp_path: Path, shape: str) -> None:
    """It is longer, so that it looks as if it had grown."""
    before = plain(shape)
    path = before.save(tmp_path)
    (read,) = read_all(tmp_path)
    other = Thread(shape, 2, before.start)
    other.id = before.id
    other.meta()
    for number in range(4):
        other.task(f"something else, number {number}", 5)
    other.save(tmp_path)
    (again,) = read_all(tmp_path, {str(path): read.position})
    assert again.session
    assert again.session.skipped == {}
    assert [one[6:11] for one in again.session.responses] == [one.counts for one in other.answers]
