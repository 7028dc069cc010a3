"""Read a ``codex exec`` command line as Codex does, and put our own options in.

Only what is needed to find the prompt and to see which choices the user made; everything else stays as it is.
The table of options that take a value is held against ``codex exec --help`` of each tested version.
"""

from __future__ import annotations

from itertools import takewhile

from codex_router.errors import UsageError
from codex_router.named import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

VALUE_OPTIONS = frozenset(
    {
        "-c",
        "--config",
        "--enable",
        "--disable",
        "-i",
        "--image",
        "-m",
        "--model",
        "--local-provider",
        "-p",
        "--profile",
        "--profile-v2",
        "-s",
        "--sandbox",
        "-C",
        "--cd",
        "--add-dir",
        "--thread-source",
        "--cyber-access-program",
        "--output-schema",
        "--color",
        "-o",
        "--output-last-message",
        "-a",
        "--ask-for-approval",
        "--remote",
        "--remote-auth-token-env",
    }
)
"""Options of ``codex`` and ``codex exec`` (0.50 to 0.169) that take a value."""
GREEDY_OPTIONS = frozenset({"-i", "--image"})
"""Those that take every following word that is no option."""
SUBCOMMANDS = frozenset({"resume", "fork", "review", "help"})
"""First words that make it another command; they pass through untouched."""
STOPS = frozenset({"-h", "--help", "-V", "--version"})
EXEC = frozenset({"exec", "e"})

MOST_DIGITS = 9
"""Of a whole number on the command line."""

OWN_VALUE_OPTIONS = (
    "--tier",
    "--category",
    "--max-turns",
    "--max-cost",
    "--max-seconds",
    "--check",
    "--check-seconds",
    "--attempts",
)
OWN_FLAGS = ("--explain", "--quiet", "--no-record", "--record-prompt", "--keep-going", "--gate", "--router-help")


class Own(NamedTuple):
    """Our own options on ``codex-router exec``; all long, none of them Codex's."""

    tier: str | None = None
    category: str | None = None
    max_turns: int | None = None
    """Model responses; 0 is no limit; None is the tier's own."""
    max_cost_usd: float | None = None
    """USD; 0 is no limit; None is the tier's own."""
    max_seconds: float | None = None
    """Wall-clock seconds; 0 is no limit; None is the default."""
    checks: tuple[str, ...] = ()
    """Shell commands that all succeed when the task is solved."""
    check_seconds: float | None = None
    """How long one check may take; None is the default."""
    attempts: int | None = None
    """Arms to try in turn; None is the default."""
    keep_going: bool = False
    """The next arm continues from the failed state instead of starting clean."""
    gate: bool = False
    """Each model request waits until the answers before it are counted."""
    explain: bool = False
    quiet: bool = False
    no_record: bool = False
    record_prompt: bool = False
    help: bool = False
    """Only our own help is asked for."""


class ExecLine(NamedTuple):
    """A ``codex exec`` command line, ours taken out."""

    own: Own
    words: list[str]
    """What Codex gets behind ``exec``, untouched."""
    before: list[str]
    """What Codex gets in front of ``exec``, untouched."""
    prompt: str | None
    """The prompt given as an argument; None when it comes from stdin (``-`` or nothing)."""
    prompt_at: int | None
    """Where in `words` that argument is."""
    subcommand: str | None
    """``resume``, ``fork``, ``review`` or ``help``."""
    chosen: bool
    """The user chose model, effort or profile: the router steps aside."""
    folder: str | None
    """``-C DIR``."""
    inert: bool
    """Only help or version is asked for, or a word is no option of any Codex, which will say so."""
    ephemeral: bool
    """No session file will be written."""
    as_json: bool
    """Codex prints events as JSONL."""
    elsewhere: bool
    """Codex works in a new work tree of its own making."""
    answer: str | None
    """``-o FILE``, where the last message goes."""
    model: str | None
    """``-m MODEL``."""


def exec_at(argv: list[str]) -> int | None:
    """Return where the word ``exec`` (or ``e``) is in a command line of Codex; None when it is another command."""
    index = 0
    while index < len(argv):
        word = argv[index]
        if word in EXEC:
            return index
        if not word.startswith("-") or word in {"-", "--"} or word in STOPS:
            return None
        _, _, index = _option(argv, word, index + 1)
    return None


def parse_exec(argv: list[str], before: Sequence[str] = ()) -> ExecLine:
    """Return a command line as read.

    Args:
        argv: what is behind the word ``exec``.
        before: Codex's own options in front of it.

    Raises:
        UsageError: one of our own options lacks its value or has an impossible one.
    """
    own, words = _take_own(argv)
    _, root_options = _scanned(list(before))
    positional, options = _scanned(words)
    return _read(own, words, list(before), positional, root_options + options)


def _scanned(words: list[str]) -> tuple[list[tuple[str, int]], list[tuple[str, str]]]:
    """Return the positional words with their places, and the options with their values."""
    positional: list[tuple[str, int]] = []
    options: list[tuple[str, str]] = []
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if word == "--":
            positional += [(f"\0{rest}", place) for place, rest in enumerate(words[index:], index)]
            break
        if _is_value(word):
            positional.append((word, index - 1))
            continue
        name, value, index = _option(words, word, index)
        options.append((name, value))
    return positional, options


def _read(
    own: Own, words: list[str], before: list[str], positional: list[tuple[str, int]], options: list[tuple[str, str]]
) -> ExecLine:
    first, place = positional[0] if positional else ("-", None)
    subcommand = first if first in SUBCOMMANDS else None
    prompt = first.removeprefix("\0")
    is_argument = prompt != "-" and not subcommand
    names = {name for name, _ in options}
    # A prompt that is a list begins with "- ": its author forgot the `--`, and Codex refuses it.
    inert = bool(names & STOPS) or subcommand == "help" or any(any(map(str.isspace, name)) for name in names)
    if "--ephemeral" in names and (own.max_turns or own.max_cost_usd) and not inert:
        raise UsageError("no limit can hold with --ephemeral", hint="without a session file there is nothing to count")
    return ExecLine(
        own=own,
        words=words,
        before=before,
        prompt=prompt if is_argument else None,
        prompt_at=place if is_argument else None,
        subcommand=subcommand,
        chosen=any(_chooses(name, value) for name, value in options),
        folder=_last(options, "-C", "--cd"),
        inert=inert,
        ephemeral="--ephemeral" in names,
        as_json=bool(names & {"--json", "--experimental-json"}),
        elsewhere="--worktree" in names,
        answer=_last(options, "-o", "--output-last-message"),
        model=_last(options, "-m", "--model"),
    )


def _last(options: list[tuple[str, str]], *names: str) -> str | None:
    return next((value for name, value in reversed(options) if name in names), None)


def _chooses(name: str, value: str) -> bool:
    """Tell whether an option chooses model, effort or profile; anything that does makes the router step aside."""
    if name in {"-m", "--model", "-p", "--profile", "--profile-v2", "--oss", "--local-provider"}:
        return True
    key = value.partition("=")[0].strip()
    return name in {"-c", "--config"} and key in {"model", "model_reasoning_effort", "model_provider", "profile"}


def _option(words: list[str], word: str, index: int) -> tuple[str, str, int]:
    """Return (name, value, index of the next word) of the option `word` before `index`."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        if equals or name not in VALUE_OPTIONS:
            return name, value, index
    else:
        name, glued = word[:2], word[2:]
        if name not in VALUE_OPTIONS:
            return name, "", index
        if glued:
            return name, glued.removeprefix("="), index
    if name in GREEDY_OPTIONS:
        while index < len(words) and _is_value(words[index]):
            index += 1
        return name, "", index
    return name, words[index] if index < len(words) else "", index + 1


def _is_value(word: str) -> bool:
    return word == "-" or not word.startswith("-")


def _take_own(argv: list[str]) -> tuple[Own, list[str]]:
    """Return our own options and the words that are left; a value of a Codex option is never taken for one of ours."""
    found: dict[str, list[str]] = {}
    words: list[str] = []
    index = 0
    while index < len(argv):
        word = argv[index]
        index += 1
        if word == "--":
            return _own(found), [*words, word, *argv[index:]]
        name, equals, value = word.partition("=")
        if (name in OWN_FLAGS and not equals) or name in OWN_VALUE_OPTIONS:
            if name in OWN_VALUE_OPTIONS and not equals:
                if index >= len(argv):
                    raise UsageError(f"{name} needs a value")
                value, index = argv[index], index + 1
            _check_place(name, words, argv[index:])
            if name in OWN_FLAGS:
                found[name] = []
            else:
                found.setdefault(name, []).append(value)
        else:
            words.append(word)
            if word in VALUE_OPTIONS and word not in GREEDY_OPTIONS and index < len(argv):
                words.append(argv[index])
                index += 1
    return _own(found), words


def _check_place(name: str, before: list[str], behind: list[str]) -> None:
    """Refuse an option of ours that ends a list of images: with it gone, the list would swallow the prompt."""
    values = len(list(takewhile(_is_value, reversed(before))))
    option = before[-values - 1] if 0 < values < len(before) else ""
    if option in GREEDY_OPTIONS and behind and _is_value(behind[0]):
        raise UsageError(f"{name} stands between an image and the prompt", hint=f"put {name} first")


def _own(found: dict[str, list[str]]) -> Own:
    last = {name: values[-1] for name, values in found.items() if values}
    return Own(
        tier=last.get("--tier"),
        category=last.get("--category"),
        max_turns=_count("--max-turns", last.get("--max-turns"), "model responses, 0 for no limit"),
        max_cost_usd=_amount("--max-cost", last.get("--max-cost"), "an amount in USD, 0 for no limit"),
        max_seconds=_amount("--max-seconds", last.get("--max-seconds"), "seconds, 0 for no limit"),
        checks=tuple(found.get("--check", ())),
        check_seconds=_amount("--check-seconds", last.get("--check-seconds"), "seconds, 0 for no limit"),
        attempts=_count("--attempts", last.get("--attempts"), "arms to try in turn"),
        keep_going="--keep-going" in found,
        gate="--gate" in found,
        explain="--explain" in found,
        quiet="--quiet" in found,
        no_record="--no-record" in found,
        record_prompt="--record-prompt" in found,
        help="--router-help" in found,
    )


def _count(name: str, text: str | None, meaning: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise UsageError(f"{name} {text!r}", hint=f"a whole number of {meaning}")
    return int(text)


def _amount(name: str, text: str | None, meaning: str) -> float | None:
    if text is None:
        return None
    try:
        amount = float(text.removeprefix("$"))
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise UsageError(f"{name} {text!r}", hint=meaning)
    return amount
