"""Aider's own leaderboard file, as its repository holds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_router.errors import RouterError
from codex_router.evidence.aider import read_aider
from codex_router.evidence.tables import Table
from codex_router.records import Arm

BOARD = """\
- dirname: 2025-08-23-15-47-21--gpt-5-high
  test_cases: 225
  model: gpt-5 (high)
  edit_format: diff
  commit_hash: 32faf82
  reasoning_effort: high
  pass_rate_1: 52.0
  pass_rate_2: 88.0
  pass_num_1: 117
  pass_num_2: 198
  percent_cases_well_formed: 91.6
  total_tests: 225
  command: aider --model openai/gpt-5
  date: 2025-08-23
  versions: 0.86.2.dev
  seconds_per_case: 194.0
  total_cost: 29.0829

- dirname: 2025-06-27--o3-gpt41
  test_cases: 224
  model: o3 (high) + gpt-4.1
  pass_rate_2: 78.2
  command: aider --model o3
  date: 2025-06-27
  total_cost: 17.5518

- dirname: 2025-03-07--architect
  test_cases: 225
  model: QwQ-32B
  editor_model: fireworks_ai/qwen
  pass_rate_2: 26.2
  command: aider --architect
  date: 2025-03-07
  total_cost: 0

- dirname: 2025-08-06--oss
  test_cases: 200
  model: gpt-oss-120b
  pass_rate_1: 10.0
  pass_rate_2: 41.5
  command: aider --model openrouter/openai/gpt-oss-120b --reasoning-effort high
  date: 2025-08-06
  total_cost: 0.0000

- dirname: 2025-01-01--mine
  test_cases: 100
  model: My Model (32k thinking)
  pass_num_1: 40
  pass_rate_1: 40.0
  date: 2025-01-01
  total_cost: 5
"""


def read(tmp_path: Path, text: str = BOARD, name: str = "polyglot_leaderboard.yml") -> Table:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_aider(tmp_path / name)


def test_a_board(tmp_path: Path) -> None:
    table = read(tmp_path)
    gpt, oss, mine = table.aggregates
    assert gpt.arm == Arm("gpt-5", "high")
    assert (gpt.n_tasks, gpt.successes, gpt.date, gpt.harness) == (225, 198, "2025-08-23", "aider")
    assert gpt.cost_usd == pytest.approx(29.0829 / 225)
    assert gpt.category == "mixed:aider-polyglot"
    assert (oss.arm, oss.cost_usd) == (Arm("gpt-oss-120b", "high"), None)
    assert oss.successes == pytest.approx(83)
    assert (mine.arm, mine.successes) == (Arm("My Model (32k thinking)"), 40)
    assert [row.where for row in table.skipped] == ["line 19", "line 27"]
    assert {row.reason.partition(": ")[2] for row in table.skipped} == {"two models in one row"}
    assert table.unknown_models == ("My Model (32k thinking)",)
    assert "costs of 0 or none taken as unknown: 1" in table.conversions
    assert "costs per suite pass divided by 225 cases: 1" in table.conversions
    assert (table.rows_read, table.provenance.licence) == (5, "Apache-2.0")


def test_the_name_of_the_file_tells_the_board(tmp_path: Path) -> None:
    assert read(tmp_path, name="refactor_leaderboard.yml").aggregates[0].category == "refactor"
    assert read(tmp_path, name="edit_leaderboard.yml").aggregates[0].category == "mixed:aider-edit"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (BOARD.replace("test_cases: 200", "test_cases: many"), 36, "`test_cases`"),
        (BOARD.replace("  model: gpt-oss-120b\n", ""), 36, "`model` is missing"),
        (BOARD.replace("total_cost: 5", "total_cost: .nan"), 45, "`total_cost`"),
        (BOARD.replace("total_cost: 5", "total_cost: -5"), 45, "`total_cost`"),
        (BOARD.replace("model: My Model", 'model: My"Model'), 45, "`model` holds"),
        (BOARD.replace("pass_num_1: 40", "pass_num_1: 400"), 45, "no usable `pass_num_2`"),
        (BOARD.replace("pass_num_1: 40\n  pass_rate_1: 40.0", "x: 1"), 45, "no usable"),
        ("a: [", 1, "not YAML"),
        ("a: 1", None, "no list of results"),
        ("- 1", 1, "no mapping"),
        ("[" * 5000, None, "nested too deeply"),
        ("- &a [*a]", 1, "no mapping"),
        ("- model: &a\n    b: *a\n", 1, "not YAML"),
    ],
)
def test_a_broken_board_is_refused_whole(tmp_path: Path, text: str, line: int | None, words: str) -> None:
    with pytest.raises(RouterError) as caught:
        read(tmp_path, text)
    assert words in caught.value.what
    place = tmp_path / "polyglot_leaderboard.yml"
    assert caught.value.where == (f"{place}:{line}" if line else str(place))


def test_a_board_of_megabytes_is_no_board(tmp_path: Path) -> None:
    with pytest.raises(RouterError, match="too many"):
        read(tmp_path, "- a: 1\n" * 700_000)
