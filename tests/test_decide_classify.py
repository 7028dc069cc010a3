"""What kind of task a prompt asks for."""

import re
import subprocess
import sys
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_prompts import own_prompts

from codex_router.decide.classify import NONE, Classifier, classify
from codex_router.decide.taxonomy import Category, Pattern, read_categories
from codex_router.decide.weights import read_weights
from codex_router.shipped import shipped, shipped_bytes

CATEGORIES = read_categories(tomllib.loads((shipped("profiles") / "categories.toml").read_text(encoding="utf-8")))
SHIPPED = Classifier(read_weights(shipped_bytes("classifier.bin")), CATEGORIES)


@pytest.mark.parametrize(
    ("prompt", "category"),
    [
        ("review this diff for security problems, OWASP top ten", "review"),
        ("Plan how we could split the monolith, list the trade-offs, no code yet", "design"),
        ("add a --json option to the export command", "feature"),
        ("fix the crash when the file is empty", "bugfix"),
        ("refactor the parser into separate modules without changing behaviour", "refactor"),
        ("write unit tests for the date parser", "test"),
        ("run eslint and fix the linter warnings", "lint"),
        ("update the README and the changelog", "docs"),
        ("commit and push, then open a pull request", "ops"),
        ("explain how the cache works", "explain"),
    ],
)
def test_plain_requests(prompt: str, category: str) -> None:
    found = classify(prompt, SHIPPED)
    assert (found.category, found.abstained) == (category, False)
    assert found.because


def test_one_shot_prompts_never_trained_on() -> None:
    rows = [row for row in own_prompts("prompts_one_shot.txt") if row[0] != NONE]
    right = [category for category, prompt in rows if classify(prompt, SHIPPED).category == category]
    assert len(right) / len(rows) >= 0.9


@pytest.mark.parametrize("file", ["prompts_languages.txt", "prompts_languages_late.txt"])
def test_other_languages_are_classified_or_abstained_on(file: str) -> None:
    rows = [row for row in own_prompts(file) if row[0] != NONE]
    found = [(category, classify(prompt, SHIPPED)) for category, prompt in rows]
    right = [one for category, one in found if not one.abstained and one.category == category]
    mistaken = [one for category, one in found if not one.abstained and one.category != category]
    assert len(mistaken) / len(rows) < 0.25
    assert len(right) / len(rows) > 0.35


@pytest.mark.parametrize("prompt", ["", " \n", "?", "yes", "yes go ahead", "continue", "42", "\x00\ufffe", "\ud800"])
def test_a_prompt_without_a_task_is_abstained_on(prompt: str) -> None:
    assert classify(prompt, SHIPPED).abstained


@pytest.mark.parametrize("word", ["fix", "review", "explain", "lint", "修复"])
def test_one_word_gets_an_answer(word: str) -> None:
    assert sum(chance for _, chance in classify(word, SHIPPED).probabilities) == pytest.approx(1)


def test_piped_input_is_not_the_request() -> None:
    pasted = "<stdin>\n" + "commit push deploy release docker readme\n" * 50 + "</stdin>"
    assert classify(f"explain what this log says\n\n{pasted}", SHIPPED).category == "explain"


def test_fenced_code_is_not_the_request() -> None:
    code = "```python\n" + "def test_release(): assert deploy(commit) == pushed\n" * 30 + "```"
    assert classify(f"write a docstring for this function\n{code}", SHIPPED).category == "docs"


def test_a_megabyte_is_read_at_both_ends_only() -> None:
    found = classify("fix the crash in the parser\n" + "x y " * 250_000, SHIPPED)
    assert found.category == "bugfix"
    assert found == classify("fix the crash in the parser\n" + "x y " * 2_500, SHIPPED)


@given(st.text())
def test_any_text_gets_probabilities_that_sum_to_one(prompt: str) -> None:
    found = classify(prompt, SHIPPED)
    values = [chance for _, chance in found.probabilities]
    assert sum(values) == pytest.approx(1)
    assert values == sorted(values, reverse=True)
    assert {name for name, _ in found.probabilities} == {NONE, *(category.name for category in CATEGORIES)}
    assert found.because


def test_the_first_pattern_that_matches_wins_over_the_model() -> None:
    bump = Pattern(re.compile("^bump ", re.IGNORECASE), "ops", ".codex-router.toml")
    other = Pattern(re.compile("."), "docs", ".codex-router.toml")
    found = classify("Bump the crash handler", SHIPPED._replace(patterns=(bump, other)))
    assert (found.category, found.probabilities[0], found.abstained) == ("ops", ("ops", 1.0), False)
    assert found.because == ("pattern '^bump ' in .codex-router.toml",)


def test_a_category_of_ones_own_is_recognised_by_its_phrases() -> None:
    port = Category("port", "precision", 0.02, ("port",), ("^port to",))
    own = SHIPPED._replace(categories=(*CATEGORIES, port))
    assert classify("please port to Rust", own).category == "port"
    assert classify("fix the crash when the file is empty", own).category == "bugfix"


def test_merged_categories_add_up() -> None:
    chores = Category("chores", "bulk", 0.2, ("lint", "docs", "ops"))
    merged = (*(one for one in CATEGORIES if one.name not in chores.covers), chores)
    prompt = "update the README and the changelog"
    apart = dict(classify(prompt, SHIPPED).probabilities)
    found = classify(prompt, SHIPPED._replace(categories=merged))
    assert found.category == "chores"
    assert dict(found.probabilities)["chores"] == pytest.approx(apart["lint"] + apart["docs"] + apart["ops"], abs=1e-6)


def test_the_hot_path_imports_nothing_heavy() -> None:
    code = "import codex_router.decide.classify, codex_router.commands.judging, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "scipy", "pydantic", "tomlkit", "sqlalchemy"} & set(loaded)
