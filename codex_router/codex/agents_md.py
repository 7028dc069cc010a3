"""The conciseness snippet in ``AGENTS.md``: a marked block that can be put in, renewed and taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_router.codex.changes import FileChange, read_bytes, read_text
from codex_router.codex.toml_text import newline_of
from codex_router.errors import RouterError
from codex_router.shipped import shipped

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = "<!-- codex-router: begin; `codex-router init --no-agents-md` takes this block out -->"
END = "<!-- codex-router: end -->"


def agents_change(home: Path, *, wanted: bool) -> FileChange:
    """Plan ``$CODEX_HOME/AGENTS.md`` with the block (`wanted`) or without it; in and out again gives the same bytes.

    Raises:
        RouterError: the marks are there but not as a pair.
    """
    path = home / "AGENTS.md"
    before = read_bytes(path)
    text = read_text(path)
    newline = newline_of(text)
    start, end = _block(text, path)
    snippet = (shipped("profiles") / "AGENTS.md").read_text(encoding="utf-8")
    block = f"{BEGIN}\n{snippet}{END}\n".replace("\n", newline)
    ended = not text or text.endswith("\n")
    head, tail = text[:start], text[end:]
    if wanted:
        gap = "" if start != end or not text else newline if ended else newline * 2
        after = head + gap + (block if ended or tail else block.removesuffix(newline)) + tail
    else:
        gap = (newline if ended or tail else newline * 2) if start != end and head.endswith(newline * 2) else ""
        after = head.removesuffix(gap) + tail
    return FileChange(path, before, after.encode() if after else None)


def _block(text: str, path: Path) -> tuple[int, int]:
    """Return where the block is, or twice the end of the text when there is none."""
    if text.count(BEGIN) != text.count(END) or text.count(BEGIN) > 1:
        raise RouterError(
            "its codex-router marks are not one pair", where=path, hint=f"remove the lines `{BEGIN}` and `{END}`"
        )
    if BEGIN not in text:
        return len(text), len(text)
    start, end = text.index(BEGIN), text.index(END) + len(END)
    newline = text.find("\n", end)
    return start, len(text) if newline == -1 else newline + 1
