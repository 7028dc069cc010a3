"""Whatever the state of a work tree, and whatever happens to it: a snapshot brings it back, and loses nothing."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from codex_router.codex.git import Git
from codex_router.codex.restore import restore
from codex_router.codex.snapshot import read, take

NAMES = (
    "a",
    "b",
    "d/a",
    "d/b",
    "d/e/a",
    "d",
    "ign",
    "ign/x",
    "d/ign",
    "x y",
    "ü",
    'q"',
    "new\nline",
    "cr\r",
    "nested/n",
)
CONTENTS = ("one\n", "two\n", "crlf\r\n", "", "\0binary", "long\n" * 50)
IGNORES = ("ign\n", "", "*\n", "b\nx*\n")
IDENTITY = ("-c", "user.name=u", "-c", "user.email=u@localhost", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> bytes:
    done = subprocess.run(["git", *IDENTITY, *words], cwd=folder, capture_output=True, check=False)
    return done.stdout


def must(folder: Path, *words: str) -> bytes:
    return subprocess.run(["git", *IDENTITY, *words], cwd=folder, capture_output=True, check=True).stdout


class Seen(NamedTuple):
    """All that a user can tell of a work tree."""

    index_file: bytes | None
    status: bytes
    staged: bytes
    head: bytes
    files: dict[bytes, tuple[int, bytes]]
    empty: set[bytes]
    inside: dict[bytes, Seen]


def seen(folder: Path) -> Seen:
    place = folder / ".git" / "index"
    index = place.read_bytes() if place.exists() else None
    listed = git(folder, "ls-files", "-c", "-o", "--exclude-standard", "-z").split(b"\0")[:-1]
    return Seen(
        index,
        git(folder, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z"),
        git(folder, "ls-files", "-s", "-v", "-z"),
        git(folder, "rev-parse", "--symbolic-full-name", "HEAD"),
        contents(folder, listed),
        {os.fsencode(path.relative_to(folder)) for path in folder.rglob("*") if is_empty(path, folder)},
        {os.fsencode(path.relative_to(folder)): seen(path) for path in repositories(folder)},
    )


def stashed(folder: Path) -> list[bytes]:
    return git(folder, "stash", "list", "--format=%H %gs").splitlines()


def repositories(folder: Path) -> list[Path]:
    """Return the repositories in a work tree that are not ignored, without those in these."""
    found = sorted(place.parent for place in folder.rglob(".git") if (place / "HEAD").exists())
    outer = [place for place in found if not any(other in place.parents for other in found if other != folder)]
    return [place for place in outer if place != folder and not is_ignored(place, folder)]


def is_empty(path: Path, folder: Path) -> bool:
    """Tell whether it is a folder with nothing in it that is not ignored, nor in another repository."""
    if ".git" in path.relative_to(folder).parts or path.is_symlink() or not path.is_dir() or any(path.iterdir()):
        return False
    if any((parent / ".git").exists() for parent in path.parents if folder in parent.parents):
        return False
    return not is_ignored(path, folder)


def is_ignored(path: Path, folder: Path) -> bool:
    argv = ["git", "check-ignore", "-q", f"{path}/"]
    return subprocess.run(argv, cwd=folder, stderr=subprocess.DEVNULL, check=False).returncode == 0


def contents(folder: Path, listed: list[bytes]) -> dict[bytes, tuple[int, bytes]]:
    found = {}
    for path in listed:
        place = folder / os.fsdecode(path)
        if any(parent.is_symlink() for parent in place.parents):
            continue
        if place.is_symlink():
            found[path] = (0, os.fsencode(place.readlink()))
        elif place.is_file():
            found[path] = (stat.S_IMODE(place.lstat().st_mode), place.read_bytes())
    return found


def ignored(folder: Path) -> dict[bytes, tuple[int, bytes]]:
    return contents(folder, git(folder, "ls-files", "-o", "-i", "--exclude-standard", "-z").split(b"\0")[:-1])


# What people and agents do to a work tree; whatever is impossible at the time simply fails.


def do(folder: Path, action: tuple[str, ...]) -> None:
    verb, first, *more = action
    if verb == "git":
        git(folder, first, *more)
    elif verb != "in":
        change(folder / first, verb, *more)
    elif (folder / first / ".git").is_dir():
        do(folder / first, tuple(more))


def change(place: Path, verb: str, *arguments: str) -> None:
    try:
        if verb == "write":
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(arguments[0].encode())
        elif verb == "mode":
            place.chmod(int(arguments[0], 8))
        elif verb == "link":
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(arguments[0])
        elif verb == "folder":
            place.mkdir(parents=True, exist_ok=True)
        elif verb == "repository":
            place.mkdir(parents=True, exist_ok=True)
            must(place, "init", "-q", "-b", "main")
            (place / "inner").write_text("inner\n")
        elif place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()
    except OSError:
        pass


names = st.sampled_from(NAMES)
actions = st.one_of(
    st.tuples(st.just("write"), names, st.sampled_from(CONTENTS)),
    st.tuples(st.just("write"), names, st.sampled_from(CONTENTS)),
    st.tuples(st.just("write"), st.sampled_from((".gitignore", "d/.gitignore")), st.sampled_from(IGNORES)),
    st.tuples(st.just("mode"), names, st.sampled_from(("755", "644", "600", "444"))),
    st.tuples(st.just("link"), names, st.sampled_from(("a", "d", "nowhere", "..", "/"))),
    st.tuples(st.just("remove"), names),
    st.tuples(st.just("remove"), st.sampled_from((".gitignore", "d/.gitignore", "d/e", "nested", "empty"))),
    st.tuples(st.just("folder"), st.sampled_from(("d", "empty", "d/empty/deep", "a"))),
    st.tuples(st.just("git"), st.just("add"), st.just("-f"), names),
    st.tuples(st.just("git"), st.just("add"), st.just("-A")),
    st.tuples(st.just("git"), st.just("add"), st.just("-N"), names),
    st.tuples(st.just("git"), st.just("rm"), st.just("-q"), st.just("--cached"), st.just("-r"), names),
    st.tuples(st.just("git"), st.just("mv"), names, names),
    st.tuples(st.just("git"), st.just("commit"), st.just("-qm"), st.just("work")),
    st.tuples(st.just("git"), st.just("checkout"), st.just("-qb"), st.sampled_from(("x", "y"))),
    st.tuples(st.just("git"), st.just("checkout"), st.just("-q"), st.just("--detach")),
    st.tuples(st.just("git"), st.just("update-index"), st.just("--assume-unchanged"), names),
    st.tuples(st.just("git"), st.just("stash"), st.sampled_from(("push", "pop", "drop", "clear"))),
    st.tuples(st.just("git"), st.just("reset"), st.just("-q"), st.just("--hard")),
)
places = st.sampled_from(("nested", "d", "d/repo", "nested/d/deep"))
in_repositories = st.one_of(
    st.tuples(st.just("repository"), places),
    st.tuples(st.just("remove"), places),
    st.tuples(st.just("remove"), places.map(lambda place: f"{place}/.git")),
    *[st.tuples(places, actions).map(lambda both: ("in", both[0], *both[1]))] * 4,
)
things = st.one_of(actions, in_repositories)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(things, max_size=14), st.lists(things, max_size=14))
@example([("write", "a", "one\n"), ("git", "add", "a"), ("write", "a", "two\n")], [("git", "add", "a")])
@example([("write", "d/b", "one\n"), ("git", "add", "-A")], [("remove", "d"), ("link", "d", "..")])
@example([("write", "d/a", "one\n")], [("write", "d/.gitignore", "*\n")])
@example([], [("write", ".gitignore", "b\nx*\n"), ("write", "b", "one\n")])
@example([], [("write", "d/.gitignore", "b\nx*\n"), ("write", "d/b", "one\n")])
@example([("write", "b", "one\n")], [("write", ".gitignore", "b\nx*\n"), ("write", "b", "two\n")])
@example([("repository", "nested")], [("remove", "nested/.git"), ("repository", "nested")])
@example([("repository", "nested"), ("in", "nested", "git", "add", "-A")], [("remove", "nested")])
@example([("write", "d/a", "one\n")], [("repository", "d"), ("in", "d", "write", "b", "one\n")])
@example([("repository", "nested"), ("repository", "nested/d/deep")], [("remove", "nested/.git")])
@example([("repository", "d/repo")], [("repository", "d")])
@example([("folder", "d")], [("write", "d/.gitignore", "*\n")])
@example([("folder", "empty")], [("remove", "empty")])
@example([("write", "a", "one\n"), ("git", "add", "a")], [("git", "commit", "-qm", "work")])
def test_any_state_comes_back_after_anything(before: list[tuple[str, ...]], after: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "project")
        folder.mkdir()
        must(folder, "init", "-q", "-b", "main")
        (folder / ".git" / "info" / "exclude").write_text("")
        for action in before:
            do(folder, action)
        own, stash = seen(folder), stashed(folder)
        tree = Git(str(folder))
        clean = take(tree, "refs/codex-router/r/0", "before")
        assert seen(folder) == own, "a snapshot changes nothing"
        assert read(tree, "refs/codex-router/r/0") == clean, "another process can restore it as well"
        for action in after:
            do(folder, action)
        changed, hidden = seen(folder), ignored(folder)

        done = restore(tree, clean, "refs/codex-router/r/1", "attempt 1")

        assert not done.repositories
        assert without_aside(seen(folder), done.aside) == own
        assert set(stash) <= set(stashed(folder))
        still_ignored = ignored(folder)
        assert {path: hidden[path] for path in hidden if path in still_ignored} == {
            path: still_ignored[path] for path in hidden if path in still_ignored
        }
        stored = read(tree, "refs/codex-router/r/1")
        now = contents(folder, list(hidden))
        lost = [path for path in hidden if now.get(path) != hidden[path] and path not in stored.files]
        assert not lost, "what was removed or written over had been stored"
        restore(tree, stored, "refs/codex-router/r/2", "again")
        again = seen(folder)
        assert not missing(changed, again), "what the attempt left can be had again"


def missing(one: Seen, other: Seen) -> dict[bytes, object]:
    """Return the files of one state that another does not have, with those of repositories inside."""
    found: dict[bytes, object] = {path: file for path, file in one.files.items() if other.files.get(path) != file}
    for path, inner in one.inside.items():
        there = other.inside.get(path)
        lost = missing(inner, there) or inner.head != there.head if there else True
        if lost:
            found[path] = lost
    return found


PROGRAM = """
import os, sys
from codex_router.codex.git import Git
from codex_router.codex.restore import restore
from codex_router.codex.snapshot import read
at, seen = int(sys.argv[2]), 0
def count(event, about):
    global seen
    if event in {"os.rename", "os.remove"} and os.fsencode(about[0]).startswith(os.fsencode(sys.argv[1])):
        seen += 1
        if seen == at:
            os.kill(os.getpid(), int(sys.argv[3]))
tree = Git(sys.argv[1])
clean = read(tree, "refs/codex-router/r/0")
sys.addaudithook(count)
restore(tree, clean, "refs/codex-router/r/1", "attempt 1")
"""
"""It sends itself a signal when it is about to put a file in place, or to remove one, for so many times."""


def many_files(folder: Path, text: str) -> None:
    for number in range(200):
        place = folder / f"d{number % 20}" / f"{text}{number % 40}" / str(number)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        (folder / f"both{number}").write_text(text)


def restoring(folder: Path, at: int, number: signal.Signals) -> int:
    """Restore, with a signal in the middle, and return the exit status."""
    argv = [sys.executable, "-c", PROGRAM, str(folder), str(at), str(int(number))]
    return subprocess.run(argv, stderr=subprocess.DEVNULL, check=False).returncode


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """Return a repository with a snapshot and many changes since."""
    must(tmp_path, "init", "-q", "-b", "main")
    many_files(tmp_path, "mine")
    must(tmp_path, "add", "-A")
    take(Git(str(tmp_path)), "refs/codex-router/r/0", "before")
    shutil.rmtree(tmp_path / "d3")
    many_files(tmp_path, "theirs")
    return tmp_path


@pytest.mark.parametrize("at", [1, 300])
def test_a_signal_waits_until_the_tree_is_whole(changed: Path, at: int) -> None:
    assert restoring(changed, at, signal.SIGINT) == -signal.SIGINT
    files = {path: content for path, (_, content) in seen(changed).files.items()}
    assert len(files) == 400
    assert set(files.values()) == {b"mine"}
    assert not (changed / ".git" / "index.lock").exists()


@pytest.mark.parametrize("at", [1, 100, 300])
def test_a_restore_that_was_killed_can_be_done_again(changed: Path, at: int) -> None:
    theirs = seen(changed)
    assert restoring(changed, at, signal.SIGKILL) == -signal.SIGKILL
    (changed / ".git" / "index.lock").unlink()
    tree = Git(str(changed))
    restore(tree, read(tree, "refs/codex-router/r/0"), "refs/codex-router/r/2", "again")
    files = {path: content for path, (_, content) in seen(changed).files.items()}
    assert len(files) == 400
    assert set(files.values()) == {b"mine"}
    stored = read(tree, "refs/codex-router/r/1")
    assert set(stored.files) == set(theirs.files), "what the attempt left was stored before anything changed"


def without_aside(state: Seen, aside: tuple[str, ...]) -> Seen:
    if not aside:
        return state
    raise AssertionError(f"{aside} in the way")
