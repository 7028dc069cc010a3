"""What the user says about the kind of their prompts."""

import json
from pathlib import Path

import pytest

from codex_router.errors import RouterError
from codex_router.evidence.corrections import corrections, keep, read_learnt, write_learnt
from codex_router.home import router_home
from codex_router.records import Correction


def test_only_what_the_user_said_teaches() -> None:
    keep("a", "feature", told=False, codes=[1, 2])
    keep("b", "ops", told=True, codes=[3])
    assert corrections() == [Correction((3,), "ops")]
    keep("a", "docs", told=True)
    assert sorted(corrections(), key=lambda one: one.codes) == [Correction((1, 2), "docs"), Correction((3,), "ops")]


def test_the_last_word_counts() -> None:
    keep("a", "feature", told=True, codes=[1])
    keep("a", "docs", told=True)
    assert corrections() == [Correction((1,), "docs")]


def test_nothing_kept_nothing_learnt() -> None:
    assert corrections() == []
    assert read_learnt() == {}


def test_a_line_cut_short_is_passed_over() -> None:
    keep("a", "ops", told=True, codes=[1])
    with (router_home() / "corrections.jsonl").open("a") as stream:
        stream.write('{"run": "b", "codes": [2')
    assert corrections() == [Correction((1,), "ops")]


def test_the_file_is_the_owners_alone() -> None:
    keep("a", "ops", told=True, codes=[1])
    assert (router_home() / "corrections.jsonl").stat().st_mode & 0o077 == 0


def test_what_was_learnt_is_read_back() -> None:
    write_learnt({7: {"ops": 1.5, "docs": -0.25}})
    assert read_learnt() == {7: {"ops": 1.5, "docs": -0.25}}


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"features": {"x": {}}}', '{"features": {"1": {"ops": "a"}}}'])
def test_a_file_that_is_not_ours_any_more_is_one_clear_message(own_home: Path, text: str) -> None:
    write_learnt({})
    (router_home() / "learnt.json").write_text(text)
    with pytest.raises(RouterError, match="cannot be read"):
        read_learnt()


def test_the_file_says_its_schema() -> None:
    write_learnt({1: {"ops": 1.0}})
    assert json.loads((router_home() / "learnt.json").read_text())["schema"] == 1


def test_a_folder_that_cannot_be_written_is_one_clear_message(own_home: Path) -> None:
    (router_home()).mkdir(parents=True)
    (router_home() / "corrections.jsonl").mkdir()
    with pytest.raises(RouterError, match="cannot be written"):
        keep("a", "ops", told=True, codes=[1])
