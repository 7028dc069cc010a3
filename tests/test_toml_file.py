"""What a TOML file says is remembered, and never believed when the file is another."""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_router.home import make_router_home, router_home
from codex_router.toml_file import FILE, MOST, read_toml

values = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """All files were written long ago, and our folder is there."""
    monkeypatch.setattr(time, "time_ns", lambda: 1 << 62)
    make_router_home()


@pytest.mark.usefixtures("later")
def test_what_was_read_is_not_parsed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.toml"
    path.write_text("a = 1")
    assert read_toml(path) == {"a": 1}
    monkeypatch.delattr(tomllib, "loads")
    assert read_toml(path) == {"a": 1}


@pytest.mark.usefixtures("later")
def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    for number in (1, 2):  # written over, then put in its place, as editors do
        path.write_text(f"a = {number}")
        assert read_toml(path) == {"a": number}
        (tmp_path / "b.toml").write_text(f"a = {number + 5}")
        (tmp_path / "b.toml").replace(path)
        assert read_toml(path) == {"a": number + 5}


def test_a_file_that_was_just_written_is_not_remembered(tmp_path: Path) -> None:
    make_router_home()
    (tmp_path / "a.toml").write_text("a = 1")
    assert read_toml(tmp_path / "a.toml") == {"a": 1}
    assert not (router_home() / FILE).exists()


def test_no_folder_is_made_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1 << 62)
    (tmp_path / "a.toml").write_text("a = 1")
    assert read_toml(tmp_path / "a.toml") == {"a": 1}
    assert not router_home().exists()


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("memo", ["", "{", "[]", "3", '{"%s": 3}', '{"%s": [1]}', '{"%s": [[], {}]}', "[" * 100_000])
def test_a_damaged_memory_is_none(tmp_path: Path, memo: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text("a = 1")
    (router_home() / FILE).write_text(memo.replace("%s", str(path)))
    assert read_toml(path) == read_toml(path) == {"a": 1}


@pytest.mark.usefixtures("later")
def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    for number in range(3 * MOST):
        path = tmp_path / f"{number}.toml"
        path.write_text("a = 1")
        read_toml(path)
    assert len(json.loads((router_home() / FILE).read_bytes())) <= MOST


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("text", ["a =", "a = 1\na = 2", "\udcff"])
def test_what_is_no_toml_is_never_remembered(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    for _ in range(2):
        with pytest.raises(ValueError):
            read_toml(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=st.dictionaries(st.text(), values, max_size=4))
def test_any_document_is_the_same_the_second_time(tmp_path: Path, document: dict[str, object], later: None) -> None:
    import tomlkit

    path = tmp_path / "a.toml"
    path.write_text(tomlkit.dumps(document), encoding="utf-8", newline="")
    first = read_toml(path)
    assert first == tomllib.loads(path.read_bytes().decode()) or "nan" in repr(first)
    assert repr(read_toml(path)) == repr(first)
