"""The file of `-o` comes back as it was after each attempt, and never anything that is no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codex_router.commands.answers import Answers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def test_each_state_comes_back(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "answer.txt"
    answers = Answers(str(path), folder)
    answers.keep(0)
    path.write_bytes(b"first \xff")
    answers.keep(1)
    path.write_bytes(b"second")
    answers.keep(2)
    for number, content in ((1, b"first \xff"), (2, b"second")):
        answers.put_back(number)
        assert path.read_bytes() == content
        assert (folder / f"attempt-{number}-answer.txt").read_bytes() == content
    answers.put_back(0)
    assert not path.exists()
    answers.put_back(3)
    assert not path.exists()


def test_a_relative_name_is_ours_also_when_the_folder_changes(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answer.txt").write_text("before")
    answers = Answers("answer.txt", folder)
    answers.keep(0)
    monkeypatch.chdir(folder)
    (tmp_path / "answer.txt").write_text("after")
    answers.put_back(0)
    assert (tmp_path / "answer.txt").read_text() == "before"


def test_what_is_no_file_is_left_alone(tmp_path: Path, folder: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name in (None, "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", str(pipe), str(tmp_path)):
        answers = Answers(name, folder)
        answers.keep(0)
        answers.keep(1)
        answers.put_back(0)
    assert pipe.is_fifo()
    assert not list(folder.iterdir())
