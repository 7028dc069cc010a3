from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest
from codex_binary import NEWEST
from hypothesis import given
from hypothesis import strategies as st

from codex_router.codex.argv import GREEDY_OPTIONS, SUBCOMMANDS, VALUE_OPTIONS, Own, parse_exec
from codex_router.errors import UsageError

VERSIONS = ["0.163.0", "0.133.0", NEWEST]

# --- the table, held against what real Codex says of itself ---


def options(help_text: str) -> dict[str, str]:
    """Return {option: what stands for its value, or nothing} of a help text."""
    found = {}
    for line in re.findall(r"^ {2,6}(-.*)$", help_text, re.MULTILINE):
        value = re.search(r"<[^>]+>(?:\.\.\.)?", line)
        for option in re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", line.split("<")[0]):
            found[option] = value[0] if value else ""
    return found


@pytest.mark.codex
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("command", [("exec",), (), ("exec", "resume"), ("exec", "review")], ids=" ".join)
def test_the_table_of_value_options_is_codex_s(
    codex: Callable[[str], str], version: str, command: tuple[str, ...]
) -> None:
    said = subprocess.run([codex(version), *command, "--help"], capture_output=True, text=True, check=True).stdout
    found = options(said)
    assert {"--model", "--config"} <= set(found) or command == ("exec", "review")
    with_value = {option for option, value in found.items() if value}
    assert with_value - VALUE_OPTIONS == (REVIEW_OPTIONS if "review" in command else set())
    assert not (set(found) - with_value) & VALUE_OPTIONS
    if command in {("exec",), ()}:
        assert {option for option, value in found.items() if value.endswith("...")} == GREEDY_OPTIONS


@pytest.mark.codex
@pytest.mark.parametrize("version", ["0.163.0", NEWEST])
def test_fork_takes_no_other_value_options(codex: Callable[[str], str], version: str) -> None:
    argv = [codex(version), "exec", "fork", "--help"]
    found = options(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    assert {option for option, value in found.items() if value} <= VALUE_OPTIONS


REVIEW_OPTIONS = {"--base", "--commit", "--title"}
"""Only behind `review`, where nothing is looked for."""


@pytest.mark.codex
@pytest.mark.parametrize("version", VERSIONS)
def test_none_of_our_options_is_codex_s(codex: Callable[[str], str], version: str) -> None:
    said = subprocess.run([codex(version), "exec", "--help"], capture_output=True, text=True, check=True).stdout
    assert not {word for piece in OURS for word in piece if word.startswith("--")} & set(options(said))


@pytest.mark.codex
@pytest.mark.parametrize("version", VERSIONS)
def test_the_subcommands_are_codex_s(codex: Callable[[str], str], version: str) -> None:
    said = subprocess.run([codex(version), "exec", "--help"], capture_output=True, text=True, check=True).stdout
    commands = said.partition("Commands:")[2].partition("\n\n")[0]
    assert set(re.findall(r"^  (\w+)", commands, re.MULTILINE)) <= SUBCOMMANDS


# --- laws ---

OURS = [
    ("--tier", "bulk"),
    ("--tier=bulk",),
    ("--category", "lint"),
    ("--max-turns", "7"),
    ("--max-turns=0",),
    ("--max-cost", "$1.5"),
    ("--explain",),
    ("--quiet",),
    ("--no-record",),
]
NO_NUL = st.characters(exclude_characters="\0", codec="utf-8")
"""What a command line can carry."""
WORD = st.text(NO_NUL, min_size=1, max_size=8).filter(lambda word: not word.startswith("-") and word not in SUBCOMMANDS)
OF_INTEREST = st.sampled_from([word for piece in OURS for word in piece] + ["-i", "--", "-c"])
ANY_VALUE = WORD | st.sampled_from(["--quiet", "--tier", "-", "exec"])
THEIRS = st.one_of(
    st.tuples(st.sampled_from(sorted(VALUE_OPTIONS - GREEDY_OPTIONS)), ANY_VALUE),
    st.tuples(st.sampled_from(["--json", "--oss", "--ephemeral", "-mgpt-5.5", "--model=x", "-cmodel=y", "--image=a"])),
    st.tuples(st.sampled_from(["--skip-git-repo-check", "--strange", "-x", "--tiers", "--quiet=1"])),
)
PIECE = st.one_of(
    st.tuples(st.just("ours"), st.sampled_from(OURS)),
    st.tuples(st.just("theirs"), THEIRS),
    st.tuples(st.just("prompt"), st.tuples(WORD)),
)


def limits(piece: tuple[str, tuple[str, ...]]) -> bool:
    return piece[1][0].startswith("--max")


@given(st.lists(PIECE, max_size=8), st.lists(st.text(NO_NUL, max_size=8), max_size=3))
def test_words_that_are_not_ours_are_never_changed_or_reordered(
    pieces: list[tuple[str, tuple[str, ...]]], behind: list[str]
) -> None:
    pieces = [piece for piece in pieces if not limits(piece)]  # refused together with --ephemeral
    tail = ["--", *behind] if behind else []
    line = parse_exec([word for _, piece in pieces for word in piece] + tail)
    assert line.words == [word for kind, piece in pieces if kind != "ours" for word in piece] + tail
    prompts = [piece[0] for kind, piece in pieces if kind == "prompt"] + behind
    assert line.prompt == (prompts[0] if prompts and prompts[0] != "-" else None)


@given(
    st.lists(st.text(NO_NUL, max_size=6) | st.sampled_from([w for piece in OURS for w in piece] + ["-i", "--", "-c"]))
)
def test_any_command_line_is_read_or_refused(argv: list[str]) -> None:
    try:
        line = parse_exec(argv)
    except UsageError:
        return
    rest = iter(argv)
    assert all(word in rest for word in line.words)  # a subsequence


# --- our options ---


def test_our_options_are_taken_wherever_they_stand() -> None:
    words = "-s read-only --tier bulk go --max-turns=7 --json --max-cost $1.5 --explain --quiet --no-record"
    line = parse_exec([*words.split(), "--category", "lint"])
    assert line.own == Own("bulk", "lint", 7, 1.5, explain=True, quiet=True, no_record=True)
    assert line.words == ["-s", "read-only", "go", "--json"]
    assert line.prompt == "go"


def test_behind_two_dashes_nothing_is_ours() -> None:
    line = parse_exec(["--quiet", "--", "--tier", "bulk", "--router-help"])
    assert line.own == Own(quiet=True)
    assert line.words == ["--", "--tier", "bulk", "--router-help"]
    assert line.prompt == "--tier"


def test_the_value_of_an_option_of_codex_is_not_ours() -> None:
    line = parse_exec(["-o", "--quiet", "-c", "--tier", "go"])
    assert line.own == Own()
    assert line.prompt == "go"


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (["--tier"], "--tier needs a value"),
        (["--max-turns", "1.5"], "--max-turns '1.5'"),
        (["--max-turns", "-1"], "--max-turns '-1'"),
        (["--max-turns", "\u0663"], "--max-turns '\u0663'"),
        (["--max-turns", "9" * 5000], f"--max-turns '{'9' * 5000}'"),
        (["--max-cost", "cheap"], "--max-cost 'cheap'"),
        (["--max-cost", "inf"], "--max-cost 'inf'"),
        (["--max-cost", "nan"], "--max-cost 'nan'"),
        (["--max-turns", "2", "--ephemeral"], "no limit can hold with --ephemeral"),
        (["--max-cost", "2", "--ephemeral"], "no limit can hold with --ephemeral"),
        (["-i", "a.png", "--tier", "bulk", "go"], "--tier stands between an image and the prompt"),
        (["--image", "a.png", "b.png", "--quiet", "-"], "--quiet stands between an image and the prompt"),
    ],
)
def test_what_is_refused(argv: list[str], what: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_exec(argv)
    assert refused.value.what == what


@pytest.mark.parametrize(
    "argv", [["-i", "a", "--quiet", "--json", "go"], ["-i", "a", "--quiet", "--", "go"], ["--image=a", "--quiet", "go"]]
)
def test_behind_images_our_options_are_fine_where_they_change_nothing(argv: list[str]) -> None:
    assert parse_exec(argv).prompt == "go"


# --- what is read of Codex's options ---


@pytest.mark.parametrize(
    "words",
    [
        "-m x",
        "-mx",
        "-m=x",
        "--model=x",
        "-p work",
        "--profile work",
        "--profile-v2 work",
        "-c model=x",
        "-cmodel=x",
        "--config=model='x'",
        "-c model_reasoning_effort=low",
        "-c model_provider=x",
        "-c profile=x",
        "--oss",
        "--local-provider ollama",
    ],
)
def test_the_user_s_choice_is_seen(words: str) -> None:
    assert parse_exec([*words.split(), "go"]).chosen
    assert parse_exec(["go", *words.split()]).prompt == "go"


@pytest.mark.parametrize("words", ["-c model_verbosity=low", "-o model=x", "-s read-only", "-- -m", "--strange"])
def test_other_options_are_no_choice(words: str) -> None:
    assert not parse_exec(words.split()).chosen


@pytest.mark.parametrize(
    ("words", "prompt"),
    [
        ("go", "go"),
        ("-", None),
        ("", None),
        ("-- -", None),
        ("-- --go", "--go"),
        ("-i a.png b.png --json go", "go"),
        ("-i a.png go", None),  # taken for an image, as Codex does
        ("-i a.png - --json go", "go"),
        ("--image=a.png go", "go"),
        ("-ia.png go", "go"),
        ("-C /tmp go", "go"),
        ("--color never go", "go"),
    ],
)
def test_where_the_prompt_is(words: str, prompt: str | None) -> None:
    assert parse_exec(words.split()).prompt == prompt


@pytest.mark.parametrize("word", sorted(SUBCOMMANDS))
def test_subcommands(word: str) -> None:
    line = parse_exec(["--json", word, "--last", "go"])
    assert (line.subcommand, line.prompt) == (word, None)
    assert parse_exec(["--", word]).prompt == word
    assert parse_exec(["-o", word, "go"]).subcommand is None


@pytest.mark.parametrize(
    ("words", "inert"),
    [
        ("--help", True),
        ("go -h", True),
        ("-V", True),
        ("help", True),
        ("--max-turns 2 --ephemeral -h", True),
        ("-o -h", False),
    ],
)
def test_what_only_asks_for_help(words: str, inert: bool) -> None:
    assert parse_exec(words.split()).inert == inert


def test_the_working_folder_and_ephemeral() -> None:
    assert parse_exec(["-C", "a", "--cd=b", "go"]).folder == "b"
    assert parse_exec(["go"]).folder is None
    assert parse_exec(["--ephemeral", "go"]).ephemeral
    assert not parse_exec(["--", "--ephemeral"]).ephemeral
