from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from session_lines import (
    AFTER,
    BEFORE,
    START,
    added,
    answer,
    call,
    context,
    count,
    line,
    meta,
    old_answer,
    record,
    tokens,
)

from codex_router.codex.session import SessionFile
from codex_router.records import Usage

ONE, TWO, THREE = tokens(1000), tokens(500, 1000), tokens(500, 1500, output=70)


def price(model: str, usage: Usage) -> float | None:
    """1 USD per 1000 input tokens of the one model with a price."""
    return usage.input_tokens / 1000 if model == "gpt-5.5" else None


@contextmanager
def session(path: Path, *lines: str) -> Iterator[SessionFile]:
    path.write_text("".join(lines))
    file = SessionFile(str(path), START, price)
    try:
        file.read()
        yield file
    finally:
        file.close()


def test_a_run_with_records_counts_each_response_once(tmp_path: Path) -> None:
    """0.153 and later: the record and, behind the tools, a token_count with the same figures."""
    lines = [meta("abc"), context(), call(), record(ONE), count(ONE), answer(), record(TWO), count(added(ONE, TWO))]
    with session(tmp_path / "r.jsonl", *lines) as file:
        assert file.responses == 2
        assert file.usage == Usage(2500, 1000, 0, 100, 40)
        assert file.cost_usd == 1.0 + 1.5
        assert (file.thread_id, file.model, file.effort) == ("abc", "gpt-5.5", "low")


def test_a_run_without_records_counts_what_the_total_grew_by(tmp_path: Path) -> None:
    """0.130 and earlier: one empty, then each one twice."""
    totals = [ONE, added(ONE, TWO), added(ONE, TWO, THREE)]
    lines = [meta(), context(), count(None)]
    for total, last in zip(totals, (ONE, TWO, THREE), strict=True):
        lines += [call(), count(total, last), count(total, last)]
    with session(tmp_path / "r.jsonl", *lines) as file:
        assert file.responses == 3
        assert file.usage == Usage(4500, 2500, 0, 170, 60)
        assert file.cost_usd == 1.0 + 1.5 + 2.0


def test_the_estimate_that_follows_a_compaction_is_not_a_response(tmp_path: Path) -> None:
    total = added(ONE, TWO)
    lines = [meta(), context(), call(), count(ONE), count(total, TWO), count(total, tokens(3))]
    with session(tmp_path / "r.jsonl", *lines) as file:
        assert (file.responses, file.usage.input_tokens) == (2, 2500)


@pytest.mark.parametrize("records", [True, False])
def test_a_resumed_thread_starts_from_its_old_totals(tmp_path: Path, records: bool) -> None:
    old = [meta("abc", BEFORE), context("gpt-5.4", "high", BEFORE), call(at=BEFORE)]
    old += [record(ONE, BEFORE)] if records else []
    old += [count(ONE, at=BEFORE), line("event_msg", {"type": "turn_aborted"}, BEFORE)]
    new = [context(), record(TWO) if records else "", count(added(ONE, TWO), TWO)]
    with session(tmp_path / "r.jsonl", *old, *new) as file:
        assert (file.responses, file.usage.input_tokens, file.cost_usd) == (1, 1500, 1.5)
        assert (file.thread_id, file.model, file.aborted) == ("abc", "gpt-5.5", False)


def test_a_thread_of_an_old_codex_resumed_by_a_new_one(tmp_path: Path) -> None:
    old = [meta("abc", BEFORE), count(ONE, at=BEFORE), count(added(ONE, TWO), TWO, at=BEFORE)]
    new = [context(), record(THREE), count(added(ONE, TWO, THREE), THREE)]
    with session(tmp_path / "r.jsonl", *old, *new) as file:
        assert (file.responses, file.usage.input_tokens) == (1, 2000)


def test_a_thread_of_a_new_codex_resumed_by_an_old_one(tmp_path: Path) -> None:
    """It writes no records any more: its counts say what is new."""
    new = [meta("abc", BEFORE, version="0.163.0"), context(at=BEFORE), record(ONE, BEFORE), count(ONE, at=BEFORE)]
    old = [line("event_msg", {"type": "task_started"}), context(), count(added(ONE, TWO), TWO)]
    with session(tmp_path / "r.jsonl", *new, *old) as file:
        assert (file.responses, file.usage.input_tokens) == (1, 1500)


def test_a_fork_does_not_pay_for_its_parent(tmp_path: Path) -> None:
    """The first total of a forked thread's new file holds the parent's tokens."""
    parent = tokens(9000, 4000)
    lines = [meta(), context(), count(added(parent, ONE), ONE), count(added(parent, ONE, TWO), TWO)]
    with session(tmp_path / "r.jsonl", *lines) as file:
        assert (file.responses, file.usage.input_tokens) == (2, 2500)


def test_a_model_without_a_price_makes_the_whole_cost_unknown(tmp_path: Path) -> None:
    lines = [context(), record(ONE), context("mystery"), record(ONE), context(), record(ONE)]
    with session(tmp_path / "r.jsonl", *lines) as file:
        assert (file.responses, file.cost_usd) == (3, None)


@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call", "local_shell_call", "tool_search_call"])
def test_codex_asks_again_after_a_tool_call(tmp_path: Path, kind: str) -> None:
    with session(tmp_path / "r.jsonl", context(), answer(), call(kind), record(ONE)) as file:
        assert file.goes_on


@pytest.mark.parametrize("said", [answer(), old_answer()])
def test_the_turn_ends_with_an_answer(tmp_path: Path, said: str) -> None:
    with session(tmp_path / "r.jsonl", context(), call(), record(ONE), said, record(TWO)) as file:
        assert not file.goes_on


def test_a_tool_call_of_the_response_before_is_over(tmp_path: Path) -> None:
    with session(tmp_path / "r.jsonl", call(), count(ONE), old_answer(), count(added(ONE, TWO), TWO)) as file:
        assert (file.responses, file.goes_on) == (2, False)


def test_codex_asks_again_after_a_compaction(tmp_path: Path) -> None:
    """Its response leaves a message of the assistant in the file, but no event that it was said."""
    summary = line("response_item", {"type": "message", "role": "assistant", "content": []})
    with session(tmp_path / "r.jsonl", context(), call(), record(ONE), summary, record(TWO)) as file:
        assert file.goes_on


@pytest.mark.parametrize(
    ("error", "spent"),
    [
        ({"message": "no", "codex_error_info": "session_budget_exceeded"}, True),
        ({"message": "no"}, False),
        (None, False),
    ],
)
def test_how_the_turn_ended(tmp_path: Path, error: object, spent: bool) -> None:
    with session(tmp_path / "r.jsonl", line("event_msg", {"type": "task_complete", "error": error})) as file:
        assert (file.out_of_budget, file.aborted) == (spent, False)


def test_a_turn_that_was_interrupted(tmp_path: Path) -> None:
    with session(tmp_path / "r.jsonl", line("event_msg", {"type": "turn_aborted", "reason": "interrupted"})) as file:
        assert (file.out_of_budget, file.aborted) == (False, True)


def test_lines_are_read_as_they_come_and_a_cut_one_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    file = SessionFile(str(path), START, price)
    assert not file.read()
    text = meta() + context() + record(ONE) + record(TWO)
    path.write_text(text[:-30])
    assert file.read()
    assert file.responses == 1
    assert not file.read()
    with path.open("a") as stream:
        stream.write(text[-30:])
    assert file.read()
    assert file.responses == 2
    file.close()
    assert file.responses == 2


HOSTILE = {
    "a type that is a list": line("response_item", {"type": ["function_call"]}),
    "an id that is a table": line("session_meta", {"id": {"a": 1}}),
    "a model that is a list": line("turn_context", {"model": ["gpt"], "effort": {}}),
    "no payload": '{"timestamp":"x","type":"token_usage_record"}\n',
    "a payload that is a number": line("token_usage_record", 3),
    "a usage that is a text": line("token_usage_record", {"usage": "all"}),
    "tokens that are texts": line("token_usage_record", {"usage": {"input_tokens": "1000"}}),
    "tokens below zero": line("token_usage_record", {"usage": {"input_tokens": -5, "output_tokens": 10**40}}),
    "info that is a list": line("event_msg", {"type": "token_count", "info": [1]}),
    "an item that is a text": line("event_msg", {"type": "item_completed", "item": '"AgentMessage"'}),
    "a list for a line": '["token_count"]\n',
    "a text for a line": '"token_count"\n',
    "a cut line": '{"timestamp":"2026","type":"token_usage_record","payl\n',
    "a timestamp that is a number": '{"timestamp":1,"type":"token_usage_record","payload":{}}\n',
    "no JSON": "token_count \x00 {{{\n",
    "an abyss": '{"type":"token_count","payload":' + "[" * 100_000 + "\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_does_not_hide_the_lines_around_it(tmp_path: Path, name: str) -> None:
    with session(tmp_path / "r.jsonl", meta("abc"), context(), record(ONE), HOSTILE[name], context(), record(ONE)) as f:
        assert f.usage == Usage(2000, 0, 0, 100, 40)
        assert (f.thread_id, f.model) == ("abc", "gpt-5.5")
        assert f.cost_usd == 2.0


def test_invalid_utf_8_does_not_hide_the_lines_around_it(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    bad = b'{"timestamp":"2026","type":"token_usage_record","payload":{"a":"\xff\xfe"}}\n'
    path.write_bytes((context() + record(ONE)).encode() + bad + record(TWO).encode())
    file = SessionFile(str(path), START, price)
    file.read()
    file.close()
    assert (file.responses, file.cost_usd) == (2, 2.5)


def test_a_file_that_cannot_be_opened_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").symlink_to("r.jsonl")
    file = SessionFile(str(tmp_path / "r.jsonl"), START, price)
    assert not file.read()
    assert file.responses == 0


KEYS = ["type", "payload", "timestamp", "info", "usage", "id", "model", "item", "input_tokens", "total_token_usage"]
WORDS = ["token_count", "token_usage_record", "session_meta", "turn_context", "function_call", "agent_message", AFTER]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.lists(JSON.map(json.dumps) | st.sampled_from(WORDS) | st.text(max_size=40), max_size=8), st.binary(max_size=9)
)
def test_whatever_the_file_holds_it_is_read(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], tail: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "r.jsonl"
    path.write_bytes("\n".join(lines).encode("utf-8", errors="surrogatepass") + tail)
    file = SessionFile(str(path), START, price)
    file.read()
    file.close()
    assert file.responses >= 0
    assert all(value >= 0 for value in (file.usage.input_tokens, file.usage.output_tokens))
    assert all(value is None or isinstance(value, str) for value in (file.model, file.effort, file.thread_id))


@given(
    st.lists(
        st.builds(tokens, st.integers(1, 5000), st.integers(0, 5000), st.integers(0, 500)), min_size=1, max_size=12
    ),
    st.lists(st.integers(1, 3), min_size=12, max_size=12),
)
def test_records_and_totals_tell_the_same(
    tmp_path_factory: pytest.TempPathFactory, usages: list[dict[str, int]], repeats: list[int]
) -> None:
    """The two accounting rules agree on the same run, however often an old Codex repeats its lines."""
    folder = tmp_path_factory.mktemp("same")
    new = [context(), *(record(usage) for usage in usages)]
    old = [context()]
    for number, usage in enumerate(usages):
        old += [count(added(*usages[: number + 1]), usage)] * repeats[number]
    with session(folder / "new.jsonl", *new) as one, session(folder / "old.jsonl", *old) as other:
        assert (one.responses, one.usage) == (other.responses, other.usage)
        assert (one.responses, one.usage.output_tokens) == (len(usages), added(*usages)["output_tokens"])
        assert one.cost_usd == pytest.approx(other.cost_usd)


def test_a_call_begins_a_response_that_older_versions_count_only_when_its_tools_have_ended(tmp_path: Path) -> None:
    with session(tmp_path / "r.jsonl", context(), call()) as file:
        assert (file.responses, file.begun, file.goes_on) == (0, 1, True)
    with session(tmp_path / "r.jsonl", context(), call(), call(), count(ONE)) as file:
        assert (file.responses, file.begun, file.goes_on) == (1, 1, True)
    with session(tmp_path / "r.jsonl", context(), call(), record(ONE), call()) as file:
        assert (file.responses, file.begun) == (1, 1)


def test_from_0_153_a_response_is_begun_when_its_record_says_so(tmp_path: Path) -> None:
    """It comes before the tools run, however busy the machine: there is no need to guess from the call."""
    with session(tmp_path / "r.jsonl", meta(version="0.163.0"), context(), call()) as file:
        assert (file.responses, file.begun, file.goes_on) == (0, 0, False)
    with session(tmp_path / "r.jsonl", meta(version="0.163.0"), context(), call(), record(ONE)) as file:
        assert (file.responses, file.begun, file.goes_on) == (1, 1, True)
    with session(tmp_path / "r.jsonl", meta(version="unheard of"), context(), call()) as file:
        assert file.begun == 1
