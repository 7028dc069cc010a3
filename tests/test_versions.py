"""What a version reads, and how a version is read; the table itself is held against binaries in test_codex_versions."""

from __future__ import annotations

import pytest

from codex_router.codex.versions import Version, parse_version, reads, version_text


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("codex-cli 0.163.0\n", (0, 163, 0)),
        ("codex-cli 0.170.0-alpha.3", (0, 170, 0)),
        ("WARNING: something about 2 things\ncodex-cli 0.133.0", (0, 133, 0)),
        ("codex 1.20.300", (1, 20, 300)),
        ("0.36.0", (0, 36, 0)),
        ("no version here", None),
        ("v12", None),
        ("", None),
    ],
)
def test_parse_version(said: str, version: Version | None) -> None:
    assert parse_version(said) == version


def test_a_version_and_its_text() -> None:
    assert version_text((0, 163, 0)) == "0.163.0"
    assert parse_version(version_text((1, 2, 30))) == (1, 2, 30)


@pytest.mark.parametrize(
    ("first", "field"),
    [
        ((0, 65, 0), "proof_without_prompt"),
        ((0, 122, 0), "debug_models"),
        ((0, 131, 0), "strict_config"),
        ((0, 134, 0), "profile_files"),
        ((0, 142, 0), "rollout_budget"),
    ],
)
def test_each_ability_begins_with_its_version(first: Version, field: str) -> None:
    before = (first[0], first[1] - 1, 99)
    assert (getattr(reads(before), field), getattr(reads(first), field)) == (False, True)
    assert getattr(reads((9, 0, 0)), field)


def test_the_layout_has_a_name() -> None:
    assert (reads((0, 133, 0)).layout, reads((0, 134, 0)).layout) == ("profile-tables", "profile-files")
