"""Which reader gets which file, and what a folder holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_aider import BOARD
from test_harbor import job
from test_own import HEADER, ROW
from test_swebench import entry

from codex_router.errors import RouterError
from codex_router.evidence.reading import find, read


def test_a_folder_of_everything(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + ROW + "gpt-5.5,5,0.4,1\n")
    (tmp_path / "a.toml").write_text('caveats = ["beside"]\n')
    (tmp_path / "polyglot_leaderboard.yml").write_text(BOARD)
    (tmp_path / "deep").mkdir()
    board = {"leaderboards": [{"name": "bash-only", "results": [entry()]}]}
    (tmp_path / "deep" / "leaderboards.json").write_text(json.dumps(board))
    (tmp_path / "notes.md").write_text("hello")
    (tmp_path / "model-aliases.toml").write_text("schema = 1")
    (tmp_path / ".hidden.csv").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path)
    folder = job(tmp_path, {})
    found = find(tmp_path)
    assert found.sources == [
        folder,
        tmp_path / "a.csv",
        tmp_path / "deep" / "leaderboards.json",
        tmp_path / "polyglot_leaderboard.yml",
    ]
    assert [row.where for row in found.passed_over] == ["model-aliases.toml", "notes.md"]
    assert [read(source).provenance.source for source in found.sources] == [
        "harbor:725b4261",
        "Our nightly",
        "SWE-bench leaderboard",
        "Aider polyglot",
    ]


def test_a_file_is_its_own_source(tmp_path: Path) -> None:
    assert find(tmp_path / "missing.csv").sources == [tmp_path / "missing.csv"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.xlsx", "x", "tables end in .csv, .json"),
        ("t", "x", "tables end in"),
        ("result.json", '{"trial_name": "t"}', "a result of Harbor"),
        ("result.json", '{"n_total_trials": 9}', "a result of Harbor"),
        ("t.xlsx", "", "empty"),
    ],
)
def test_what_is_no_table(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(RouterError, match=words):
        read(tmp_path / name)


def test_a_name_that_would_move_the_cursor(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J\n.csv"
    path.write_text(HEADER)
    assert find(tmp_path).passed_over[0].reason == "its name holds control characters"
    for action in (find, read):
        with pytest.raises(RouterError, match="control characters") as caught:
            action(path)
        assert str(caught.value).replace("\n", "").isprintable()
