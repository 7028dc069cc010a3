"""A change as a value, and its diff."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quick import new_folder

from codex_router.codex.changes import ChangeSet, FileChange, digest, read_bytes, read_text
from codex_router.errors import RouterError


def diff(before: bytes | None, after: bytes | None, path: Path = Path("f")) -> list[str]:
    return list(FileChange(path, before, after).diff())


def test_the_diff_of_a_change() -> None:
    assert diff(b"a\nb\n", b"a\nc\n") == ["--- f", "+++ f", "@@ -1,2 +1,2 @@", " a", "-b", "+c"]
    assert diff(None, b"a\n") == ["--- /dev/null", "+++ f", "@@ -0,0 +1 @@", "+a"]
    assert diff(b"a\n", None) == ["--- f", "+++ /dev/null", "@@ -1 +0,0 @@", "-a"]
    assert diff(b"a", b"a") == []


def test_line_ends_and_undecodable_bytes_are_visible() -> None:
    assert diff(b"a\r\n", b"a\n")[3:] == ["-a\u240d", "+a"]
    assert diff(b"", b"\xff\n")[3:] == ["+\\xff"]
    assert diff(b"a", b"a\n")[3:] == ["-a", "\\ No newline at end of file", "+a"]


LINES = st.lists(st.sampled_from([b"a", b"b", b"", b"c d", b"# x"]), max_size=8)


@given(before=LINES, after=LINES)
def test_the_diff_is_one_that_patch_applies(before: list[bytes], after: list[bytes]) -> None:
    """Independent of difflib: the text of the diff itself leads from the old lines to the new ones."""
    old, new = (b"".join(line + b"\n" for line in lines) for lines in (before, after))
    body = [line for line in diff(old, new)[2:] if not line.startswith("@@")]
    kept = [line[1:].encode() for line in body if line[0] in " -"]
    made = [line[1:].encode() for line in body if line[0] in " +"]
    assert all(line in before for line in kept)
    assert len(made) - len(kept) == (len(after) - len(before) if old != new else 0)
    assert not [line for line in made if line not in after]


def test_git_takes_the_diff() -> None:
    with new_folder() as folder:
        path = folder / "f"
        before, after = b"one\ntwo\nthree\n", b"one\n2\nthree\nfour"
        path.write_bytes(before)
        text = "\n".join(diff(before, after, path)) + "\n"
        (folder / "p").write_text(text)
        done = subprocess.run(["git", "apply", "--unsafe-paths", "-p0", str(folder / "p")], cwd="/", check=False)
        assert done.returncode == 0
        assert path.read_bytes() == after


def test_only_what_differs_is_needed() -> None:
    same, other = FileChange(Path("a"), b"x", b"x"), FileChange(Path("b"), None, b"")
    assert ChangeSet("init", (same, other)).needed == (other,)
    assert other.differs


def test_no_file_a_folder_and_a_file(tmp_path: Path) -> None:
    assert read_bytes(tmp_path / "none") is None
    assert read_text(tmp_path / "none") == ""
    with pytest.raises(RouterError, match="cannot be read: Is a directory") as caught:
        read_bytes(tmp_path)
    assert caught.value.where == str(tmp_path)
    with pytest.raises(RouterError, match="cannot be read: Not a directory"):
        read_bytes(Path("/dev/null/x"))


def test_what_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"one\r\ntwo\xe9\n")
    with pytest.raises(RouterError, match="not UTF-8 \\(byte 0xe9\\)") as caught:
        read_text(tmp_path / "f")
    assert caught.value.where == f"{tmp_path}/f:2"


def test_text_comes_with_its_line_ends(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes("é\r\n\n".encode())
    assert read_text(tmp_path / "f") == "é\r\n\n"


def test_digest_is_sha_256() -> None:
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest(None) is None
