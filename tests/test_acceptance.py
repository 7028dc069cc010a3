"""The user's checks as processes: what they may take, read and say."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codex_router.codex import acceptance
from codex_router.codex.acceptance import check


def test_all_checks_run_and_both_their_streams_are_kept(tmp_path: Path) -> None:
    commands = ["echo out; echo err >&2; exit 3", "kill -9 $$", "true"]
    done = check(commands, str(tmp_path), None, tmp_path, "before")
    assert [(one.status, one.passed) for one in done] == [(3, False), (128 + signal.SIGKILL, False), (0, True)]
    assert [one.output.name for one in done] == [f"before-check-{number}.txt" for number in (1, 2, 3)]
    assert done[0].output.read_text() == "out\nerr\n"
    assert done[0].last_lines() == ["out", "err"]


def test_what_could_steer_a_terminal_is_not_shown(tmp_path: Path) -> None:
    (done,) = check(["printf 'a \\033[31mred\\033]0;title\\007 word\\n'"], str(tmp_path), None, tmp_path, "x")
    assert done.last_lines() == ["a red]0;title word"]


@pytest.mark.parametrize(("seconds", "status"), [(None, None), (0.1, None), (0.0, 0), (60.0, 0)])
def test_no_time_limit_is_the_usual_one_and_zero_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float | None, status: int | None
) -> None:
    monkeypatch.setattr(acceptance, "DEFAULT_SECONDS", 0.1)
    (done,) = check(["sleep 0.5"], str(tmp_path), seconds, tmp_path, "x")
    assert done.status == status


def test_a_check_does_not_read_what_is_for_codex(tmp_path: Path) -> None:
    code = "import sys; from codex_router.codex.acceptance import *; check(['cat'], '.', None, Path(sys.argv[1]), 'x')"
    code = f"from pathlib import Path; {code}"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], input=b"the prompt\n", check=True)
    assert (tmp_path / "x-check-1.txt").read_bytes() == b""
