"""The reference page describes every column, and its examples can be ingested as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codex_router.evidence.reading import read
from codex_router.evidence.schema import COST_UNITS, AggregateRow, AttemptRow, Header

DOCS = Path(__file__).parents[1] / "docs"
REFERENCE = (DOCS / "reference" / "evidence-tables.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", REFERENCE, re.DOTALL))


def section(heading: str) -> set[str]:
    """Return the names in the first column of the first table below a heading."""
    text = REFERENCE.split(f"\n## {heading}\n", 1)[1]
    rows = text[text.index("\n|") :].split("\n\n", 1)[0]
    return set(re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE))


@pytest.mark.parametrize(
    ("heading", "fields"),
    [
        ("The header", set(Header.model_fields) - {"format"} | {"schema"}),
        ("Columns of `aggregates`", set(AggregateRow.model_fields)),
        ("Columns of `attempts`", set(AttemptRow.model_fields)),
    ],
)
def test_every_field_is_described_and_no_other(heading: str, fields: set[str]) -> None:
    assert section(heading) == fields


def test_every_unit_is_described() -> None:
    for unit in COST_UNITS.keys() - {"per index task"}:
        assert f"| `{unit}` |" in REFERENCE


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_can_be_ingested(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(EXAMPLES[name], encoding="utf-8")
    table = read(path)
    assert table.rows == table.rows_read > 0
    assert table.unknown_models == ()


def test_there_is_an_example_of_each_format() -> None:
    assert {Path(name).suffix for name in EXAMPLES} == {".csv", ".toml", ".jsonl", ".json"}


def test_both_units_of_the_example_come_to_the_same_cost(tmp_path: Path) -> None:
    costs = []
    for name in ("nightly.csv", "nightly.toml"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text(EXAMPLES[name], encoding="utf-8")
        costs.append(read(folder / name).aggregates[0].cost_usd)
    assert costs == pytest.approx([26.40 / 40, 0.85 * 0.775])
    assert costs[0] == pytest.approx(costs[1], rel=0.01)
