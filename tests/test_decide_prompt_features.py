"""What the classifier sees of a prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_router.decide.prompt_features import HEAD_CHARACTERS, TAIL_CHARACTERS, features, request_words, spoken


def test_kinds_of_features() -> None:
    names = features("Please fix the parser in src/a.py. Does it work?")
    assert {
        "w:fix",
        "g:fix the",
        "b:please",
        "b:~fix",
        "b:~fix parser",
        "w:<path.py>",
        "n:does it",
        "e:work",
        "t:parse",
    } <= {*names}
    assert {"is:asking", "is:length3"} <= {*names}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("see https://example.org/x", "<url>"),
        ("see https://example.org/a/b/issues/7", "<issue>"),
        ("see https://example.org/a/b/pull/7", "<pull>"),
        ("open README.md", "<path.md>"),
        ("open docs/plan", "<path>"),
        ("ask @alice", "<path>"),
        ("wait 30 seconds", "<number>"),
        ("run /review", "/review"),
        ("it doesn\u2019t", "doesn't"),
    ],
)
def test_addresses_paths_and_numbers_count_as_their_kind(text: str, word: str) -> None:
    assert f"w:{word}" in features(text)


@pytest.mark.parametrize(
    ("pasted", "fact"),
    [
        ("```\ncommit everything\n```", "is:fenced"),
        ("<stdin>\ncommit everything\n</stdin>", "is:stdin"),
        ("<stdin>\ncommit everything", "is:stdin"),
        ("2024-05-01T10:00:00 commit everything", "is:partly-pasted"),
        ("> commit everything", "is:partly-pasted"),
    ],
)
def test_what_was_pasted_is_told_apart_from_the_request(pasted: str, fact: str) -> None:
    names = features(f"explain this long and winding story to me\n{pasted}")
    assert fact in names
    assert "w:commit" not in names
    assert {"p:commit", "w:explain"} <= {*names}


def test_a_prompt_that_is_only_a_log_is_the_request() -> None:
    names = features('Traceback (most recent call last):\n  File "a.py", line 1')
    assert {"is:trouble", "is:all-pasted", "w:traceback"} <= {*names}


def test_scripts_without_spaces_are_seen_in_pairs() -> None:
    assert {"c:修复", "is:han"} <= {*features("请修复登录")}
    assert "is:kana" in features("テストを書いて")


def test_the_end_of_a_long_prompt_is_read_too() -> None:
    names = features("word " * 100_000 + "\nNow refactor it.")
    assert {"w:refactor", "is:cut"} <= {*names}


@given(st.text(max_size=300))
def test_features_are_distinct_and_bounded(prompt: str) -> None:
    names = features(prompt)
    assert len(names) == len(set(names)) <= 1000
    assert all(spoken(name) is not None for name in names)


@pytest.mark.parametrize("piece", ["(", "at x", "`", "<stdin>", "a/", "@", "\u3042", "\n>", "a.b", "1 |"])
def test_what_lies_between_head_and_tail_is_never_looked_at(piece: str) -> None:
    head, tail = "fix it\n" + piece * HEAD_CHARACTERS, piece * TAIL_CHARACTERS + " now"
    assert features(head + piece * 100_000 + tail) == features(head + "\u65e5 def f(): 12:00:00 " * 1000 + tail)


def test_courtesy_is_passed_over() -> None:
    assert request_words("Could you please bump lodash")[1] == ["bump", "lodash"]
