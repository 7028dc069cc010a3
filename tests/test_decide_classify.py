"""What kind of task a prompt asks for."""

import subprocess
import sys
import time
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_router.decide.classify import Category, classify, read_categories
from codex_router.errors import UsageError
from codex_router.shipped import shipped

CATEGORIES = read_categories(tomllib.loads((shipped("profiles") / "categories.toml").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("prompt", "category"),
    [
        ("review this diff for security problems, OWASP top ten", "review"),
        ("Plan how we could split the monolith, list the trade-offs, no code yet", "design"),
        ("add a --json option to the export command", "feature"),
        ("fix the crash when the file is empty", "bugfix"),
        ("refactor the parser into separate modules", "refactor"),
        ("write unit tests for the date parser", "test"),
        ("run eslint and fix the linter warnings", "lint"),
        ("update the README and the changelog", "docs"),
        ("commit and push, then open a pull request", "ops"),
        ("explain how the cache works", "explain"),
    ],
)
def test_plain_requests(prompt: str, category: str) -> None:
    found = classify(prompt, CATEGORIES)
    assert (found.category, found.abstained) == (category, False)
    assert found.because


@pytest.mark.parametrize("prompt", ["", " \n", "?", "yes", "42", "\x00\ufffe"])
def test_a_prompt_that_tells_nothing_is_abstained_on(prompt: str) -> None:
    assert classify(prompt, CATEGORIES).abstained


def test_pasted_input_is_not_the_request() -> None:
    pasted = "<stdin>\n" + "commit push deploy release docker readme\n" * 50 + "</stdin>"
    assert classify(f"fix the crash in the parser\n{pasted}", CATEGORIES).category == "bugfix"


def test_a_megabyte_costs_no_more_than_a_page() -> None:
    start = time.perf_counter()
    found = classify("fix the crash\n" + "x y " * 250_000, CATEGORIES)
    assert found.category == "bugfix"
    assert time.perf_counter() - start < 0.5


@given(st.text())
def test_any_text_gets_probabilities_that_sum_to_one(prompt: str) -> None:
    found = classify(prompt, CATEGORIES)
    values = [probability for _, probability in found.probabilities]
    assert sum(values) == pytest.approx(1)
    assert values == sorted(values, reverse=True)
    assert found.category == found.probabilities[0][0]


def test_own_categories_are_read_as_data() -> None:
    document = tomllib.loads('[[category]]\nname = "migration"\ntier = "precision"\nphrases = ["^port to"]\n')
    categories = read_categories(document)
    assert categories == (Category("migration", "precision", 0.01, ("^port to",)),)
    assert classify("please port to Rust", categories).category == "migration"


@pytest.mark.parametrize(
    ("toml", "what"),
    [
        ("", "no [[category]] table"),
        ("category = 3", "no [[category]] table"),
        ("[[category]]\nname = 1", "needs `name` and `tier`"),
        ('[[category]]\nname = "a"\ntier = "bulk"\nshare = 7', "`share` of category `a`"),
        ('[[category]]\nname = "a"\ntier = "bulk"\nphrases = "fix"', "`phrases` of category `a`"),
    ],
)
def test_a_bad_file_is_one_clear_message(toml: str, what: str) -> None:
    with pytest.raises(UsageError, match="categories") as error:
        read_categories(tomllib.loads(toml), where="categories.toml")
    assert what in error.value.what


def test_the_hot_path_imports_nothing_heavy() -> None:
    code = "import codex_router.decide.classify, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "pydantic", "tomlkit", "sqlalchemy"} & set(loaded)
