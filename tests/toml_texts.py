"""TOML texts of every shape the grammar allows, for property tests; `tomllib` is asked whether each is valid.

A text is made of chunks, each from a seed of its own, so that hypothesis shrinks by leaving chunks out.
"""

from __future__ import annotations

import random
import tomllib
from typing import NamedTuple

from hypothesis import assume
from hypothesis import strategies as st

HEADER_LIKE = ["[profiles.bulk]", "[[x]]", "# [profiles.bulk]", 'model = "no"', "]", "[", "[a.b] # c", "''", '"']
UNICODE = ["é", "日本", "🙂", "\u00a0", "\u2028", "ß", "\u202e", "٣"]
COMMENT = ["", " note", " [profiles.bulk]", ' "unclosed', " '''", ' """', " = ] } {", " tab\there", " é日🙂"]


class Parts(NamedTuple):
    """A text that somebody wrote: its lines before the first header, then its tables."""

    head: str
    body: str

    @property
    def text(self) -> str:
        return self.head + self.body


class Writer:
    """Writes one chunk; `name` keeps the keys of different chunks apart."""

    def __init__(self, seed: int, name: str, newline: str) -> None:
        self.draw = random.Random(seed)
        self.name = name
        self.newline = newline
        self.count = 0

    def pick(self, *options: str) -> str:
        return self.draw.choice(options)

    def space(self) -> str:
        return self.pick("", " ", " ", "\t", "  ")

    def ending(self) -> str:
        """A line's end, often with a comment."""
        comment = self.pick("", "", "#" + self.draw.choice(COMMENT))
        return self.space() + comment + self.newline

    def fresh(self) -> str:
        """A key that no other has."""
        self.count += 1
        plain = f"{self.name}{self.count}"
        odd = self.draw.choice([*HEADER_LIKE, *UNICODE, ".", "#", "=", " "])
        basic = odd.replace("\\", "\\\\").replace('"', '\\"')
        literal = odd.replace("'", "")
        return self.pick(plain, plain, f"{plain}-_", f'"{plain}{basic}"', f"'{plain}{literal}'", f'"{plain}\\u00e9"')

    def key(self) -> str:
        parts = [self.fresh() for _ in range(self.draw.choice([1, 1, 1, 2, 3]))]
        return self.pick(".", " . ", ".\t").join(parts)

    def value(self, depth: int = 0) -> str:
        kinds = [self.scalar, self.scalar, self.basic, self.literal, self.long_basic, self.long_literal]
        if depth < 3:
            kinds += [lambda: self.array(depth), lambda: self.inline(depth)]
        return self.draw.choice(kinds)()

    def scalar(self) -> str:
        numbers = ["0", "-17", "+1_000", "0xDEAD_beef", "0o755", "0b1010", "3.14", "-2e10", "6.6_2E-3", "inf", "-nan"]
        dates = ["1979-05-27T07:32:00Z", "1979-05-27 00:32:00.999-07:00", "1979-05-27", "07:32:00.5"]
        return self.draw.choice([*numbers, *dates, "true", "false"])

    def words(self) -> str:
        return " ".join(self.draw.choice([*HEADER_LIKE, *UNICODE, "word", "#"]) for _ in range(self.draw.randrange(4)))

    def basic(self) -> str:
        escape = self.pick("", "\\n", "\\t", "\\\\", '\\"', "\\u00e9", "\\U0001F642")
        return '"' + self.words().replace('"', '\\"') + escape + '"'

    def literal(self) -> str:
        return "'" + self.words().replace("'", "") + self.pick("", "\\", "\\n") + "'"

    def long_basic(self) -> str:
        lines = [self.pick(self.words(), "[profiles.bulk]", "# c", 'a ""b"" c', "\\\\") for _ in range(3)]
        folded = self.pick("", f"\\{self.newline}   ", "\\\\", '\\"')
        text = self.newline.join(line.replace('"', '\\"') if '""' not in line else line for line in lines)
        text = self.pick("", self.newline) + text.replace('"""', '\\"""') + folded
        return '"""' + text + self.pick('"""', '""""', '"""""')

    def long_literal(self) -> str:
        lines = [self.pick(self.words().replace("'", ""), "[profiles.bulk]", "# 'c' ''", "\\", '"""') for _ in range(3)]
        return "'''" + self.pick("", self.newline) + self.newline.join(lines) + self.pick("'''", "''''", "'''''")

    def array(self, depth: int) -> str:
        items = [self.value(depth + 1) for _ in range(self.draw.randrange(3))]
        gap = self.pick("", " ", self.newline, self.newline + "  #" + self.draw.choice(COMMENT) + self.newline)
        return "[" + gap + ("," + gap).join(items) + ("," if items and self.draw.random() < 0.3 else "") + gap + "]"

    def inline(self, depth: int) -> str:
        items = [f"{self.key()} = {self.value(depth + 1)}" for _ in range(self.draw.randrange(3))]
        return "{" + self.space() + ", ".join(items) + self.space() + "}"

    def assignment(self) -> str:
        return f"{self.space()}{self.key()}{self.space()}={self.space()}{self.value()}{self.ending()}"

    def filler(self) -> str:
        return self.pick(self.space() + self.newline, self.space() + "#" + self.draw.choice(COMMENT) + self.newline)

    def lines(self) -> str:
        kinds = (self.assignment, self.assignment, self.filler)
        return "".join(self.draw.choice(kinds)() for _ in range(self.draw.randrange(4)))

    def header(self, key: str, *, array: bool = False) -> str:
        left, right = ("[[", "]]") if array else ("[", "]")
        return f"{self.space()}{left}{self.space()}{key}{self.space()}{right}{self.ending()}"

    def table(self) -> str:
        """A table, an array of tables, one with tables below it, or somebody else's profile."""
        key = self.key()
        kind = self.draw.randrange(5)
        if kind == 0:
            return self.header(key) + self.lines() + self.header(f"{key} . {self.fresh()}") + self.lines()
        if kind == 1:
            below = self.fresh()
            one = self.header(key, array=True) + self.lines() + self.header(f"{key}.{below}") + self.lines()
            return one + self.header(key, array=True) + self.lines()
        if kind == 2:
            parent = self.pick("profiles", '"profiles"', "'profiles'")
            return self.header(f"{parent}{self.pick('.', ' . ')}{self.fresh()}") + self.lines()
        return self.header(key) + self.lines()


def _text(seeds: tuple[list[int], list[int]], newline: str, mixed: bool, tag: str) -> Parts:
    def writer(index: int, seed: int, room: str) -> Writer:
        other = "\n" if newline == "\r\n" else "\r\n"
        return Writer(seed, f"{tag}{room}{index}k", other if mixed and seed % 2 else newline)

    head = "".join(writer(index, seed, "h").lines() for index, seed in enumerate(seeds[0]))
    return Parts(head, "".join(writer(index, seed, "t").table() for index, seed in enumerate(seeds[1])))


def valid(text: str) -> bool:
    """Tell whether a text is valid TOML."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


SEEDS = st.lists(st.integers(0, 2**32), max_size=3)


@st.composite
def toml_parts(draw: st.DrawFn, tag: str = "") -> Parts:
    """Draw a valid text with its final newline; `tag` keeps the keys of several texts apart."""
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    parts = _text((draw(SEEDS), draw(SEEDS)), newline, draw(st.integers(0, 4)) == 0, tag)
    assume(valid(parts.text))
    return parts


@st.composite
def toml_texts(draw: st.DrawFn) -> str:
    """Draw a valid text, sometimes without its final newline."""
    text = draw(toml_parts()).text
    shorter = text.removesuffix("\n").removesuffix("\r")
    return shorter if draw(st.booleans()) and valid(shorter) else text
