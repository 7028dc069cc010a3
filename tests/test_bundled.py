"""The shipped tables say what was published, in our units."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from codex_router.evidence import bundled
from codex_router.evidence.tables import Table
from codex_router.records import Aggregate
from codex_router.shipped import shipped


def by_name() -> dict[str, Table]:
    return {table.path.stem: table for table in bundled.tables()}


def row(table: str, model: str, effort: str | None = None, harness: str | None = None) -> Aggregate:
    (found,) = [
        row for row in by_name()[table].aggregates if row.arm == (model, effort) and harness in {None, row.harness}
    ]
    return found


def test_kilobench_is_per_suite_pass_not_per_task() -> None:
    gpt, mimo = row("kilobench-2026-06-16", "gpt-5.5"), row("kilobench-2026-06-16", "mimo-v2.5-pro")
    assert gpt.cost_usd is not None
    assert mimo.cost_usd is not None
    assert round(gpt.cost_usd, 3) == 0.816
    assert round(gpt.cost_usd / gpt.pass_rate, 2) == 1.10
    assert round((mimo.pass_rate / mimo.cost_usd) / (gpt.pass_rate / gpt.cost_usd), 1) == 9.5


@pytest.mark.parametrize(
    ("model", "efficiency"),
    [("claude-opus-4-7", 0.7), ("claude-opus-4-8", 0.8), ("grok-build-0.1", 1.6), ("minimax-m3", 4.5)],
)
def test_the_efficiencies_that_the_article_prints(model: str, efficiency: float) -> None:
    gpt, other = row("kilobench-2026-06-16", "gpt-5.5"), row("kilobench-2026-06-16", model)
    assert gpt.cost_usd is not None
    assert other.cost_usd is not None
    assert round((other.pass_rate / other.cost_usd) / (gpt.pass_rate / gpt.cost_usd), 1) == efficiency


def test_published_units_become_usd_per_attempt() -> None:
    board = row("terminal-bench-4-board", "gpt-6-astra", "max")
    assert board.cost_usd == pytest.approx(9.894)
    assert row("terminal-bench-2.1", "gpt-5.6-sol", "max").cost_usd == pytest.approx(574.68 / 445, abs=1e-5)
    assert row("aider-polyglot", "gpt-5", "high").cost_usd == pytest.approx(29.0829 / 225)
    assert row("deepswe-1.1", "gpt-5.5", "medium").cost_usd == pytest.approx(2.75, abs=0.005)
    assert row("swe-bench-verified-bash-only", "gpt-5.2", "high", "mini-swe-agent-2").cost_usd == 0.47357


def test_codex_rows_of_the_openhands_index() -> None:
    rows = {(r.category, r.arm.model): r for r in by_name()["openhands-index"].aggregates if r.harness == "codex"}
    assert len(rows) == 10
    assert rows["bugfix", "gpt-5.5"].pass_rate == 0.78
    assert rows["bugfix", "gpt-5.5"].cost_usd == 1.17
    assert rows["test", "gpt-5.4"].cost_usd == 0.35


def test_promotions_and_withdrawn_costs_are_unknown_not_zero() -> None:
    assert row("kilobench-2026-08-22", "hy3").cost_usd is None
    assert row("kilobench-2026-08-22", "nemotron-3-super").cost_usd is None
    assert row("swe-bench-verified-bash-only", "devstral-2512").cost_usd is None
    assert row("terminal-bench-2.1", "gpt-5.5", "xhigh", "codex").cost_usd is None
    assert all(r.cost_usd is None or r.cost_usd > 0 for r in bundled.aggregates())


def test_what_a_maker_says_of_its_own_model_is_marked() -> None:
    marked = [r for r in bundled.aggregates() if r.self_reported]
    assert len(marked) == 20
    assert {r.arm.model for r in marked} == {"gpt-6.1-sol", "gpt-6-sol", "gpt-6-luna", "gpt-5.6-luna"}
    assert {r.harness for r in marked} == {"unstated"}


def test_rows_that_must_not_be_used_are_left_out_and_named() -> None:
    tables = by_name()
    assert not [r for r in tables["swe-bench-verified-bash-only"].aggregates if r.arm.model == "claude-3-7-sonnet"]
    assert not [r for r in tables["openhands-index"].aggregates if r.arm.model == "nemotron-3-nano"]
    for name in ("swe-bench-verified-bash-only", "openhands-index", "kilobench-2026-08-22", "terminal-bench-2"):
        assert tables[name].provenance.left_out


def test_every_table_says_whose_it_is_and_knows_its_models() -> None:
    readme = (shipped("benchmarks-data") / "README.md").read_text(encoding="utf-8")
    for table in bundled.tables():
        said = table.provenance
        assert said.source
        assert said.date
        assert said.url.startswith("https://")
        assert said.licence
        assert said.caveats
        assert table.unknown_models == ()
        assert table.skipped == ()
        assert f"`{table.path.stem}`" in readme


def test_a_measurement_that_two_tables_print_counts_once() -> None:
    assert len([r for r in bundled.aggregates() if r.source == "KiloBench" and r.arm.model == "gpt-5.5"]) == 1
    assert sum(table.rows for table in bundled.tables()) - len(bundled.aggregates()) == 5


def test_categories_are_ours_or_mixed() -> None:
    document = tomllib.loads((shipped("profiles") / "categories.toml").read_text(encoding="utf-8"))
    known = {category["name"] for category in document["category"]}
    found = {r.category for r in bundled.aggregates()}
    assert {c for c in found if not c.startswith("mixed:")} == {"bugfix", "feature", "test", "explain"}
    assert {c for c in found if not c.startswith("mixed:")} <= known


def test_no_row_is_of_a_single_task() -> None:
    assert min(r.n_tasks for r in bundled.aggregates()) >= 16


def test_the_folder_holds_nothing_else() -> None:
    names = {path.name for path in shipped("benchmarks-data").iterdir()}
    stems = {Path(name).stem for name in names if name.endswith(".csv")}
    assert names == {f"{s}.csv" for s in stems} | {f"{s}.toml" for s in stems} | {"README.md", "model-aliases.toml"}
