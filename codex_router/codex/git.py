"""git as a store of bytes: plumbing only, no hooks, no filters, nothing that changes content on its way."""

from __future__ import annotations

import os
import stat
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from codex_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO

QUIET = ("GIT_PREFIX", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS")
SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.splitIndex=false",
    "core.protectNTFS=false",
    "core.protectHFS=false",
    "gc.auto=0",
)
IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "codex-router"), ("EMAIL", "codex-router@localhost"))
}
CHUNK = 1 << 20
LINK, REPOSITORY = "120000", "160000"
"""Modes of a symbolic link and of another repository."""


class NoRepositoryError(RouterError):
    """There is no git work tree that can be snapshotted; the text says why."""


class Entry(NamedTuple):
    """A line of an index or a tree."""

    path: bytes
    mode: str
    """``100644``, ``100755``, `LINK` or `REPOSITORY`."""
    oid: str
    stage: int = 0


class Git:
    """The git of one work tree.

    Args:
        folder: anywhere inside it.

    Raises:
        NoRepositoryError: no git, no repository, a bare one, or one that the environment says is elsewhere.
    """

    def __init__(self, folder: str) -> None:
        # Set by hooks and by people who keep a repository apart.
        elsewhere = [
            name
            for name in (
                "GIT_DIR",
                "GIT_WORK_TREE",
                "GIT_INDEX_FILE",
                "GIT_COMMON_DIR",
                "GIT_OBJECT_DIRECTORY",
                "GIT_ALTERNATE_OBJECT_DIRECTORIES",
                "GIT_NAMESPACE",
            )
            if name in os.environ
        ]
        if elsewhere:
            raise NoRepositoryError(f"${elsewhere[0]} is set, so git does not work where the folder says", where=folder)
        self._environment = {name: value for name, value in os.environ.items() if name not in QUIET} | {
            "LC_ALL": "C",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            **IDENTITY,
        }
        self.top = os.fsencode(folder)
        try:
            inside = self.run("rev-parse", "--is-inside-work-tree")
        except RouterError as error:
            raise NoRepositoryError(error.what, where=folder) from None
        if inside.strip() != b"true":
            raise NoRepositoryError("a bare repository, or a folder inside `.git`, has no work tree", where=folder)
        self.top = self.run("rev-parse", "--show-toplevel").removesuffix(b"\n")
        self.git_dir = self.run("rev-parse", "--absolute-git-dir").removesuffix(b"\n")
        self.index = os.path.join(self.git_dir, b"index")

    @property
    def common_dir(self) -> bytes:
        """Return what the work trees of a repository share: its ``.git``."""
        try:
            with open(os.path.join(self.git_dir, b"commondir"), "rb") as stream:
                return os.path.join(self.git_dir, stream.read().removesuffix(b"\n"))
        except FileNotFoundError:
            return self.git_dir

    def lstat(self, path: bytes) -> os.stat_result | None:
        """Return the status of a file or symbolic link of the work tree; None for anything else, also behind a link."""
        parent = os.path.dirname(path)
        while parent:
            try:
                if not stat.S_ISDIR(os.lstat(os.path.join(self.top, parent)).st_mode):
                    return None
            except OSError:
                return None
            parent = os.path.dirname(parent)
        try:
            info = os.lstat(os.path.join(self.top, path))
        except OSError:
            return None
        return info if stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode) else None

    def run(self, *arguments: str | bytes, stdin: bytes = b"", index: bytes | None = None) -> bytes:
        """Run git at the top of the work tree and return its stdout.

        Args:
            arguments: behind the word ``git``.
            stdin: what git reads.
            index: another index file than the work tree's own.

        Raises:
            RouterError: git is missing or failed; holds its last words.
        """
        done = self._start(arguments, stdin, index)
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {done.returncode}"]
            raise RouterError(said[0].removeprefix("fatal: "), where=os.fsdecode(self.top))
        return done.stdout

    def ask(self, *arguments: str) -> str | None:
        """Return the one line that git answers, or None when it fails."""
        done = self._start(arguments, b"", None)
        return done.stdout.decode(errors="surrogateescape").removesuffix("\n") if done.returncode == 0 else None

    def _start(
        self, arguments: tuple[str | bytes, ...], stdin: bytes, index: bytes | None
    ) -> subprocess.CompletedProcess[bytes]:
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        environment = {**self._environment, **({} if index is None else {"GIT_INDEX_FILE": os.fsdecode(index)})}
        try:
            # In a group of its own, Ctrl-C in the terminal does not cut it off in the middle.
            return subprocess.run(
                ["git", *settings, *arguments],
                cwd=self.top,
                env=environment,
                capture_output=True,
                check=False,
                process_group=0,
                input=stdin,
            )
        except OSError as error:
            raise RouterError(f"git cannot be run: {error.strerror}", where=os.fsdecode(self.top)) from None

    def staged(self, index: bytes | None = None) -> list[Entry]:
        """Return what an index holds, all stages."""
        return [_entry(record) for record in _records(self.run("ls-files", "-s", "-z", index=index))]

    def others(self, index: bytes | None = None) -> list[bytes]:
        """Return the untracked paths that are not ignored; another repository's ends with ``/``."""
        return _records(self.run("ls-files", "-o", "--exclude-standard", "-z", index=index))

    def ignored(self) -> list[bytes]:
        """Return the ignored paths, a folder that is ignored whole as one with ``/`` behind it."""
        return _records(self.run("ls-files", "-o", "-i", "--exclude-standard", "--directory", "-z"))

    def tree(self, commit: str) -> list[Entry]:
        """Return all that a commit's tree holds."""
        return [_entry(record) for record in _records(self.run("ls-tree", "-r", "-z", "--full-tree", commit))]

    def write_tree(self, entries: Iterable[Entry], scratch: bytes) -> str:
        """Store a tree, through an index in the folder `scratch`, and return its id."""
        index = os.path.join(scratch, b"index")
        lines = b"".join(b"%s %s\t%s\0" % (one.mode.encode(), one.oid.encode(), one.path) for one in entries)
        self.run("read-tree", "--empty", index=index)
        self.run("update-index", "-z", "--index-info", stdin=lines, index=index)
        tree = self.run("write-tree", "--missing-ok", index=index).decode().strip()
        if not lines:  # git knows the empty tree without having it, and `git fsck` misses it then
            self.run("hash-object", "-w", "-t", "tree", "--stdin")
        return tree

    def write_blob(self, content: bytes) -> str:
        """Store bytes and return their id."""
        return self.run("hash-object", "-w", "--no-filters", "--stdin", stdin=content).decode().strip()

    def write_files(self, paths: list[bytes]) -> list[str]:
        """Store the bytes of files, as they are, and return their ids."""
        if not paths:
            return []
        lines = b"".join(_quoted(path) + b"\n" for path in paths)
        return self.run("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=lines).decode().split()

    def read_blob(self, name: str) -> bytes:
        """Return stored bytes."""
        return self.run("cat-file", "blob", name)

    def read_blobs(self, oids: list[str], scratch: bytes) -> Iterator[Iterator[bytes]]:
        """Yield the content of each blob as an iterator of chunks, which must be used up before the next."""
        asked = os.path.join(scratch, b"wanted")
        with open(asked, "wb") as stream:
            stream.write("".join(f"{oid}\n" for oid in oids).encode())
        with (
            open(asked, "rb") as stdin,
            subprocess.Popen(
                ["git", "cat-file", "--batch"],
                cwd=self.top,
                env=self._environment,
                stdin=stdin,
                stdout=subprocess.PIPE,
                process_group=0,
            ) as process,
        ):
            assert process.stdout is not None  # noqa: S101 - for the type checker
            for oid in oids:
                header = process.stdout.readline().split()
                if len(header) != 3:
                    raise RouterError(f"git has lost the object {oid}", where=os.fsdecode(self.top))
                yield _chunks(process.stdout, int(header[2]))
                process.stdout.read(1)


def _chunks(stream: IO[bytes], size: int) -> Iterator[bytes]:
    while size:
        chunk = stream.read(min(size, CHUNK))
        if not chunk:
            raise RouterError("git ended in the middle of an object")
        size -= len(chunk)
        yield chunk


def _records(output: bytes) -> list[bytes]:
    return output.split(b"\0")[:-1]


def _entry(record: bytes) -> Entry:
    """Read ``mode oid stage<TAB>path`` of ls-files and ``mode type oid<TAB>path`` of ls-tree."""
    head, path = record.split(b"\t", 1)
    mode, second, third = head.decode().split()
    return Entry(path, mode, third) if second in {"blob", "commit"} else Entry(path, mode, second, int(third))


def _quoted(path: bytes) -> bytes:
    """Return a path as git reads it from a line: in C quotes when it begins with a quote or holds a line end."""
    if path[:1] != b'"' and b"\n" not in path and b"\r" not in path:
        return path
    for plain, escaped in ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\n", b"\\n"), (b"\r", b"\\r")):
        path = path.replace(plain, escaped)
    return b'"%s"' % path
