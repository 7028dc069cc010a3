"""``codex-router classify``: one prompt a line in, one JSON object a line out."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_router.evidence.corrections import write_learnt


def classify(given: str | bytes, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    data = given.encode() if isinstance(given, str) else given
    argv = [sys.executable, "-m", "codex_router", "classify", *words]
    return subprocess.run(argv, input=data, capture_output=True, check=False, cwd=cwd)


def answers(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_one_object_per_line() -> None:
    first, second, empty = answers(classify("review this diff for OWASP problems\nfix the crash on save\n\n"))
    assert list(first) == ["category", "probabilities", "tier", "abstained", "because"]
    assert (first["category"], first["tier"], first["abstained"]) == ("review", "precision", False)
    assert (second["category"], second["tier"]) == ("bugfix", "standard")
    assert (empty["tier"], empty["abstained"]) == ("standard", True)
    assert sum(first["probabilities"].values()) == pytest.approx(1)


def test_objects_hand_their_id_through_and_may_hold_line_breaks() -> None:
    given = json.dumps({"id": 7, "prompt": "update the README\nand the changelog"})
    (found,) = answers(classify(f"{given}\n\n", "--jsonl"))
    assert (found["id"], found["category"], found["tier"]) == (7, "docs", "bulk")


@pytest.mark.parametrize("line", ["[]", "{}", '{"prompt": 3}', "no json", '{"prompt": "a"'])
def test_a_line_that_is_no_such_object_is_named(line: str) -> None:
    done = classify('{"prompt": "fix it"}\n' + line + "\n", "--jsonl")
    assert done.returncode == 2
    assert b"<stdin>:2" in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_bytes_that_are_no_text_are_judged_all_the_same() -> None:
    assert len(answers(classify(b"fix \xff\xfe\x00 it\r\n"))) == 1


def test_a_repository_may_map_patterns_to_categories(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".codex-router.toml").write_text('[categories]\n"^bump " = "ops"\n')
    (found,) = answers(classify("bump the crash handler\n", cwd=tmp_path / "deep" / "er"))
    assert (found["category"], found["tier"]) == ("ops", "bulk")
    assert found["because"] == [f"pattern '^bump ' in {tmp_path / '.codex-router.toml'}"]


def test_a_repository_does_not_inherit_from_the_folder_above_it(tmp_path: Path) -> None:
    (tmp_path / ".codex-router.toml").write_text('[categories]\n"^bump " = "ops"\n')
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (found,) = answers(classify("bump the crash handler\n", cwd=tmp_path / "repo"))
    assert "pattern" not in found["because"][0]


def test_a_bad_repository_file_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / ".codex-router.toml").write_text('[categories]\n"(" = "ops"\n')
    done = classify("bump\n", cwd=tmp_path)
    assert done.returncode == 2
    assert b".codex-router.toml" in done.stderr


def test_what_was_learnt_counts() -> None:
    from codex_router.decide.prompt_features import features
    from codex_router.decide.weights import hashed

    prompt = "sync the price feed with the warehouse"
    write_learnt({hashed(name): {"ops": 9.0} for name in features(prompt)})
    (found,) = answers(classify(f"{prompt}\n"))
    assert found["category"] == "ops"


def test_it_answers_before_the_next_prompt_comes() -> None:
    argv = [sys.executable, "-m", "codex_router", "classify"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin
        assert running.stdout
        for prompt in (b"fix the crash\n", b"explain the cache\n"):
            running.stdin.write(prompt)
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["category"] in {"bugfix", "explain"}
        running.stdin.close()


def test_memory_does_not_grow_with_a_hundred_thousand_prompts(tmp_path: Path) -> None:
    """All of them different, so that whatever is kept of a prompt, or looked up once, would show."""
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("".join(f"fix item{number}\n" for number in range(100_000)))
    argv = [sys.executable, "-m", "codex_router", "classify"]
    resident = []
    with prompts.open("rb") as feed, subprocess.Popen(argv, stdin=feed, stdout=subprocess.PIPE) as running:
        assert running.stdout
        for number, _ in enumerate(running.stdout, start=1):
            if number in {10_000, 99_000}:  # what is left does not fit into the pipe, so it still runs
                resident.append(int(Path(f"/proc/{running.pid}/statm").read_text().split()[1]) * resource.getpagesize())
    assert (running.returncode, number) == (0, 100_000)
    assert 0 < resident[1] < resident[0] + 2 * 2**20
