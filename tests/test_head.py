"""The commit that is read from git's files is the one that git names, in every shape of repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from codex_router.codex.head import head_commit


def git(folder: Path, *words: str) -> str:
    argv = ["git", "-c", "user.name=u", "-c", "user.email=u@localhost", *words]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    return folder


def test_on_a_branch_detached_packed_and_in_a_folder_below(project: Path) -> None:
    one = git(project, "rev-parse", "HEAD")
    assert head_commit(project) == one
    git(project, "update-ref", "refs/heads/a/main", git(project, "commit-tree", "-m", "other", "HEAD^{tree}"))
    git(project, "pack-refs", "--all")
    assert head_commit(project) == one
    git(project, "commit", "-q", "--allow-empty", "-m", "two")
    assert head_commit(project) == git(project, "rev-parse", "HEAD") != one
    git(project, "checkout", "-q", "--detach", one)
    (project / "a" / "b").mkdir(parents=True)
    assert head_commit(project / "a" / "b") == one


def test_in_a_second_work_tree(project: Path) -> None:
    git(project, "worktree", "add", "-q", "-b", "other", "../second")
    second = project.parent / "second"
    git(second, "commit", "-q", "--allow-empty", "-m", "two")
    assert head_commit(second) == git(second, "rev-parse", "HEAD") != head_commit(project)
    git(project, "pack-refs", "--all")
    assert head_commit(second) == git(second, "rev-parse", "HEAD")


def test_in_a_submodule(project: Path) -> None:
    git(project, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(project), "lib")
    assert head_commit(project / "lib") == git(project / "lib", "rev-parse", "HEAD")


def test_sha256(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "one")
    assert head_commit(tmp_path) == git(tmp_path, "rev-parse", "HEAD")


def test_none_where_there_is_none(tmp_path: Path) -> None:
    assert head_commit(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert head_commit(tmp_path) is None
    (tmp_path / ".git" / "HEAD").write_bytes(b"\xff\xfe nonsense")
    assert head_commit(tmp_path) is None
    (tmp_path / ".git" / "HEAD").unlink()
    assert head_commit(tmp_path) is None


def test_a_git_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("not a git file\n")
    assert head_commit(tmp_path) is None
