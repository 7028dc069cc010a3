from __future__ import annotations

from pathlib import Path

import pytest

from codex_router.codex.ready import check_ready
from codex_router.codex.versions import Version, reads
from codex_router.errors import ExitCode, LaunchError

NEW, TABLES, NO_BUDGET = (0, 163, 0), (0, 133, 0), (0, 141, 0)


def home(folder: Path, config: str | bytes | None = None, profile: str | None = None) -> Path:
    if config is not None:
        (folder / "config.toml").write_bytes(config if isinstance(config, bytes) else config.encode())
    if profile is not None:
        (folder / "bulk.config.toml").write_text(profile)
    return folder


@pytest.mark.parametrize(
    "config",
    [
        None,
        "",
        'model = "x"\n[profiles.other]\nmodel = "y"\n',
        "# profile = 'no'\n",
        "[profiles_of_mine]\n",
        "profiles = 3\n",
        "[[profiles]]\n",
        "profile broken",
        b"[profiles.bulk]\n\xff",
        "[" * 100_000,
        "[profile.x]\n" + "a = " + "[" * 100_000,
    ],
)
def test_a_profile_file_is_enough_and_what_does_not_parse_is_left_to_codex(
    tmp_path: Path, config: str | bytes | None
) -> None:
    check_ready(home(tmp_path, config, 'model = "x"\n'), "bulk", reads(NEW))


@pytest.mark.parametrize(
    ("version", "config", "profile", "what", "hint"),
    [
        (NEW, "", None, "the file of profile `bulk` is missing", "codex-router apply"),
        (NEW, 'profile = "work"\n', "", "`profile` in it stops this Codex from starting", "codex-router doctor"),
        (NEW, "[profile.work]\n", "", "`profile` in it stops this Codex from starting", "codex-router doctor"),
        (NEW, '[profiles.bulk]\nmodel = "x"\n', "", "[profiles.bulk] in it stops this Codex", "codex-router apply"),
        (NEW, '[ profiles . "bulk" ]\n', "", "[profiles.bulk] in it stops this Codex", "codex-router apply"),
        (NO_BUDGET, "", "[features.rollout_budget]\n", "it holds a token budget", "codex-router apply"),
        (TABLES, "", 'model = "x"\n', "[profiles.bulk] is missing", "codex-router apply"),
        (TABLES, None, None, "[profiles.bulk] is missing", "codex-router apply"),
        (TABLES, "profiles = 3\n", None, "[profiles.bulk] is missing", "codex-router apply"),
        (TABLES, "[[[", None, "[profiles.bulk] is missing", "codex-router apply"),
    ],
)
def test_what_would_run_on_the_wrong_configuration_is_refused(
    tmp_path: Path, version: Version, config: str | None, profile: str | None, what: str, hint: str
) -> None:
    with pytest.raises(LaunchError) as refused:
        check_ready(home(tmp_path, config, profile), "bulk", reads(version))
    assert refused.value.what.startswith(what)
    assert hint in (refused.value.hint or "")
    assert refused.value.exit_code == ExitCode.LAUNCH_FAILED
    assert str(tmp_path) in (refused.value.where or "")


def test_a_codex_with_tables_needs_its_table(tmp_path: Path) -> None:
    check_ready(home(tmp_path, '[profiles.bulk]\nmodel = "x"\n'), "bulk", reads(TABLES))


def test_a_token_budget_is_fine_where_codex_knows_it(tmp_path: Path) -> None:
    check_ready(home(tmp_path, None, "[features.rollout_budget]\n"), "bulk", reads(NEW))


def test_a_profile_that_is_a_folder_is_missing(tmp_path: Path) -> None:
    (tmp_path / "bulk.config.toml").mkdir()
    with pytest.raises(LaunchError, match="Is a directory"):
        check_ready(tmp_path, "bulk", reads(NEW))
