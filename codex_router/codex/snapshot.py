"""The state of a work tree as a commit: files byte for byte, the index as it is, and where HEAD was.

The commit's tree holds the files as they lie on disk (no clean filter, no line-end conversion), so that `git diff` and
`git show` work on it. Its last parent is a second commit with what a tree cannot hold: the index file itself, the
objects that only the index names, permissions, empty folders. Nothing of the user's is touched: not the index, not
HEAD, not the stash, no reflog. Ignored files are no part of it, nor is what lies in repositories inside this one.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from codex_router.codex.git import Entry
from codex_router.errors import RouterError
from codex_router.home import codex_home, router_home

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from codex_router.codex.git import Git

REFS = "refs/codex-router"
MAX_UNTRACKED_BYTES = 1 << 30
"""More than this in untracked files is data, not work: it would be copied into the repository at every attempt."""
IN_PROGRESS = ("rebase-merge", "rebase-apply", "sequencer", "BISECT_LOG")
"""Operations with a state of their own, which a snapshot would not bring back."""
PENDING = ("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "CHERRY_PICK_HEAD", "REVERT_HEAD", "SQUASH_MSG", "AUTO_MERGE")
"""Files of a begun merge, cherry-pick or revert; they belong to the index."""
LINK, REPOSITORY = "120000", "160000"


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
    """Submodules and nested repositories, each with a fingerprint of its state."""
    pending: dict[str, str] = field(default_factory=dict)
    """`PENDING` files that exist, with the ids of their contents."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state that was stored."""

    ref: str
    commit: str
    files: dict[bytes, File]
    state: State


def take(git: Git, ref: str, why: str, also: Iterable[bytes] = ()) -> Snapshot:
    """Store the present state under a ref and return it.

    Args:
        git: of the work tree.
        ref: below `REFS`; what it held before is replaced.
        why: one line, the commit's message.
        also: further paths to store when they exist, ignored or not.

    Raises:
        RouterError: it cannot be stored (unreadable file, full disk, a file that changes meanwhile).
    """
    staged = git.staged()
    links = {one.path for one in staged if one.mode == REPOSITORY}
    others = git.others()
    paths = {one.path for one in staged} | {path for path in others if not path.endswith(b"/")} | set(also)
    nested = links | {path.rstrip(b"/") for path in others if path.endswith(b"/")}
    with tempfile.TemporaryDirectory(prefix="codex-router-") as folder:
        scratch = os.fsencode(folder)
        files = store(git, with_ignore_files(paths - nested), scratch)
        state = _state(git, why, files, nested)
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
    state = State(**{**said, "empty": tuple(said["empty"])})
    files = {
        one.path: File(one.mode, one.oid, _permission(state, one)) for one in git.tree(commit) if one.mode != REPOSITORY
    }
    return Snapshot(ref, commit, files, state)


def index_bytes(git: Git, snapshot: Snapshot) -> bytes | None:
    """Return the index file as it was; None when there was none."""
    if snapshot.state.index_mtime_ns is None:
        return None
    return git.read_blob(f"{_second(git, snapshot.commit)}:index")


def obstacle(git: Git) -> str | None:
    """Say why this state could not be brought back after an attempt; None when it can."""
    for name in IN_PROGRESS:
        if os.path.lexists(os.path.join(git.git_dir, name.encode())):
            return f"`{name}`: a rebase, cherry-pick or bisect is in progress"
    for one in git.staged():
        if one.mode == REPOSITORY and _is_dirty(git, one.path):
            return f"the submodule `{os.fsdecode(one.path)}` has changes of its own"
    for home in (router_home(), codex_home()):
        if _is_part(git, home):
            return f"`{home}` is part of the work tree and not ignored: what is recorded there would be taken back too"
    size = 0
    for path in git.others():
        info = lstat(git, path)
        size += 0 if info is None else info.st_size
    if size > MAX_UNTRACKED_BYTES:
        return f"{size / 1e9:.1f} GB of untracked files (more than {MAX_UNTRACKED_BYTES >> 30} GiB) would be copied"
    return None


def store(git: Git, paths: Iterable[bytes], scratch: bytes) -> dict[bytes, File]:
    """Store the files among `paths` that exist in the work tree, and return them."""
    present = {path: info for path in sorted(paths) if (info := lstat(git, path)) is not None}
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


def lstat(git: Git, path: bytes) -> os.stat_result | None:
    """Return the status of a file or symbolic link of the work tree; None for anything else, also behind a link."""
    parent = os.path.dirname(path)
    while parent:
        try:
            if not stat.S_ISDIR(os.lstat(os.path.join(git.top, parent)).st_mode):
                return None
        except OSError:
            return None
        parent = os.path.dirname(parent)
    try:
        info = os.lstat(os.path.join(git.top, path))
    except OSError:
        return None
    return info if stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode) else None


def with_ignore_files(paths: set[bytes]) -> set[bytes]:
    """Add the ``.gitignore`` of each folder: one that ignores itself would hide what lies beside it."""
    folders = {b""}
    for path in paths:
        while (path := os.path.dirname(path)) and path not in folders:
            folders.add(path)
    return paths | {os.path.join(folder, b".gitignore") for folder in folders}


def empty_folders(git: Git) -> Iterator[bytes]:
    """Yield the folders without anything in them, deepest first; ignored folders and other repositories left out."""
    skipped = {os.path.join(git.top, path.rstrip(b"/")) for path in git.ignored() if path.endswith(b"/")}
    found = []
    for folder, names, files in os.walk(git.top):
        names[:] = [
            name
            for name in names
            if name != b".git"
            and os.path.join(folder, name) not in skipped
            and not os.path.lexists(os.path.join(folder, name, b".git"))
        ]
        if not files and not os.listdir(folder) and folder != git.top:
            found.append(os.path.relpath(folder, git.top))
    yield from reversed(found)


def fingerprint(git: Git, path: bytes) -> str:
    """Return what changes when a repository inside this one does; empty for one that is not there."""
    inner = os.path.join(git.top, path)
    if not os.path.lexists(os.path.join(inner, b".git")):
        return ""
    digest = hashlib.sha256((_asked(git, path, "rev-parse", "HEAD") or "unborn").encode())
    for record in (_asked(git, path, "status", "--porcelain=v1", "-z", "--untracked-files=all") or "").split("\0"):
        digest.update(os.fsencode(record))
        try:
            info = os.lstat(os.path.join(inner, os.fsencode(record[3:])))
        except (OSError, ValueError):
            continue
        digest.update(f"{info.st_size} {info.st_mtime_ns}".encode())
    return digest.hexdigest()


def _is_part(git: Git, folder: Path) -> bool:
    """Tell whether a folder is in the work tree and git does not ignore it."""
    place, top = os.path.realpath(os.fsencode(folder)), os.path.realpath(git.top)
    if place != top and not place.startswith(os.path.join(top, b"")):
        return False
    return place == top or git.ask("check-ignore", "-q", os.fsdecode(place) + "/") is None


def _asked(git: Git, path: bytes, *words: str) -> str | None:
    return git.ask("-C", os.fsdecode(path), *words)


def _is_dirty(git: Git, path: bytes) -> bool:
    if not os.path.lexists(os.path.join(git.top, path, b".git")):
        return False
    return _asked(git, path, "status", "--porcelain=v1") != ""


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


def _state(git: Git, why: str, files: dict[bytes, File], nested: set[bytes]) -> State:
    pending = {}
    for name in PENDING:
        path = os.path.join(git.git_dir, name.encode())
        if os.path.exists(path):
            with open(path, "rb") as stream:
                pending[name] = git.write_blob(stream.read())
    return State(
        why=why,
        branch=git.ask("symbolic-ref", "--quiet", "HEAD"),
        head=git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}"),
        index_mtime_ns=os.stat(git.index).st_mtime_ns if os.path.exists(git.index) else None,
        permissions=_permissions(files),
        empty=tuple(os.fsdecode(path) for path in empty_folders(git)),
        repositories={os.fsdecode(path): fingerprint(git, path) for path in sorted(nested)},
        pending=pending,
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
    entries += [Entry(b"pending/" + name.encode(), "100644", oid) for name, oid in state.pending.items()]
    return _commit_tree(git, git.write_tree(entries, scratch), [], f"{state.why}: index and state")


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
