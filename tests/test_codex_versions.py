"""The table in `versions.py` against real binaries, and our verbs on each of them; writes the page about it.

``pytest tests/test_codex_versions.py --write-docs`` (without ``-n``) writes ``docs/reference/codex-versions.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from codex_measured import CONFIGS, PAGE, TABLE_VALUES, does_row, measure, page, play, reads_row, table_keys

from codex_router.codex.versions import NEWEST_KNOWN, TABLE_KEYS, parse_version, reads, version_text

PYPI = ("0.133.0", "0.134.0", "0.136.0", "0.144.4", "0.149.0", "0.156.0", "0.163.0")
NPM = ("0.65.0", "0.101.0", "0.122.0", "0.131.0", "0.142.0", "0.169.0")
"""Versions that only npm has: the ones where something begins, and the newest."""
READS: dict[str, str] = {}
DOES: dict[str, str] = {}


@pytest.fixture
def written(request: pytest.FixtureRequest) -> str:
    """Return the page as it is committed; "" when it is being written."""
    return "" if request.config.getoption("--write-docs") else PAGE.read_text(encoding="utf-8")


def check_reads(version: str, codex: str, written: str) -> None:
    found = measure(codex)
    number = parse_version(version)
    assert number
    assert reads(number)[1:] == found
    READS[version] = reads_row(version, found)
    assert not written or READS[version] in written


def check_does(version: str, codex: str, written: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CODEX_ROUTER_CODEX", codex)
    monkeypatch.chdir(tmp_path)

    def cell(config: str) -> str:
        monkeypatch.setenv("CODEX_HOME", str(tmp_path / config))
        monkeypatch.setenv("CODEX_ROUTER_HOME", str(tmp_path / f"router-{config}"))
        return play(tmp_path / config, config)

    DOES[version] = does_row(version, cell)
    assert DOES[version].count("3 of 3 accepted") == len(CONFIGS) - 1
    assert not written or DOES[version] in written


@pytest.mark.codex
@pytest.mark.parametrize("version", PYPI)
def test_what_this_version_reads(version: str, written: str, codex: Callable[[str], str]) -> None:
    check_reads(version, codex(version), written)


@pytest.mark.codex
@pytest.mark.parametrize("version", PYPI)
def test_every_written_profile_is_accepted(
    version: str, written: str, codex: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    check_does(version, codex(version), written, monkeypatch, tmp_path)


@pytest.mark.codex
def test_the_keys_that_a_profile_table_may_hold(codex: Callable[[str], str]) -> None:
    assert table_keys(codex("0.133.0")) == TABLE_KEYS
    assert set(TABLE_VALUES) > TABLE_KEYS


@pytest.mark.slow
@pytest.mark.parametrize("version", NPM)
def test_what_npms_versions_read_and_accept(
    version: str, written: str, codex: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    check_reads(version, codex(f"npm-{version}"), written)
    check_does(version, codex(f"npm-{version}"), written, monkeypatch, tmp_path)


def test_the_page_has_a_row_for_each_version(written: str, request: pytest.FixtureRequest) -> None:
    """The last test of this file: it writes the page when asked to."""
    every = sorted((*PYPI, *NPM), key=lambda version: parse_version(version) or ())
    assert every[-1] == version_text(NEWEST_KNOWN)
    if request.config.getoption("--write-docs"):
        assert set(READS) == set(DOES) == set(every), "add `-m ''`, so that npm's versions are measured too"
        written = page(*({version: rows[version] for version in every} for rows in (READS, DOES)))
        PAGE.write_text(written, encoding="utf-8")
    lines = [f"{line}\n" for line in written.splitlines() if line.startswith("| 0.")]
    assert [line.split()[1] for line in lines] == [*every, *every]
    rows = [dict(zip(every, part, strict=True)) for part in (lines[: len(every)], lines[len(every) :])]
    assert written == page(rows[0], rows[1])
