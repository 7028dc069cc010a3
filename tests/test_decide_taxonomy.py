"""The taxonomy and a repository's patterns, as the classifier reads them."""

import tomllib

import pytest

from codex_router.decide.taxonomy import Category, read_categories, read_patterns
from codex_router.errors import UsageError


def test_own_categories_are_read_as_data() -> None:
    document = tomllib.loads('[[category]]\nname = "port"\ntier = "precision"\nphrases = ["^Port to"]\n')
    assert read_categories(document) == (Category("port", "precision", 0.01, ("port",), ("^port to",)),)


@pytest.mark.parametrize(
    ("toml", "what"),
    [
        ("", "no [[category]] table"),
        ("category = 3", "no [[category]] table"),
        ("[[category]]\nname = 1", "needs `name` and `tier`"),
        ('[[category]]\nname = "a"\ntier = "bulk"\nshare = 7', "`share` of category `a`"),
        ('[[category]]\nname = "a"\ntier = "bulk"\nshare = true', "`share` of category `a`"),
        ('[[category]]\nname = "a"\ntier = "bulk"\nphrases = "fix"', "`phrases` of category `a`"),
        ('[[category]]\nname = "a"\ntier = "bulk"\ncovers = [1]', "`covers` of category `a`"),
    ],
)
def test_a_bad_taxonomy_is_one_clear_message(toml: str, what: str) -> None:
    with pytest.raises(UsageError, match="categories") as error:
        read_categories(tomllib.loads(toml), where="categories.toml")
    assert what in error.value.what


def phrases(prompt: str, *wanted: str) -> list[tuple[str, float]]:
    return Category("a", "bulk", 0.1, ("a",), wanted).phrases_in(prompt)


def test_a_phrase_weighs_more_where_the_request_begins() -> None:
    (begins,) = phrases("could you please bump lodash", "bump")
    (mentioned,) = phrases("lodash needs a bump", "bump")
    assert begins[0] == mentioned[0] == "bump"
    assert begins[1] > mentioned[1] > 0


def test_a_hat_wants_the_beginning_and_a_star_any_ending() -> None:
    assert phrases("lodash needs a bump", "^bump") == []
    assert [phrase for phrase, _ in phrases("we are migrating", "migrat*")] == ["migrat"]
    assert phrases("we are immigrating", "migrat*") == []


def test_patterns_are_tried_without_regard_to_case_at_the_beginning_of_the_prompt() -> None:
    (pattern,) = read_patterns({"categories": {"^bump ": "ops"}}, ["ops"], ".codex-router.toml")
    assert pattern.matches("BUMP lodash")
    assert not pattern.matches("please bump lodash")
    (late,) = read_patterns({"categories": {"needle": "ops"}}, ["ops"], ".codex-router.toml")
    assert not late.matches("x" * 5000 + "needle")


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"categories": 3}, "not a table"),
        ({"categories": {"(": "ops"}}, "no regular expression"),
        ({"categories": {"^bump ": "chores"}}, "no category 'chores'"),
        ({"categories": {"^bump ": ["ops"]}}, "no category ['ops']"),
    ],
)
def test_a_bad_repository_file_is_one_clear_message(document: dict[str, object], what: str) -> None:
    with pytest.raises(UsageError) as error:
        read_patterns(document, ["ops"], "/repo/.codex-router.toml")
    assert what in error.value.what
    assert error.value.where == "/repo/.codex-router.toml"


def test_no_repository_file_no_patterns() -> None:
    assert read_patterns({}, ["ops"], None) == ()
