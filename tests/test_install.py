"""Which files change, for which Codex, and what is never touched."""

from __future__ import annotations

import errno
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from plans import OTHER, PLAN
from quick import Quick, listing, new_home, thorough
from toml_texts import Parts, toml_parts, toml_texts, valid

from codex_router.codex.changes import ChangeSet
from codex_router.codex.disk import Disk
from codex_router.codex.install import codex_changes, our_tables, router_change
from codex_router.codex.journal import Journal
from codex_router.codex.toml_text import newline_of, repr_sorted
from codex_router.codex.versions import Version, reads
from codex_router.errors import RouterError
from codex_router.records import Plan

TABLES: Version = (0, 133, 0)
FILES: Version = (0, 163, 0)
NAMES = {"precision", "standard", "bulk"}


FEW, FEWER = Plan((PLAN.tiers[0], PLAN.tiers[2]), ()), Plan(OTHER.tiers[1:], ())
"""Small plans for the property tests."""


def planned(home: Path, version: Version = FILES, plan: Plan = PLAN, *, force: bool = False) -> ChangeSet:
    journal = Journal(Quick())
    files = codex_changes(plan, reads(version), home, journal, {}, force=force)
    if plan not in (FEW, FEWER):
        files = [router_change(plan, home, journal, force=force), *files]
    return ChangeSet("init", tuple(files))


def install(home: Path, version: Version = FILES, plan: Plan = PLAN, *, force: bool = False) -> list[str]:
    """Write a plan and return the names of the files that changed."""
    changes = planned(home, version, plan, force=force)
    Journal(Quick()).write(changes)
    return [change.path.name for change in changes.needed]


def meaning(text: bytes) -> Any:
    return repr_sorted(tomllib.loads(text.decode()))


@thorough
@given(text=toml_texts(), mode=st.sampled_from([0o600, 0o644, 0o640]))
def test_tables_are_added_to_any_configuration_and_undo_is_identity(text: str, mode: int) -> None:
    with new_home() as home:
        config = home / "config.toml"
        config.write_bytes(text.encode())
        config.chmod(mode)
        was = listing(home)

        install(home, TABLES, FEW)

        after = config.read_bytes()
        assert after.startswith(text.encode())
        document = tomllib.loads(text)
        ours = tomllib.loads(after[len(text.encode()) :].decode())["profiles"]
        assert ours.keys() == {"precision", "bulk"}
        assert meaning(after) == repr_sorted({**document, "profiles": document.get("profiles", {}) | ours})
        assert config.stat().st_mode & 0o777 == mode
        assert not planned(home, TABLES, FEW).needed
        Journal(Quick()).undo()
        assert listing(home) == was


@thorough
@given(before=toml_parts("a"), foreign=toml_parts("b"))
def test_an_edit_between_two_writes_is_kept(before: Parts, foreign: Parts) -> None:
    """Somebody adds lines above and tables below; then the plan changes, then it all goes."""
    with new_home() as home:
        config = home / "config.toml"
        config.write_bytes(before.text.encode())
        install(home, TABLES, FEW)
        edited = foreign.head + config.read_bytes().decode() + foreign.body
        assume(valid(edited))
        config.write_bytes(edited.encode())
        assert not planned(home, TABLES, FEW).needed

        after = result(planned(home, TABLES, FEWER), config)

        assert after.startswith(foreign.head + before.text)
        assert after.endswith(foreign.body)
        theirs = foreign.head + before.text + newline_of(before.text) + foreign.body
        found, wanted = tomllib.loads(after), tomllib.loads(theirs)
        profiles = found.pop("profiles")
        assert {name for name in NAMES if name in profiles} == {"bulk"}
        others = {name: table for name, table in profiles.items() if name not in NAMES}
        assert repr_sorted(others) == repr_sorted(wanted.pop("profiles", {}))
        assert repr_sorted(found) == repr_sorted(wanted)
        without = result(planned(home, FILES, FEWER), config)
        assert meaning(without.encode()) == meaning(theirs.encode())


def result(changes: ChangeSet, path: Path) -> str:
    """Return what a file will hold."""
    (change,) = (change for change in changes.files if change.path == path)
    return (change.after or b"").decode()


def test_an_empty_home_gets_profile_files_and_no_configuration(tmp_path: Path) -> None:
    assert install(tmp_path) == ["codex-router.toml", *(f"{tier.name}.config.toml" for tier in PLAN.tiers)]
    assert not (tmp_path / "config.toml").exists()
    assert install(tmp_path) == []


def test_before_0_134_an_empty_home_gets_a_configuration_with_tables(tmp_path: Path) -> None:
    assert install(tmp_path, TABLES) == ["codex-router.toml", "config.toml"]
    assert tomllib.loads((tmp_path / "config.toml").read_text())["profiles"].keys() == NAMES
    assert our_tables(Journal(), tmp_path) == NAMES
    Journal().undo()
    assert listing(tmp_path) == {}


def test_an_upgrade_moves_what_is_ours_and_a_downgrade_moves_it_back(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('# mine\nmodel = "gpt-5.2"\n\n[profiles.mine]\nmodel = "x"\n')
    original = config.read_bytes()
    install(tmp_path, TABLES)
    tables = listing(tmp_path)

    assert set(install(tmp_path, FILES)) == {"config.toml", *(f"{name}.config.toml" for name in NAMES)}
    assert config.read_bytes() == original
    assert set(install(tmp_path, TABLES)) == {"config.toml", *(f"{name}.config.toml" for name in NAMES)}
    assert listing(tmp_path) == tables


def test_another_prefix_removes_what_the_first_one_wrote(tmp_path: Path) -> None:
    install(tmp_path)
    (tmp_path / "own.config.toml").write_text('model = "mine"\n')
    prefixed = Plan(tuple(renamed(tier) for tier in PLAN.tiers), ())
    changed = install(tmp_path, plan=prefixed)
    assert set(changed) == {
        "codex-router.toml",
        *(f"my-{name}.config.toml" for name in NAMES),
        *(f"{name}.config.toml" for name in NAMES),
    }
    assert {path.name for path in tmp_path.glob("*.config.toml")} == {
        "own.config.toml",
        *(f"my-{name}.config.toml" for name in NAMES),
    }


def renamed(tier: Any) -> Any:
    return tier._replace(name=f"my-{tier.name}", template=tier.name)


@pytest.mark.parametrize("version", [TABLES, FILES])
def test_a_table_of_the_users_own_is_never_taken_over(tmp_path: Path, version: Version) -> None:
    (tmp_path / "config.toml").write_text('[profiles.bulk]\nmodel = "mine"\n')
    with pytest.raises(RouterError, match="it already has a profile `bulk` that codex-router did not write") as caught:
        install(tmp_path, version, force=True)
    assert caught.value.where == f"{tmp_path}/config.toml: [profiles.bulk]"
    assert "--prefix" in (caught.value.hint or "")


def test_a_file_of_the_users_own_is_never_taken_over(tmp_path: Path) -> None:
    (tmp_path / "bulk.config.toml").write_text('model = "mine"\n')
    with pytest.raises(RouterError, match="codex-router did not write it") as caught:
        install(tmp_path, force=True)
    assert caught.value.where == str(tmp_path / "bulk.config.toml")
    assert "--prefix" in (caught.value.hint or "")


@pytest.mark.parametrize("version", [TABLES, FILES])
def test_an_edit_of_ours_is_refused_and_force_replaces_it(tmp_path: Path, version: Version) -> None:
    install(tmp_path, version)
    path = tmp_path / ("config.toml" if version == TABLES else "bulk.config.toml")
    written = path.read_text()
    path.write_text(written.replace('"medium"', '"xhigh"'))
    with pytest.raises(RouterError, match="changed by somebody else since codex-router wrote it") as caught:
        install(tmp_path, version)
    assert str(path) in (caught.value.where or "")
    assert "--force" in (caught.value.hint or "")
    install(tmp_path, version, force=True)
    assert path.read_text() == written


def test_an_edited_plan_is_refused_and_force_replaces_it(tmp_path: Path) -> None:
    install(tmp_path)
    path = tmp_path / "codex-router.toml"
    edited = path.read_text() + "# my remark\n"
    path.write_text(edited)
    with pytest.raises(RouterError, match="edited since codex-router wrote it") as caught:
        planned(tmp_path)
    assert "`codex-router apply` puts your edits into Codex" in (caught.value.hint or "")
    install(tmp_path, force=True)
    assert path.read_text() != edited
    Journal().undo()
    assert path.read_text() == edited


def test_line_ends_and_a_missing_final_newline_stay(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_bytes(b'model = "x"\r\n[tui]\r\nanimations = false')
    install(tmp_path, TABLES)
    after = config.read_bytes()
    assert after.count(b"\n") == after.count(b"\r\n")
    assert not after.endswith(b"\n")
    Journal().undo()
    assert config.read_bytes() == b'model = "x"\r\n[tui]\r\nanimations = false'


class Breaking(Disk):
    """Takes nothing more from the moment the last profile is to be put in place: neither writes nor repairs."""

    broken = False

    def before(self, call: str, path: Path) -> None:
        self.broken |= (call, path.name) == ("rename", "bulk.config.toml")
        if self.broken:
            raise OSError(errno.EROFS, "Read-only file system", str(path))


def test_a_second_plan_that_was_cut_off_is_completed_although_half_is_there(tmp_path: Path) -> None:
    install(tmp_path)
    first = listing(tmp_path)
    with pytest.raises(RouterError, match="nor the bytes from before brought back"):
        Journal(Breaking()).write(planned(tmp_path, plan=OTHER))
    assert listing(tmp_path) != first

    install(tmp_path, plan=OTHER)

    assert not planned(tmp_path, plan=OTHER).needed
    assert sorted(path.name for path in tmp_path.glob("*.config.toml")) == ["bulk.config.toml", "precision.config.toml"]
    Journal().undo()
    assert listing(tmp_path) == first
    assert not planned(tmp_path).needed
