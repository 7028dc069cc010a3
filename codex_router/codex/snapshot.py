"""The state of a work tree as a commit: files byte for byte, the index as it is, and where HEAD was.

The commit's tree holds the files as they lie on disk (no clean filter, no line-end conversion), so that `git diff` and
`git show` work on it. Its last parent is a second commit with what a tree cannot hold: the index file itself, the
objects that only the index names, permissions, empty folders. Nothing of the user's is touched: not the index, not
HEAD, not the stash, no reflog. Ignored files are no part of it.

A repository inside this one, a submodule or a clone, is stored likewise, in itself; see `inside`.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from codex_router.codex.git import LINK, REPOSITORY, Entry
from codex_router.codex.git_files import read_begun, read_rules
from codex_router.codex.inside import fingerprint, folders, git_text, holds, inner_ref, keep_copy, repository, shared
from codex_router.codex.obstacle import unstorable
from codex_router.codex.side_refs import read_branches, read_stash
from codex_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_router.codex.git import Git

MAX_REPOSITORIES = 50
"""More of them inside are a workspace; storing each at every attempt would take longer than the attempt."""


class File(NamedTuple):
    """A file of the work tree."""

    mode: str
    """As in `Entry`."""
    oid: str
    permissions: int
    """All permission bits; 0 for a symbolic link."""


@dataclass(frozen=True, slots=True)
class State:
    """What a tree cannot hold; paths are text with surrogate escapes."""

    why: str
    branch: str | None
    """What HEAD refers to, as ``refs/heads/main``; None when it is detached."""
    head: str | None
    """The commit; None before the first one."""
    index_mtime_ns: int | None
    """None when there was no index file."""
    permissions: dict[str, int] = field(default_factory=dict)
    """Where they are not 644 or 755."""
    empty: tuple[str, ...] = ()
    """Empty folders."""
    repositories: dict[str, str] = field(default_factory=dict)
    """Repositories inside that are not stored, each with a fingerprint; empty for a submodule that is not there."""
    inside: dict[str, str] = field(default_factory=dict)
    """Repositories inside that are stored, as `inner_ref` says, each with its `git_text`."""
    pending: dict[str, str] = field(default_factory=dict)
    """Files of a begun merge, rebase or the like, see `git_files`, with the ids of their contents."""
    shared: tuple[str, ...] = ()
    """As in `inside.shared`."""
    branches: dict[str, str] = field(default_factory=dict)
    stash: dict[str, str] = field(default_factory=dict)
    """These two as in `side_refs`."""
    rules: dict[str, str | None] = field(default_factory=dict)
    """Files beside the ``.gitignore`` that say what is ignored, likewise; None for one that does not exist."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state that was stored."""

    ref: str
    commit: str
    files: dict[bytes, File]
    state: State

    @property
    def ignore_files_of_empty_folders(self) -> set[bytes]:
        """Return where a ``.gitignore`` was not: a new one that ignores itself is seen nowhere else."""
        return {os.path.join(os.fsencode(path), b".gitignore") for path in self.state.empty}


def take(git: Git, ref: str, why: str, towards: Snapshot | None = None) -> Snapshot:
    """Store the present state under a ref and return it.

    Args:
        git: of the work tree.
        ref: below `REFS`; what it held before is replaced.
        why: one line, the commit's message.
        towards: what will be brought back: its files are stored too when they exist, ignored or not.

    Raises:
        RouterError: it cannot be stored (unreadable file, full disk, a file that changes meanwhile).
    """
    staged = git.staged()
    links = {one.path for one in staged if one.mode == REPOSITORY}
    others = git.others()
    paths = {one.path for one in staged} | {path for path in others if not path.endswith(b"/")}
    nested = links | {path.rstrip(b"/") for path in others if path.endswith(b"/")}
    found = folders(git)
    if towards is not None:
        paths |= {*towards.files, *towards.ignore_files_of_empty_folders}
        found.repositories.extend(map(os.fsencode, towards.state.inside))
    inside, left_alone = _inside(git, ref, why, nested, found.repositories, towards)
    with tempfile.TemporaryDirectory(prefix="codex-router-") as folder:
        scratch = os.fsencode(folder)
        files = store(git, with_ignore_files(paths - nested), scratch)
        state = replace(
            _state(git, why, files),
            empty=tuple(os.fsdecode(path) for path in found.empty),
            inside=inside,
            repositories={os.fsdecode(path): fingerprint(git, path) for path in left_alone},
        )
        kept = [Entry(path, file.mode, file.oid) for path, file in files.items()]
        kept += [one for one in staged if one.mode == REPOSITORY and one.stage == 0]
        beside = _beside(git, state, _staged_part(staged), _index(git, state), scratch)
        return _keep(git, ref, git.write_tree(kept, scratch), beside, files, state)


def amend(git: Git, snapshot: Snapshot, paths: Iterable[bytes]) -> Snapshot:
    """Store further files in a snapshot and return it anew."""
    with tempfile.TemporaryDirectory(prefix="codex-router-") as folder:
        scratch = os.fsencode(folder)
        files = {**snapshot.files, **store(git, paths, scratch)}
        before = git.tree(snapshot.commit)
        kept = [Entry(path, file.mode, file.oid) for path, file in files.items()]
        kept += [one for one in before if one.mode == REPOSITORY]
        inner = [one for one in git.tree(_second(git, snapshot.commit)) if one.path.startswith(b"stage")]
        state = replace(snapshot.state, permissions=_permissions(files))
        beside = _beside(git, state, inner, index_bytes(git, snapshot), scratch)
        return _keep(git, snapshot.ref, git.write_tree(kept, scratch), beside, files, state)


def read(git: Git, ref: str) -> Snapshot:
    """Return the snapshot that a ref holds.

    Raises:
        RouterError: there is none.
    """
    commit = git.ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if commit is None:
        raise RouterError(f"no snapshot {ref}", where=os.fsdecode(git.top))
    said = json.loads(git.read_blob(f"{_second(git, commit)}:state.json"))
    del said["schema"]
    try:
        state = State(**{**said, "empty": tuple(said["empty"]), "shared": tuple(said.get("shared", ()))})
    except TypeError:
        raise RouterError(f"{ref} was written by a newer codex-router", where=os.fsdecode(git.top)) from None
    files = {
        one.path: File(one.mode, one.oid, _permission(state, one)) for one in git.tree(commit) if one.mode != REPOSITORY
    }
    return Snapshot(ref, commit, files, state)


def inner_snapshot(inner: Git, outer: Snapshot, path: bytes) -> Snapshot | None:
    """Return the state of a repository inside that belongs to a snapshot around it; None when it does not hold one."""
    ref = inner_ref(outer.ref, path)
    return read(inner, ref) if os.fsdecode(path) in outer.state.inside and holds(inner, ref) else None


def index_bytes(git: Git, snapshot: Snapshot) -> bytes | None:
    """Return the index file as it was; None when there was none."""
    if snapshot.state.index_mtime_ns is None:
        return None
    return git.read_blob(f"{_second(git, snapshot.commit)}:index")


def store(git: Git, paths: Iterable[bytes], scratch: bytes) -> dict[bytes, File]:
    """Store the files among `paths` that exist in the work tree, and return them."""
    present = {path: info for path in sorted(paths) if (info := git.lstat(path)) is not None}
    sources: list[bytes] = []
    for number, (path, info) in enumerate(present.items()):
        if stat.S_ISLNK(info.st_mode):
            text = os.path.join(scratch, b"link-%d" % number)
            with open(text, "wb") as stream:
                stream.write(os.readlink(os.path.join(git.top, path)))
            sources.append(text)
        else:
            sources.append(path)
    oids = git.write_files(sources)
    return {path: _file(info, oid) for (path, info), oid in zip(present.items(), oids, strict=True)}


def with_ignore_files(paths: set[bytes]) -> set[bytes]:
    """Add the ``.gitignore`` of each folder: one that ignores itself would hide what lies beside it."""
    folders = {b""}
    for path in paths:
        while (path := os.path.dirname(path)) and path not in folders:
            folders.add(path)
    return paths | {os.path.join(folder, b".gitignore") for folder in folders}


def _file(info: os.stat_result, oid: str) -> File:
    if stat.S_ISLNK(info.st_mode):
        return File(LINK, oid, 0)
    return File("100755" if info.st_mode & stat.S_IXUSR else "100644", oid, stat.S_IMODE(info.st_mode))


def _permissions(files: dict[bytes, File]) -> dict[str, int]:
    return {
        os.fsdecode(path): file.permissions
        for path, file in files.items()
        if file.permissions != _usual(file.mode) and file.mode != LINK
    }


def _permission(state: State, one: Entry) -> int:
    return 0 if one.mode == LINK else state.permissions.get(os.fsdecode(one.path), _usual(one.mode))


def _usual(mode: str) -> int:
    return int(mode[-3:], 8)


def _inside(
    git: Git, ref: str, why: str, nested: set[bytes], found: list[bytes], towards: Snapshot | None
) -> tuple[dict[str, str], list[bytes]]:
    """Store the repositories inside; return them as in `State.inside`, and those that are left alone."""
    present = {path: inner for path in sorted({*nested, *found}) if (inner := repository(git, path)) is not None}
    inside: dict[str, str] = {}
    for path, inner in present.items() if len(present) <= MAX_REPOSITORIES else ():
        if unstorable(inner) is None:
            with contextlib.suppress(RouterError, OSError):
                take(inner, inner_ref(ref, path), why, towards and inner_snapshot(inner, towards, path))
                keep_copy(git, path, inner)
                inside[os.fsdecode(path)] = git_text(git, path)
    return inside, [path for path in sorted({*nested, *present}) if os.fsdecode(path) not in inside]


def _state(git: Git, why: str, files: dict[bytes, File]) -> State:
    return State(
        why=why,
        branch=git.ask("symbolic-ref", "--quiet", "HEAD"),
        head=git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}"),
        index_mtime_ns=os.stat(git.index).st_mtime_ns if os.path.exists(git.index) else None,
        permissions=_permissions(files),
        shared=tuple(shared(git)),
        branches=read_branches(git),
        stash=read_stash(git),
        pending={name: git.write_blob(content) for name, content in read_begun(git).items()},
        rules={name: None if content is None else git.write_blob(content) for name, content in read_rules(git).items()},
    )


def _index(git: Git, state: State) -> bytes | None:
    if state.index_mtime_ns is None:
        return None
    with open(git.index, "rb") as stream:
        return stream.read()


def _staged_part(staged: list[Entry]) -> list[Entry]:
    """Return tree entries that keep what only the index names from being collected, by stage."""
    return [Entry(b"stage%d/%s" % (one.stage, one.path), one.mode, one.oid) for one in staged]


def _beside(git: Git, state: State, inner: list[Entry], index: bytes | None, scratch: bytes) -> str:
    """Store what a tree of files cannot hold and return its commit."""
    said: dict[str, Any] = {"schema": 1, **asdict(state)}
    blobs = {b"state.json": json.dumps(said).encode(), **({} if index is None else {b"index": index})}
    entries = [*inner, *(Entry(name, "100644", git.write_blob(content)) for name, content in blobs.items())]
    for name, oid in {**state.pending, **state.rules}.items():
        if oid is not None:
            entries.append(Entry(b"pending/" + os.fsencode(name), "100644", oid))
    parents = [*dict.fromkeys((*state.branches.values(), *state.stash))]
    return _commit_tree(git, git.write_tree(entries, scratch), parents, f"{state.why}: index and state")


def _keep(git: Git, ref: str, tree: str, beside: str, files: dict[bytes, File], state: State) -> Snapshot:
    commit = _commit_tree(git, tree, [*([state.head] if state.head else []), beside], state.why)
    git.run("-c", "core.logAllRefUpdates=false", "update-ref", ref, commit)
    return Snapshot(ref, commit, files, state)


def _commit_tree(git: Git, tree: str, parents: list[str], message: str) -> str:
    words = [word for parent in parents for word in ("-p", parent)]
    return git.run("commit-tree", tree, *words, stdin=f"codex-router: {message}\n".encode()).decode().strip()


def _second(git: Git, commit: str) -> str:
    """Return the commit beside a snapshot's own: its last parent."""
    parents = (git.ask("rev-parse", f"{commit}^@") or "").split()
    if not parents:
        raise RouterError(f"{commit} is no snapshot of codex-router", where=os.fsdecode(git.top))
    return parents[-1]
