"""Repositories inside a work tree: each kind comes back, with what it alone has; what cannot is told and left alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from codex_router.codex import obstacle as limits
from codex_router.codex import restore as restoring
from codex_router.codex import snapshot as module
from codex_router.codex.git import Git
from codex_router.codex.inside import KEPT, REFS, inner_ref
from codex_router.codex.obstacle import obstacle
from codex_router.codex.restore import Restored, restore
from codex_router.codex.snapshot import Snapshot, read, take
from codex_router.errors import RouterError

IDENTITY = ("-c", "user.name=u", "-c", "user.email=u@localhost", "-c", "protocol.file.allow=always")


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *IDENTITY, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def status(folder: Path) -> str:
    return git(folder, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=all")


def repository(folder: Path) -> Path:
    """Make a repository with a commit, and work that is staged, unstaged and untracked."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for name in ("a", "b", "c"):
        (folder / name).write_text(f"{name}\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    (folder / "a").write_text("staged\n")
    git(folder, "add", "a")
    (folder / "b").write_text("unstaged\n")
    (folder / "mine").write_text("untracked\n")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return repository(tmp_path / "project")


@pytest.fixture
def inner(project: Path) -> Path:
    """Return a repository inside `project`, with a stash that nothing else holds."""
    folder = repository(project / "inner")
    (folder / "c").write_text("stashed\n")
    git(folder, "stash", "push", "-q", "c")
    return folder


def snapshot(folder: Path) -> tuple[Git, Snapshot]:
    tree = Git(str(folder))
    return tree, take(tree, f"{REFS}/r/0", "before")


def back(tree: Git, clean: Snapshot, state: str = "1") -> Restored:
    return restore(tree, clean, f"{REFS}/r/{state}", "attempt")


def test_work_in_it_comes_back_and_so_does_what_an_attempt_made_of_it(project: Path, inner: Path) -> None:
    before = status(project), status(inner)
    tree, clean = snapshot(project)
    assert (status(project), status(inner)) == before
    git(inner, "checkout", "-q", "-b", "theirs")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "theirs")
    (inner / "mine").unlink()
    theirs = status(inner)
    assert back(tree, clean).repositories == ()
    assert (status(project), status(inner)) == before
    assert (inner / "mine").read_text() == "untracked\n"
    back(tree, read(tree, f"{REFS}/r/1"), "2")
    assert status(inner) == theirs


def test_a_removed_one_comes_back_with_its_stash_branches_and_settings(project: Path, inner: Path) -> None:
    git(inner, "branch", "other")
    git(inner, "config", "some.setting", "mine")
    before = status(inner), git(inner, "stash", "list", "-p"), git(inner, "reflog"), git(inner, "branch", "-a")
    tree, clean = snapshot(project)
    shutil.rmtree(inner)
    assert back(tree, clean).repositories == ()
    after = status(inner), git(inner, "stash", "list", "-p"), git(inner, "reflog"), git(inner, "branch", "-a")
    assert after == before
    assert git(inner, "config", "some.setting") == "mine\n"
    git(inner, "fsck", "--strict")
    shutil.rmtree(inner)
    assert back(tree, clean, "2").repositories == (), "and again"
    assert status(inner) == before[0]


@pytest.mark.parametrize("deed", ["rm -rf inner/.git", "rm inner/.git/HEAD", "rm -rf inner && git init -q inner"])
def test_one_whose_git_is_spoilt_comes_back(project: Path, inner: Path, deed: str) -> None:
    before = status(inner), git(inner, "stash", "list", "-p")
    tree, clean = snapshot(project)
    subprocess.run(deed, shell=True, cwd=project, check=True)
    (inner / "new").write_text("theirs\n")
    done = back(tree, clean)
    assert (done.repositories, done.aside) == ((), ())
    assert (status(inner), git(inner, "stash", "list", "-p")) == before
    back(tree, read(tree, f"{REFS}/r/1"), "2")
    assert (inner / "new").read_text() == "theirs\n"


def test_the_copy_takes_no_room_and_there_is_one(project: Path, inner: Path) -> None:
    tree, _ = snapshot(project)
    for number in range(3):
        (inner / "a").write_text(f"{number}\n")
        take(tree, f"{REFS}/r/{number}", "again")
    (kept,) = (project / ".git" / KEPT.decode()).glob("*")
    (copy,) = kept.iterdir()
    objects = [path for path in (copy / "objects").rglob("*") if path.is_file()]
    assert len(objects) > 5
    assert all(path.stat().st_nlink == 2 for path in objects)


def test_a_new_one_goes_with_what_is_in_it_and_can_be_had_again(project: Path) -> None:
    tree, clean = snapshot(project)
    before = status(project)
    new = repository(project / "new" / "clone")
    deep = repository(new / "deep")
    theirs = status(new), status(deep)
    assert back(tree, clean).repositories == ()
    assert not (project / "new").exists()
    assert status(project) == before
    back(tree, read(tree, f"{REFS}/r/1"), "2")
    assert (status(new), status(deep)) == theirs
    git(new, "fsck", "--strict")


def test_git_init_in_a_folder_of_the_users_leaves_the_folder(project: Path) -> None:
    (project / ".git" / "info" / "exclude").write_text("*.log\n")
    (project / "src").mkdir()
    (project / "src" / "x").write_text("mine\n")
    (project / "src" / "x.log").write_text("ignored\n")
    git(project, "add", "src/x")
    tree, clean = snapshot(project)
    git(project / "src", "init", "-q")
    (project / "src" / "x").write_text("theirs\n")
    assert back(tree, clean).repositories == ()
    assert sorted(path.name for path in (project / "src").iterdir()) == ["x", "x.log"]
    assert (project / "src" / "x").read_text() == "mine\n"
    back(tree, read(tree, f"{REFS}/r/1"), "2")
    assert (project / "src" / "x").read_text() == "theirs\n"
    assert (project / "src" / ".git").is_dir()


def test_ignored_ones_are_left_alone_whatever_becomes_of_the_rules(project: Path) -> None:
    (project / ".gitignore").write_text("vendor/\n")
    vendor = repository(project / "vendor" / "lib")
    tree, clean = snapshot(project)
    assert clean.state.inside == {}
    (project / ".gitignore").unlink()
    (vendor / "a").write_text("theirs\n")
    assert back(tree, clean).repositories == ()
    assert (vendor / ".git").is_dir()
    assert (vendor / "a").read_text() == "theirs\n"


def test_git_init_around_ones_of_the_users_leaves_them(project: Path) -> None:
    (project / ".gitignore").write_text("vendor/\n")
    mine, vendor = repository(project / "d" / "mine"), repository(project / "d" / "vendor")
    before = status(mine), status(vendor)
    tree, clean = snapshot(project)
    git(project / "d", "init", "-q")
    assert back(tree, clean).repositories == ()
    assert (status(mine), status(vendor)) == before
    assert not (project / "d" / ".git").exists()


def test_a_new_one_with_a_submodule_goes_and_can_be_had_again(project: Path, tmp_path: Path) -> None:
    tree, clean = snapshot(project)
    new = repository(project / "new")
    git(new, "submodule", "--quiet", "add", str(repository(tmp_path / "library")), "lib")
    (new / "lib" / "a").write_text("theirs\n")
    theirs = status(new), status(new / "lib")
    assert back(tree, clean).repositories == ()
    assert not new.exists()
    back(tree, read(tree, f"{REFS}/r/1"), "2")
    assert (status(new), status(new / "lib")) == theirs


def test_one_that_an_attempt_hides_by_a_rule_comes_back(project: Path, inner: Path) -> None:
    tree, clean = snapshot(project)
    (project / ".gitignore").write_text("inner/\n")
    (inner / "mine").write_text("theirs\n")
    back(tree, clean)
    assert (inner / "mine").read_text() == "untracked\n"
    back(tree, read(tree, f"{REFS}/r/1"), "2")
    assert (inner / "mine").read_text() == "theirs\n"


def test_another_work_tree_of_the_same_repository_has_its_own_state(project: Path) -> None:
    git(project, "worktree", "add", "-q", "-b", "side", "side")
    side = project / "side"
    (side / "a").write_text("mine\n")
    before = status(project), status(side)
    tree, clean = snapshot(project)
    git(side, "commit", "-qam", "theirs")
    (project / "a").write_text("theirs\n")
    assert back(tree, clean).repositories == ()
    assert (status(project), status(side)) == before
    shutil.rmtree(side)
    assert back(tree, clean, "2").repositories == ()
    assert (status(project), status(side)) == before


def test_a_work_tree_that_an_attempt_adds_goes_so_that_the_next_can_add_it(project: Path) -> None:
    tree, clean = snapshot(project)
    for number in (1, 2):
        git(project, "worktree", "add", "-q", "--detach", "side")
        (project / "side" / "a").write_text(f"attempt {number}\n")
        assert back(tree, clean, str(number)).repositories == ()
        assert not (project / "side").exists()
        assert git(project, "worktree", "list").count("\n") == 1
    for number in (1, 2):
        back(tree, read(tree, f"{REFS}/r/{number}"), f"again-{number}")
        assert (project / "side" / "a").read_text() == f"attempt {number}\n"
        assert git(project, "worktree", "list").count("\n") == 2


def test_a_submodule_that_an_attempt_adds_goes_and_can_be_had_again(project: Path, tmp_path: Path) -> None:
    library = repository(tmp_path / "library")
    before = status(project)
    tree, clean = snapshot(project)
    for number in (1, 2):
        git(project, "submodule", "--quiet", "add", str(library), "lib")
        (project / "lib" / "new").write_text(f"attempt {number}\n")
        assert back(tree, clean, str(number)).repositories == ()
        assert status(project) == before
        assert not (project / "lib").exists()
    for number in (1, 2):
        back(tree, read(tree, f"{REFS}/r/{number}"), f"again-{number}")
        assert (project / "lib" / "new").read_text() == f"attempt {number}\n"
        assert "? new" in status(project / "lib")


def test_a_submodule_that_an_attempt_checks_out_goes_and_keeps_what_the_user_has_of_it(
    project: Path, tmp_path: Path
) -> None:
    git(project, "submodule", "--quiet", "add", str(repository(tmp_path / "library")), "lib")
    git(project, "commit", "-qm", "lib")
    git(project / "lib", "branch", "mine")
    git(project, "submodule", "--quiet", "deinit", "lib")
    before = status(project)
    tree, clean = snapshot(project)
    git(project, "submodule", "--quiet", "update", "--init", "lib")
    (project / "lib" / "a").write_text("theirs\n")
    assert back(tree, clean).repositories == ()
    assert status(project) == before
    assert list((project / "lib").iterdir()) == []
    back(tree, read(tree, f"{REFS}/r/1"), "2")
    assert (project / "lib" / "a").read_text() == "theirs\n"
    back(tree, clean, "3")
    git(project, "submodule", "--quiet", "update", "--init", "lib")
    assert "mine" in git(project / "lib", "branch")


def test_one_with_its_git_elsewhere_comes_back(project: Path, tmp_path: Path) -> None:
    elsewhere = project / "apart"
    git(project, "init", "-q", "--separate-git-dir", str(tmp_path / "apart.git"), str(elsewhere))
    (elsewhere / "x").write_text("mine\n")
    linked = repository(project / "linked")
    (linked / ".git").rename(tmp_path / "linked.git")
    (linked / ".git").symlink_to(tmp_path / "linked.git")
    before = status(elsewhere), status(linked)
    tree, clean = snapshot(project)
    for folder in (elsewhere, linked):
        shutil.rmtree(folder)
    assert back(tree, clean).repositories == ()
    assert (status(elsewhere), status(linked)) == before
    assert (linked / ".git").is_symlink()


def test_what_cannot_be_stored_is_left_alone_and_a_change_is_told(
    project: Path, inner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_UNTRACKED_BYTES", 1000)
    (inner / "data").write_bytes(b"\0" * 1001)
    tree, clean = snapshot(project)
    assert list(clean.state.repositories) == ["inner"]
    assert back(tree, clean).repositories == ()
    (inner / "a").write_text("theirs\n")
    assert back(tree, clean, "2").repositories == ("inner",)
    assert (inner / "a").read_text() == "theirs\n"


@pytest.mark.parametrize(
    "deed", ["git for-each-ref --format='delete %(refname)' | git update-ref --stdin", "rm -rf .git"]
)
def test_one_of_which_nothing_is_kept_is_left_alone(project: Path, inner: Path, deed: str) -> None:
    tree, clean = snapshot(project)
    shutil.rmtree(project / ".git" / KEPT.decode())
    subprocess.run(deed, shell=True, cwd=inner, check=True)
    (inner / "a").write_text("since\n")
    there = (inner / ".git").exists()
    assert back(tree, clean).repositories == ("inner",)
    assert (inner / ".git").exists() == there
    assert not there or (inner / "a").read_text() == "since\n"


def test_many_are_a_workspace_and_left_alone(project: Path, inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REPOSITORIES", 1)
    tree, clean = snapshot(project)
    repository(project / "second")
    (inner / "a").write_text("theirs\n")
    assert set(back(tree, clean).repositories) == {"inner", "second"}
    assert (inner / "a").read_text() == "theirs\n", "its present state was not stored"


def test_one_that_git_cannot_read_is_an_obstacle(project: Path, inner: Path) -> None:
    with (inner / ".git" / "config").open("a") as config:
        config.write("[broken\n")
    assert "cannot read the repository `inner`" in (obstacle(Git(str(project))) or "")


def test_a_locked_one_is_told_before_anything_changes(
    project: Path, inner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "LOCK_PATIENCE_S", 0.0)
    tree, clean = snapshot(project)
    (project / "a").write_text("theirs\n")
    (inner / "a").write_text("theirs\n")
    (inner / ".git" / "index.lock").touch()
    with pytest.raises(RouterError, match="cannot be locked"):
        back(tree, clean)
    assert (project / "a").read_text() == (inner / "a").read_text() == "theirs\n"


def test_names_that_are_no_text_and_links(project: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9\n")
    odd = repository(project / name)
    repository(tmp_path / "outside")
    (project / "link").symlink_to(tmp_path / "outside")
    before = status(odd)
    tree, clean = snapshot(project)
    assert list(clean.state.inside) == [name]
    (tmp_path / "outside" / "a").write_text("theirs\n")
    shutil.rmtree(odd)
    assert back(tree, clean).repositories == ()
    assert status(odd) == before
    assert (tmp_path / "outside" / "a").read_text() == "theirs\n"


def test_each_snapshot_has_a_ref_of_its_own(project: Path, inner: Path) -> None:
    deep = repository(inner / "deep")
    snapshot(project)
    ref = inner_ref(f"{REFS}/r/0", b"inner")
    assert git(inner, "show", f"{ref}:b") == "unstaged\n"
    assert git(deep, "show", f"{inner_ref(ref, b'deep')}:b") == "unstaged\n"
