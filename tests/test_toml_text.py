"""Our tables in somebody else's TOML file: not a byte outside them is touched."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from quick import thorough
from toml_texts import Parts, toml_parts, toml_texts

from codex_router.codex.toml_places import assignments, parse_key, sections
from codex_router.codex.toml_text import newline_of, parse, replace_tables, repr_sorted
from codex_router.errors import RouterError

OURS = {"bulk", "standard"}
BLOCK = """\
[profiles.bulk]
# written by codex-router
model = "gpt-5.5"

[profiles.standard]
model = 'gpt-5.2'
model_reasoning_effort = "high"
"""
OTHER_BLOCK = '[profiles.bulk]\nmodel = "other"\n\n[profiles.bulk.features]\ngoals = false\n'


def replaced(text: str, block: str = BLOCK) -> str:
    return replace_tables(text, ("profiles",), OURS, block, "config.toml")


def meaning(text: str) -> Any:
    return repr_sorted(tomllib.loads(text))


def with_ours(text: str, block: str = BLOCK) -> Any:
    """Return what `text` means with our tables in place of the ones there."""
    document = tomllib.loads(text)
    tables = {name: table for name, table in document.get("profiles", {}).items() if name not in OURS}
    document["profiles"] = tables | tomllib.loads(block).get("profiles", {})
    if not document["profiles"]:
        del document["profiles"]
    return repr_sorted(document)


def converted(block: str, newline: str) -> str:
    return block.replace("\n", newline)


@thorough
@given(toml_texts())
def test_ours_come_and_go_and_nothing_else_changes(text: str) -> None:
    after = replaced(text)

    assert meaning(after) == with_ours(text)
    assert after.startswith(text)
    assert after[len(text) :].strip("\r\n") == converted(BLOCK, newline_of(text)).strip("\r\n")
    assert after.endswith("\n") == (not text or text.endswith("\n"))
    assert replaced(after) == after
    assert replaced(after, block="") == text


@thorough
@given(toml_parts("a"), toml_parts("b"), toml_parts("c"), st.booleans())
def test_replacing_touches_no_byte_of_what_stands_around(
    above: Parts, between: Parts, below: Parts, ends: bool
) -> None:
    newline = newline_of(above.text or BLOCK)
    bulk, standard = (converted(part, newline) for part in BLOCK.split("\n\n"))
    tail = below.body if ends else below.body.removesuffix("\n").removesuffix("\r")
    text = above.text + bulk + newline + between.body + standard + tail
    assume(parses(text))

    after = replaced(text, OTHER_BLOCK)

    new = converted(OTHER_BLOCK, newline)
    assert after in {
        above.text + new + between.body + tail,
        above.text + new + without_last_blank_line(between.body) + tail,
    } or (not tail and after == above.text + new + between.body.removesuffix(newline))
    assert meaning(after) == with_ours(text, OTHER_BLOCK)


def without_last_blank_line(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def parses(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


@thorough
@given(toml_texts())
def test_each_section_means_by_itself_what_it_means_in_the_whole(text: str) -> None:
    """Independent of our own scanning: tomllib reads the pieces, and together they say what the whole says."""
    found = sections(text)
    pieces = [text[: found[0].start] if found else text]
    pieces += [text[section.start : section.end] for section in found]
    ends = [section.start for section in found[1:]] + [len(text)]
    gaps = [text[section.end : end] for section, end in zip(found, ends, strict=False)]

    assert "".join([pieces[0], *(piece + gap for piece, gap in zip(pieces[1:], gaps, strict=True))]) == text
    assert not any(tomllib.loads(gap) for gap in gaps)
    assert all(at(piece, section.key) is not None for piece, section in zip(pieces[1:], found, strict=True))
    whole = leaves(tomllib.loads(text))
    assert sorted(leaf for piece in pieces for leaf in leaves(tomllib.loads(piece))) == sorted(whole)


def at(text: str, key: tuple[str, ...]) -> Any:
    document: Any = tomllib.loads(text)
    for part in key:
        document = (document[-1] if isinstance(document, list) else document)[part]
    return document


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Return every value that is no table, with its path; elements of an array of tables count as one place."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [leaf for item in value for leaf in leaves(item, path)]
    return [f"{path}: {value!r}"]


@thorough
@given(toml_parts())
def test_assignments_are_the_keys_of_the_lines_before_the_first_header(parts: Parts) -> None:
    found = assignments(parts.head, 0, len(parts.head))

    document = tomllib.loads(parts.head)
    assert [one.key[0] for one in found] == list(document)
    for one in found:
        assert tomllib.loads(parts.head[one.start : one.end]).keys() == {one.key[0]}


@thorough
@given(st.text(), st.text())
def test_any_text_is_either_edited_rightly_or_refused(head: str, tail: str) -> None:
    text = f"{head}\n[profiles.bulk]\n{tail}"
    try:
        after = replaced(text)
    except RouterError:
        return
    assert meaning(after) == with_ours(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("profiles.bulk", ("profiles", "bulk")),
        (' profiles . "my tier" ', ("profiles", "my tier")),
        ("'a.b'.\"c\\u00e9\"", ("a.b", "cé")),
        ('"say \\"hi\\""', ('say "hi"',)),
        ("a..b", None),
        ("a b", None),
        ("", None),
        ("é", None),
    ],
)
def test_parse_key(text: str, key: tuple[str, ...] | None) -> None:
    assert parse_key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "profiles = {}\n",
        'profiles = { bulk = { model = "x" } }\n',
        'profiles.bulk.model = "x"\n',
        '[profiles]\nbulk.model = "x"\n',
        '[profiles]\nbulk = { model = "x" }\n',
        '[[profiles]]\nmodel = "x"\n',
        'profiles = "x"\n',
    ],
)
def test_tables_written_otherwise_are_refused_rather_than_rewritten(text: str) -> None:
    with pytest.raises(RouterError, match="cannot be edited without touching other lines") as caught:
        replaced(text)
    assert caught.value.where == "config.toml"
    assert caught.value.hint


def test_a_comment_above_the_next_table_is_not_ours() -> None:
    text = '[profiles.bulk]\nmodel = "x"\n\n# about mine\n[mine]\na = 1\n'

    assert replaced(text, OTHER_BLOCK) == OTHER_BLOCK + "\n# about mine\n[mine]\na = 1\n"


def test_line_ends_are_those_of_the_file() -> None:
    assert replaced("a = 1\r\n", OTHER_BLOCK) == "a = 1\r\n\r\n" + OTHER_BLOCK.replace("\n", "\r\n")


def test_what_does_not_parse_is_told_with_its_line() -> None:
    with pytest.raises(RouterError, match="not valid TOML") as caught:
        parse("a = 1\nb = = 2\n", "config.toml")
    assert caught.value.where == "config.toml:2"


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(RouterError, match="nested too deeply"):
        parse("a = " + "[" * 100_000, "config.toml")
