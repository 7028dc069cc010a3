"""What the classifier learns from: labelled prompts of others (read from a folder, never shipped) and our own."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from codex_router.errors import RouterError

HERE = Path(__file__).parent
CLASSES = ("review", "design", "feature", "bugfix", "refactor", "test", "lint", "docs", "ops", "explain", "none")
CODES = dict(zip("rdfbmtlcoen", CLASSES, strict=True))
"""One letter per class in ``labels.txt``."""
PROMPTS = HERE / "prompts"
"""Our own prompts. They are in the repository only, not in what is installed."""
OWN_FILES = {
    "first.txt": 1.5,
    "chat.txt": 1.5,
    "turns.txt": 1.5,
    "languages.txt": 3.0,
    "web.txt": 0.8,
    "services.txt": 0.8,
    "tools.txt": 0.8,
    "apps.txt": 0.8,
    "people.txt": 0.8,
    "long.txt": 0.8,
    "scripts.txt": 0.8,
    "exploring.txt": 0.8,
    "alike.txt": 0.8,
    "border.txt": 0.4,
    "rarer.txt": 0.4,
    "contrast.txt": 0.4,
}
"""Files of our own prompts and the weight of each of their rows."""
OWN = "own"
"""The group of our own prompts."""
PREFIX = 16
"""Hexadecimal digits of a text's SHA-256 that stand for it in ``labels.txt``."""


class Row(NamedTuple):
    """One labelled prompt."""

    label: str
    text: str
    group: str
    """Its repository, or ``own``: rows of a group are never split between training and testing."""
    weight: float = 1.0
    sure: bool = False
    """Two labellers agreed without doubt."""
    double: bool = False
    """Labelled by two labellers, or found by them to hold no task."""


class Corpus(NamedTuple):
    """All there is to learn from."""

    rows: list[Row]
    plain: list[str]
    """Texts without a label, from which the neighbourhoods of words are learnt."""


def read_corpus(data: Path) -> Corpus:
    """Read the training data of a folder and our own prompts.

    Raises:
        RouterError: a file of the folder is missing or has other columns.
    """
    tables = {name: read_table(data / f"{name}.tsv") for name in _TABLES}
    rows = [_double(r) for r in tables["agent_train"]]
    rows += [_double({**r, "category": "none"}) for r in tables["agent_none"] if r["split"] == "train"]
    rows += [Row(r["category"], r["text"], r["repo"]) for r in tables["agent_train_extra"]]
    labels = read_labels(HERE / "labels.txt")
    rows += [
        Row(label, r["text"], r["repo"])
        for r in tables["agent_unlabelled_train"]
        if (label := labels.get(fingerprint(r["text"])))
    ]
    rows += [Row(r["category"], r["text"], r["repo"]) for r in tables["commands_train"]]
    own = [row for name, weight in OWN_FILES.items() for row in read_own(PROMPTS / name, weight)]
    plain = [r["text"] for name in ("agent_unlabelled_train", "commits_train") for r in tables[name]]
    return Corpus(rows + own, plain)


def read_dev(data: Path) -> list[Row]:
    """Read the development set, which is never trained on."""
    nones = (r for r in read_table(data / "agent_none.tsv") if r["split"] == "dev")
    return [_double(r) for r in (*read_table(data / "agent_dev.tsv"), *({**r, "category": "none"} for r in nones))]


def _double(row: dict[str, str]) -> Row:
    return Row(row["category"], row["text"], row["repo"], sure=row.get("certainty") == "sure", double=True)


_TABLES = (
    "agent_train", "agent_train_extra", "agent_none", "agent_unlabelled_train", "commands_train", "commits_train",
)  # fmt: skip


def read_table(path: Path) -> list[dict[str, str]]:
    r"""Read a table with a header, tabs between and ``\n``, ``\t`` and ``\\`` inside the cells."""
    try:
        head, *lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except (OSError, ValueError) as error:
        raise RouterError(f"cannot be read: {error}", where=path) from None
    names = head.split("\t")
    return [dict(zip(names, map(_unescaped, line.split("\t")), strict=False)) for line in lines]


def _unescaped(cell: str) -> str:
    return cell.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\0", "\\")


def read_own(path: Path, weight: float = 1.0) -> list[Row]:
    r"""Read one of our own files: ``== category`` heads a section, one prompt a line, ``\n`` for a line break.

    Raises:
        RouterError: it cannot be read.
    """
    rows, label = [], ""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        hint = "train in a clone of the repository: an installed package has no prompts"
        raise RouterError(f"cannot be read: {error.strerror}", where=path, hint=hint) from None
    for line in lines:
        if line.startswith("== "):
            label = line[3:]
        elif line and not line.startswith("#"):
            rows.append(Row(label, line.replace("\\n", "\n"), OWN, weight))
    return rows


def read_labels(path: Path) -> dict[str, str]:
    """Read our labels of other people's prompts: fingerprint of the text, and the letter of its class."""
    pairs = (line.split() for line in path.read_text(encoding="ascii").splitlines() if not line.startswith("#"))
    return {mark: CODES[code] for mark, code in pairs}


def fingerprint(text: str) -> str:
    """Return what stands for a text in ``labels.txt``."""
    return hashlib.sha256(text.encode()).hexdigest()[:PREFIX]
