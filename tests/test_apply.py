"""`apply`, `diff`, `undo`: the reviewed plan into what the installed Codex reads, also when Codex changes."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from call import call
from plans import PLAN
from quick import listing

from codex_router.codex.render import router_text

pytestmark = pytest.mark.codex
NEW, OLD, NO_BUDGET_YET = "0.163.0", "0.133.0", "0.134.0"
CONFIG = b'# mine\r\nmodel = "gpt-5.2"\r\n[tui]\r\nnotifications = true'
PROFILES = [f"{tier.name}.config.toml" for tier in PLAN.tiers]


@pytest.fixture
def home(own_home: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[str], None]) -> Path:
    """A Codex home with a configuration and a reviewed plan."""
    home = own_home / ".codex"
    home.mkdir()
    (home / "config.toml").write_bytes(CONFIG)
    (home / "codex-router.toml").write_text(router_text(PLAN))
    monkeypatch.chdir(own_home)
    use(NEW)
    return home


def ours(home: Path) -> dict[str, tuple[bytes, int]]:
    """Return what is in the files that Codex did not put there itself."""
    return {name: what for name, what in listing(home).items() if "/" not in name and name.endswith(".toml")}


def test_apply_renders_the_plan_and_then_has_nothing_to_do(home: Path) -> None:
    said = call("apply", "--yes")
    assert said.status == 0, said.err
    assert said.err.count("Codex accepts profile") == 3
    assert sorted(path.name for path in home.glob("*.config.toml")) == sorted(PROFILES)
    assert (home / "config.toml").read_bytes() == CONFIG
    was = ours(home)
    again = call("apply", "--yes")
    assert (again.status, "nothing to do" in again.err) == (0, True)
    assert ours(home) == was


def test_diff_says_what_apply_would_do_and_by_its_status_whether(home: Path) -> None:
    was = ours(home)
    before = call("diff")
    assert before.status == 1
    assert all(f"+++ {home}/{name}" in before.out for name in PROFILES)
    assert ours(home) == was

    assert call("apply", "--yes").status == 0

    after = call("diff")
    assert (after.status, after.out, after.err) == (0, "", "no difference\n")
    assert json.loads(call("diff", "--json").out) == {"schema": 1, "changes": []}


def test_diff_as_json(home: Path) -> None:
    said = call("diff", "--json")
    changes = json.loads(said.out)["changes"]
    assert said.status == 1
    assert [Path(change["path"]).name for change in changes] == PROFILES
    assert all("+model = " in change["diff"] for change in changes)


def test_an_edit_of_the_plan_is_put_into_codex(home: Path) -> None:
    assert call("apply", "--yes").status == 0
    plan = home / "codex-router.toml"
    edited = plan.read_text().replace('reasoning_effort = "medium"', 'reasoning_effort = "xhigh"  # I want more')
    plan.write_text(edited)
    assert call("diff").status == 1
    assert call("apply", "--yes").status == 0
    assert tomllib.loads((home / "bulk.config.toml").read_text())["model_reasoning_effort"] == "xhigh"
    assert plan.read_text() == edited


def test_dry_run_and_no_terminal_write_nothing(home: Path) -> None:
    was = ours(home)
    dry, unasked = call("apply", "--dry-run"), call("apply")
    assert (dry.status, unasked.status) == (0, 2)
    assert "hint: add `--yes` to write" in unasked.err
    assert ours(home) == was


def test_an_edited_profile_is_refused_told_and_replaced_by_force(home: Path) -> None:
    assert call("apply", "--yes").status == 0
    profile = home / "bulk.config.toml"
    written = profile.read_bytes()
    profile.write_bytes(written + b"web_search = 'live'\n")
    refused = call("apply", "--yes")
    assert refused.status == 1
    assert f"{profile}: changed by somebody else since codex-router wrote it" in refused.err
    assert "`--force`" in refused.err
    assert profile.read_bytes() != written
    forced = call("apply", "--yes", "--force")
    assert forced.status == 0
    assert profile.read_bytes() == written
    assert call("undo").status == 0
    assert profile.read_bytes() == written + b"web_search = 'live'\n"


def test_undo_step_by_step_and_all_at_once(home: Path, use: Callable[[str], None]) -> None:
    stages = [ours(home)]
    for version in (OLD, NEW, OLD):
        use(version)
        assert call("apply", "--yes").status == 0
        stages.append(ours(home))
    assert call("undo").status == 0
    assert ours(home) == stages[2]
    said = call("undo", "--steps", "2")
    assert said.status == 0
    assert said.err.count("took back `apply`") == 2
    assert ours(home) == stages[0]
    nothing = call("undo")
    assert (nothing.status, nothing.err) == (1, "error: nothing to undo\n")


def test_undo_refuses_after_a_foreign_change(home: Path) -> None:
    assert call("apply", "--yes").status == 0
    profile = home / "bulk.config.toml"
    profile.write_text("mine now\n")
    said = call("undo")
    assert said.status == 1
    assert f"{profile}: changed by somebody else" in said.err
    assert "hint: look at it, then `codex-router undo --force`" in said.err
    assert profile.read_text() == "mine now\n"
    assert (home / "standard.config.toml").exists()
    assert call("undo", "--force").status == 0
    assert list(home.glob("*.config.toml")) == []


def rows(level: str) -> list[str]:
    """Return the messages and hints of doctor's rows of a level."""
    document = json.loads(call("doctor", "--json").out)
    return [f"{row['name']}: {row['message']} / {row['hint']}" for row in document["rows"] if row["level"] == level]


def test_codex_upgraded_and_downgraded_under_our_feet(home: Path, use: Callable[[str], None]) -> None:
    """0.133 to 0.163 and back: doctor warns, exec refuses with the command that mends it, and that command does."""
    use(OLD)
    assert call("apply", "--yes").status == 0
    assert rows("error") == []

    use(NEW)
    assert any(row.startswith("profile bulk: ") and "is missing" in row for row in rows("error"))
    assert any("run `codex-router apply`" in row for row in rows("warning"))
    refused = call("exec", "fix the lint errors")
    assert refused.status == 125
    assert "in it stops this Codex from using the profile of that name" in refused.err
    assert "hint: run `codex-router apply`" in refused.err
    assert call("apply", "--yes").status == 0
    assert rows("error") == []
    assert (home / "config.toml").read_bytes() == CONFIG

    use(OLD)
    assert any(row.startswith("profile bulk: ") for row in rows("error"))
    refused = call("exec", "fix the lint errors")
    assert refused.status == 125
    assert "is missing, where this Codex looks for it" in refused.err
    assert "hint: run `codex-router apply`" in refused.err
    assert call("apply", "--yes").status == 0
    assert rows("error") == []
    assert list(home.glob("*.config.toml")) == []


def test_a_codex_too_old_for_our_token_budget(home: Path, use: Callable[[str], None]) -> None:
    assert call("apply", "--yes").status == 0
    assert "rollout_budget" in (home / "bulk.config.toml").read_text()

    use(NO_BUDGET_YET)

    assert any("profile bulk: Codex does not accept it" in row and "codex-router apply" in row for row in rows("error"))
    refused = call("exec", "fix the lint errors")
    assert refused.status == 125
    assert "with which this older Codex does not start" in refused.err
    assert "hint: run `codex-router apply`" in refused.err
    assert call("apply", "--yes").status == 0
    assert "rollout_budget" not in (home / "bulk.config.toml").read_text()
    assert rows("error") == []


KILLED_AT_THE_PROOF = """
import faults, sys
from codex_router.__main__ import main
from codex_router.commands import write
write.prove_all = lambda *_: faults.kill()
sys.argv = ["codex-router", "apply", "--yes"]
main()
"""


def test_a_change_cut_off_is_told_and_completed_by_the_same_command(home: Path) -> None:
    """Killed after the last file and before the proof: every file is in place, and still it is not done."""
    was = ours(home)
    killed = [sys.executable, "-c", KILLED_AT_THE_PROOF]
    assert subprocess.run(killed, cwd=Path(__file__).parent, check=False).returncode == -9
    assert len(list(home.glob("*.config.toml"))) == 3
    assert any("`apply` of" in row and "was cut off" in row for row in rows("warning"))

    done = call("apply", "--yes")

    assert "was cut off; writing completes it" in done.err
    assert done.status == 0
    assert done.err.count("Codex accepts profile") == 3
    assert not any("cut off" in row for row in rows("warning"))
    assert "nothing to do" in call("apply", "--yes").err
    assert call("undo").status == 0
    assert ours(home) == was
