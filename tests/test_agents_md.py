"""The conciseness snippet goes into AGENTS.md and out again without touching another byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quick import thorough

from codex_router.codex.agents_md import BEGIN, END, agents_change
from codex_router.errors import RouterError

TEXTS = st.text(st.sampled_from("a# \n"), max_size=12).map(
    lambda text: text.replace("\n", "\r\n") if "#" in text else text
)


def put(folder: Path, text: str | None) -> Path:
    if text is not None:
        (folder / "AGENTS.md").write_bytes(text.encode())
    return folder


def test_a_file_of_its_own(tmp_path: Path) -> None:
    change = agents_change(tmp_path, wanted=True)
    assert change.before is None
    assert (change.after or b"").decode().splitlines()[0] == BEGIN
    assert agents_change(tmp_path, wanted=False).after is None


@thorough
@given(text=TEXTS)
def test_in_and_out_is_identity_and_in_twice_is_once(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = put(tmp_path_factory.mktemp("home"), text)
    once = agents_change(folder, wanted=True).after or b""
    assert text.encode() in once or not text
    put(folder, once.decode())
    assert agents_change(folder, wanted=True).after == once
    out = (agents_change(folder, wanted=False).after or b"").decode()
    assert out == text


def test_an_older_block_is_renewed_where_it_stands(tmp_path: Path) -> None:
    put(tmp_path, f"mine\n\n{BEGIN}\nold advice\n{END}\nmine too\n")
    after = (agents_change(tmp_path, wanted=True).after or b"").decode()
    assert after.startswith(f"mine\n\n{BEGIN}\n## Keep it short")
    assert after.endswith(f"{END}\nmine too\n")
    assert "old advice" not in after


def test_marks_that_are_no_pair_are_refused(tmp_path: Path) -> None:
    put(tmp_path, f"{BEGIN}\nmine\n")
    with pytest.raises(RouterError, match="not one pair"):
        agents_change(tmp_path, wanted=True)
