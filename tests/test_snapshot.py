"""Snapshots in repositories of every kind: what git would convert, run or hide on the way stays as it is."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from codex_router.codex import obstacle as limits
from codex_router.codex import restore as restoring
from codex_router.codex.git import Git, NoRepositoryError
from codex_router.codex.inside import REFS
from codex_router.codex.obstacle import obstacle
from codex_router.codex.restore import restore
from codex_router.codex.snapshot import Snapshot, read, take
from codex_router.errors import RouterError

IDENTITY = ("-c", "user.name=u", "-c", "user.email=u@localhost", "-c", "protocol.file.allow=always")


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *IDENTITY, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def status(folder: Path) -> str:
    return git(folder, "--no-optional-locks", "status", "--porcelain=v2", "--branch")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a repository with one commit of `a` and `d/b`."""
    folder = tmp_path / "project"
    (folder / "d").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "a").write_text("a\n")
    (folder / "d" / "b").write_text("b\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    return folder


def snapshot(folder: Path) -> tuple[Git, Snapshot]:
    tree = Git(str(folder))
    taken = take(tree, f"{REFS}/r/0", "before")
    assert read(tree, f"{REFS}/r/0") == taken, "another process can restore it as well"
    return tree, taken


def back(tree: Git, clean: Snapshot) -> None:
    restore(tree, clean, f"{REFS}/r/1", "attempt 1")


def test_line_ends_are_not_converted(project: Path) -> None:
    git(project, "config", "core.autocrlf", "true")
    (project / ".gitattributes").write_text("*.txt text eol=crlf\n*.id ident\n")
    files = {"mixed.txt": b"one\r\ntwo\n", "unix": b"one\ntwo\n", "x.id": b"$Id$ and $Id: theirs $\n"}
    for name, content in files.items():
        (project / name).write_bytes(content)
    git(project, "add", "-A")
    before = status(project)
    tree, clean = snapshot(project)
    for name in files:
        (project / name).unlink()
    back(tree, clean)
    assert {name: (project / name).read_bytes() for name in files} == files
    assert status(project) == before


def test_filters_and_hooks_do_not_run(project: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (project / ".gitattributes").write_text("*.bin filter=large\n")
    git(project, "config", "filter.large.clean", f"touch {ran}; echo pointer")
    git(project, "config", "filter.large.smudge", f"touch {ran}; echo smudged")
    git(project, "config", "filter.large.required", "true")
    git(project, "config", "core.fsmonitor", f"touch {ran}; false")
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-commit", "post-commit"):
        hook = project / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
        hook.chmod(0o755)
    (project / "x.bin").write_bytes(b"\0" * 1000)
    tree, clean = snapshot(project)
    (project / "x.bin").write_bytes(b"changed")
    back(tree, clean)
    assert (project / "x.bin").read_bytes() == b"\0" * 1000
    assert not ran.exists()


def test_stash_reflogs_and_branches_stay(project: Path) -> None:
    for number in range(2):
        (project / "a").write_text(f"stashed {number}\n")
        git(project, "stash")
    (project / "a").write_text("mine\n")
    git(project, "config", "core.logAllRefUpdates", "always")

    def told() -> list[str]:
        logs = sorted((project / ".git" / "logs").rglob("*"))
        return [git(project, "stash", "list"), git(project, "branch", "-a"), *(str(path) for path in logs)]

    before = told()
    tree, clean = snapshot(project)
    (project / "a").write_text("theirs\n")
    back(tree, clean)
    assert told() == before


def test_what_only_the_index_holds_survives_a_collection(project: Path) -> None:
    (project / "a").write_text("staged only\n")
    git(project, "add", "a")
    (project / "a").write_text("on disk only\n")
    tree, clean = snapshot(project)
    git(project, "reset", "-q", "--hard")
    git(project, "reflog", "expire", "--expire=now", "--all")
    git(project, "gc", "-q", "--prune=now")
    back(tree, clean)
    assert git(project, "show", ":a") == "staged only\n"
    assert (project / "a").read_text() == "on disk only\n"


def test_branches_and_stashes_that_an_attempt_removes_come_back(project: Path) -> None:
    for number in range(3):
        (project / "a").write_text(f"{number}\n")
        git(project, "stash", "push", "-q", "-m", f"my {number}")
    git(project, "branch", "mine")
    git(project, "commit", "-q", "--allow-empty", "-m", "two")
    git(project, "branch", "kept")

    def told() -> list[str]:
        return [git(project, *words) for words in (("stash", "list", "-p"), ("branch", "-v"))]

    before = told()
    tree, clean = snapshot(project)
    git(project, "stash", "clear")
    git(project, "branch", "-D", "mine")
    git(project, "checkout", "-q", "-b", "theirs")
    git(project, "branch", "-D", "main")
    git(project, "reflog", "expire", "--expire=now", "--all")
    git(project, "gc", "-q", "--prune=now")
    back(tree, clean)
    git(project, "branch", "-D", "theirs")
    assert told() == before
    git(project, "fsck", "--strict")


def diverge(project: Path) -> None:
    """Change one file on two branches, so that they cannot be joined without a conflict."""
    git(project, "checkout", "-qb", "other")
    (project / "a").write_text("other\n")
    git(project, "commit", "-qam", "other")
    git(project, "checkout", "-q", "main")
    (project / "a").write_text("main\n")
    git(project, "commit", "-qam", "main")


def test_a_conflict_in_the_middle_of_a_merge_comes_back(project: Path) -> None:
    diverge(project)
    subprocess.run(["git", *IDENTITY, "merge", "-q", "other"], cwd=project, capture_output=True, check=False)
    before, stages, text = status(project), git(project, "ls-files", "-u"), (project / "a").read_bytes()
    assert "u UU" in before
    tree, clean = snapshot(project)
    git(project, "merge", "--abort")
    back(tree, clean)
    assert (status(project), git(project, "ls-files", "-u"), (project / "a").read_bytes()) == (before, stages, text)
    (project / "a").write_text("both\n")
    git(project, "commit", "-qam", "merged")
    assert len(git(project, "log", "-1", "--format=%P").split()) == 2


def test_a_conflict_that_only_the_index_knows_survives_a_collection(project: Path) -> None:
    (project / "a").write_text("stashed\n")
    git(project, "stash", "push", "-q")
    (project / "a").write_text("mine\n")
    git(project, "commit", "-qam", "mine")
    subprocess.run(["git", *IDENTITY, "stash", "pop", "-q"], cwd=project, capture_output=True, check=False)
    git(project, "stash", "drop", "-q")
    stages = git(project, "ls-files", "-u")
    tree, clean = snapshot(project)
    git(project, "reset", "-q", "--hard")
    git(project, "reflog", "expire", "--expire=now", "--all")
    git(project, "gc", "-q", "--prune=now")
    back(tree, clean)
    assert git(project, "ls-files", "-u") == stages
    assert git(project, "show", ":3:a") == "stashed\n"


def test_the_index_has_its_time_again(project: Path) -> None:
    """Git looks at the content of whatever is not older than the index, and trusts the rest."""
    index = project / ".git" / "index"
    moment = index.stat().st_mtime_ns - 10**12
    os.utime(index, ns=(moment, moment))
    tree, clean = snapshot(project)
    (project / "a").write_text("theirs\n")
    git(project, "add", "a")
    back(tree, clean)
    assert index.stat().st_mtime_ns == moment


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["cherry-pick", "other"], "CHERRY_PICK_HEAD"),
        (["revert", "--no-commit", "HEAD"], "REVERT_HEAD"),
        (["merge", "--squash", "other"], "SQUASH_MSG"),
    ],
)
def test_a_begun_pick_revert_or_squash_comes_back_and_goes(project: Path, command: list[str], name: str) -> None:
    diverge(project)
    subprocess.run(["git", *IDENTITY, *command], cwd=project, capture_output=True, check=False)
    place = project / ".git" / name
    before, said = status(project), place.read_bytes()
    tree, begun = snapshot(project)
    git(project, "reset", "-q", "--hard")
    assert not place.exists()
    back(tree, begun)
    assert (status(project), place.read_bytes()) == (before, said)
    restore(tree, read(tree, f"{REFS}/r/1"), f"{REFS}/r/2", "attempt 1 again")
    assert not place.exists()


@pytest.mark.parametrize(
    "command",
    [
        ["rebase", "-q", "other"],
        ["rebase", "-q", "--apply", "other"],
        ["cherry-pick", "other", "main"],
        ["bisect", "start"],
    ],
)
def test_an_operation_in_progress_is_an_obstacle(project: Path, command: list[str]) -> None:
    diverge(project)
    assert obstacle(Git(str(project))) is None
    subprocess.run(["git", *IDENTITY, *command], cwd=project, capture_output=True, check=False)
    assert "in progress" in (obstacle(Git(str(project))) or "")


@pytest.mark.parametrize(
    "command", [["rebase", "other"], ["cherry-pick", "other"], ["bisect", "start", "HEAD", "HEAD~1"]]
)
def test_what_an_attempt_began_and_did_not_end_is_gone_and_can_be_had_again(project: Path, command: list[str]) -> None:
    diverge(project)
    before = git(project, "status")
    tree, clean = snapshot(project)
    subprocess.run(["git", *IDENTITY, *command], cwd=project, capture_output=True, check=False)
    theirs = git(project, "status")
    assert theirs != before
    back(tree, clean)
    assert git(project, "status") == before
    assert obstacle(tree) is None
    restore(tree, read(tree, f"{REFS}/r/1"), f"{REFS}/r/2", "again")
    assert git(project, "status") == theirs
    subprocess.run(["git", command[0], "--abort" if command[0] != "bisect" else "reset"], cwd=project, check=True)
    assert git(project, "status") == before


def test_rules_that_an_attempt_wrote_neither_hide_its_files_nor_bare_the_users(project: Path) -> None:
    exclude = project / ".git" / "info" / "exclude"
    exclude.write_text("mine.log\n")
    (project / "mine.log").write_text("ignored\n")
    tree, clean = snapshot(project)
    exclude.write_text("theirs.log\n")
    (project / "theirs.log").write_text("theirs\n")
    back(tree, clean)
    assert exclude.read_text() == "mine.log\n"
    assert (project / "mine.log").read_text() == "ignored\n"
    assert not (project / "theirs.log").exists()
    restore(tree, read(tree, f"{REFS}/r/1"), f"{REFS}/r/2", "again")
    assert exclude.read_text() == "theirs.log\n"
    assert (project / "theirs.log").read_text() == "theirs\n"


@pytest.mark.parametrize("name", ["exclude", "attributes", "sparse-checkout"])
def test_a_rule_beside_the_work_tree_comes_back_or_goes(project: Path, name: str) -> None:
    place = project / ".git" / "info" / name
    place.parent.mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    tree, without = snapshot(project)
    place.write_text("*.theirs text\n")
    back(tree, without)
    assert not place.exists()
    place.write_text("*.mine text\n")
    tree, with_it = snapshot(project)
    place.unlink()
    back(tree, with_it)
    assert place.read_text() == "*.mine text\n"


def test_a_snapshot_of_an_empty_tree_is_sound(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    snapshot(tmp_path)
    git(tmp_path, "fsck", "--strict")


def test_a_second_work_tree_has_its_own_state(project: Path, tmp_path: Path) -> None:
    git(project, "worktree", "add", "-q", "-b", "second", str(tmp_path / "second"))
    second = tmp_path / "second"
    (second / "a").write_text("staged\n")
    git(second, "add", "a")
    (project / "a").write_text("of the first\n")
    before, first = status(second), status(project)
    tree, clean = snapshot(second)
    git(second, "reset", "-q", "--hard")
    git(second, "commit", "-q", "--allow-empty", "-m", "theirs")
    back(tree, clean)
    assert (status(second), status(project)) == (before, first)


def test_a_sparse_checkout_stays_sparse(project: Path) -> None:
    git(project, "sparse-checkout", "set", "--cone", "d")
    git(project, "sparse-checkout", "reapply", "--sparse-index")
    (project / "top").mkdir()
    git(project, "sparse-checkout", "set", "--no-cone", "/d/")
    assert not (project / "a").exists()
    before = status(project)
    tree, clean = snapshot(project)
    (project / "a").write_text("theirs\n")
    (project / "d" / "b").write_text("theirs\n")
    back(tree, clean)
    assert not (project / "a").exists()
    assert status(project) == before


def test_a_split_index_and_sha256(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    (tmp_path / "a").write_text("a\n")
    git(tmp_path, "add", "a")
    git(tmp_path, "update-index", "--split-index")
    (tmp_path / "b").write_text("b\n")
    git(tmp_path, "add", "b")
    before = status(tmp_path)
    tree, clean = snapshot(tmp_path)
    git(tmp_path, "rm", "-rq", "--cached", ".")
    (tmp_path / "a").unlink()
    back(tree, clean)
    assert status(tmp_path) == before
    assert git(tmp_path, "show", ":b") == "b\n"


def test_a_submodule_comes_back_and_a_dirty_one_is_an_obstacle(project: Path) -> None:
    git(project, "submodule", "--quiet", "add", str(project), "lib")
    git(project, "commit", "-qm", "lib")
    assert obstacle(Git(str(project))) is None
    before = status(project), status(project / "lib")
    tree, clean = snapshot(project)
    assert git(project, "ls-tree", clean.commit, "lib").startswith("160000 commit ")
    (project / "lib" / "new").write_text("theirs\n")
    git(project / "lib", "commit", "-q", "--allow-empty", "-m", "theirs")
    back(tree, clean)
    assert (status(project), status(project / "lib")) == before
    assert not (project / "lib" / "new").exists()
    shutil.rmtree(project / "lib")
    back(tree, clean)
    assert (status(project), status(project / "lib")) == before
    (project / "lib" / "new").write_text("mine\n")
    assert "submodule `lib`" in (obstacle(Git(str(project))) or "")


def test_a_detached_head_comes_back_and_the_branch_of_the_attempt_stays(project: Path) -> None:
    git(project, "checkout", "-q", "--detach")
    before = status(project)
    tree, clean = snapshot(project)
    git(project, "checkout", "-qb", "theirs")
    git(project, "commit", "-q", "--allow-empty", "-m", "theirs")
    back(tree, clean)
    assert status(project) == before
    assert git(project, "log", "-1", "--format=%s", "theirs") == "theirs\n"


def test_nothing_is_written_through_a_link_that_took_a_folders_place(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b").write_text("not of the project\n")
    tree, clean = snapshot(project)
    (project / "d" / "b").unlink()
    (project / "d").rmdir()
    (project / "d").symlink_to(outside)
    back(tree, clean)
    assert (outside / "b").read_text() == "not of the project\n"
    assert not (project / "d").is_symlink()
    assert (project / "d" / "b").read_text() == "b\n"
    back(tree, read(tree, f"{REFS}/r/1"))
    assert (project / "d").readlink() == outside
    assert (outside / "b").read_text() == "not of the project\n"


def test_what_an_attempt_hid_from_git_is_stored_before_it_goes(project: Path) -> None:
    tree, clean = snapshot(project)
    (project / ".gitignore").write_text("hidden\n")
    hidden = project / "hidden"
    hidden.write_text("theirs\n")
    hidden.chmod(0o600)
    back(tree, clean)
    assert not hidden.exists()
    restore(tree, read(tree, f"{REFS}/r/1"), f"{REFS}/r/2", "attempt 1 again")
    assert (hidden.read_text(), stat.S_IMODE(hidden.stat().st_mode)) == ("theirs\n", 0o600)


def test_ignored_things_in_the_way_get_another_name(project: Path) -> None:
    (project / ".git" / "info" / "exclude").write_text("*.log\n")
    (project / "d" / "b.codex-router-kept").write_text("mine\n")
    tree, clean = snapshot(project)
    (project / "a").unlink()
    (project / "a").mkdir()
    (project / "a" / "x.log").write_text("ignored\n")
    (project / "d" / "b").unlink()
    os.mkfifo(project / "d" / "b")
    done = restore(tree, clean, f"{REFS}/r/1", "x")
    assert (project / "a").read_text() == "a\n"
    assert (project / "d" / "b").read_text() == "b\n"
    assert sorted(done.aside) == ["a.codex-router-kept", "d/b.codex-router-kept-2"]
    assert (project / "d" / "b.codex-router-kept").read_text() == "mine\n"
    assert (project / "a.codex-router-kept" / "x.log").read_text() == "ignored\n"


def test_a_repository_where_a_file_belongs_goes_and_can_be_had_again(project: Path) -> None:
    tree, clean = snapshot(project)
    (project / "a").unlink()
    git(project, "init", "-q", "-b", "theirs", "a")
    (project / "a" / "x").write_text("theirs\n")
    git(project / "a", "add", "x")
    done = restore(tree, clean, f"{REFS}/r/1", "x")
    assert (done.aside, done.repositories) == ((), ())
    assert (project / "a").read_text() == "a\n"
    back(tree, read(tree, f"{REFS}/r/1"))
    assert "## No commits yet on theirs\nA  x\n" in git(project / "a", "status", "--short", "--branch")


def test_a_lock_that_is_held_for_a_moment_is_waited_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring, "LOCK_PATIENCE_S", 600.0)
    tree, clean = snapshot(project)
    (project / "a").write_text("theirs\n")
    (project / ".git" / "index.lock").touch()
    with subprocess.Popen(["sh", "-c", "sleep 1; rm .git/index.lock"], cwd=project):
        back(tree, clean)
    assert (project / "a").read_text() == "a\n"


def test_a_locked_index_changes_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring, "LOCK_PATIENCE_S", 0.0)
    tree, clean = snapshot(project)
    (project / "a").write_text("theirs\n")
    (project / ".git" / "index.lock").touch()
    with pytest.raises(RouterError, match="cannot be locked"):
        back(tree, clean)
    assert (project / "a").read_text() == "theirs\n"
    (project / ".git" / "index.lock").unlink()
    back(tree, clean)
    assert not (project / ".git" / "index.lock").exists()


def test_all_permission_bits_come_back(project: Path) -> None:
    (project / "a").chmod(0o640)
    (project / "d" / "b").chmod(0o755)
    tree, clean = snapshot(project)
    (project / "a").chmod(0o777)
    (project / "d" / "b").unlink()
    back(tree, clean)
    modes = [stat.S_IMODE((project / name).stat().st_mode) for name in ("a", "d/b")]
    assert modes == [0o640, 0o755]


def test_a_restored_file_looks_new_to_make(project: Path) -> None:
    os.utime(project / "a", (1, 1))
    tree, clean = snapshot(project)
    (project / "a").write_text("theirs\n")
    (project / "product").write_text("made of theirs\n")
    back(tree, clean)
    assert (project / "a").stat().st_mtime > 1e9


def test_too_much_untracked_data_is_an_obstacle(project: Path) -> None:
    with (project / "data").open("wb") as stream:
        stream.truncate(limits.MAX_UNTRACKED_BYTES + 1)
    assert "untracked" in (obstacle(Git(str(project))) or "")
    (project / ".gitignore").write_text("data\n")
    assert obstacle(Git(str(project))) is None


@pytest.mark.parametrize("name", ["CODEX_ROUTER_HOME", "CODEX_HOME"])
def test_a_home_in_the_work_tree_must_be_ignored(project: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for place in (project, project / "own", project / "d" / "own"):
        monkeypatch.setenv(name, str(place))
        assert "part of the work tree" in (obstacle(Git(str(project))) or "")
    (project / ".git" / "info" / "exclude").write_text("own/\n")
    assert obstacle(Git(str(project))) is None


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"])
def test_an_environment_that_points_elsewhere_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(project / ".git"))
    with pytest.raises(NoRepositoryError, match=name):
        Git(str(project))


def test_no_repository_a_bare_one_and_no_git(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoRepositoryError, match="not a git repository"):
        Git(str(tmp_path))
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    with pytest.raises(NoRepositoryError, match="no work tree"):
        Git(str(tmp_path / "bare.git"))
    with pytest.raises(NoRepositoryError, match="no work tree"):
        Git(str(project / ".git"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoRepositoryError, match="git cannot be run"):
        Git(str(project))


def test_the_whole_work_tree_counts_from_a_folder_below(project: Path) -> None:
    tree, clean = snapshot(project / "d")
    (project / "a").unlink()
    back(tree, clean)
    assert (project / "a").read_text() == "a\n"


def test_a_snapshot_can_be_read_with_git_itself(project: Path) -> None:
    (project / "a").write_text("mine\n")
    snapshot(project)
    assert "+mine" in git(project, "diff", "HEAD", f"{REFS}/r/0")
    assert git(project, "log", "-1", "--format=%s", f"{REFS}/r/0") == "codex-router: before\n"
