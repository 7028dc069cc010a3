"""The ledger keeps what it was given, also under eight writers, and says so when it cannot."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from powers import without_powers

from codex_router.errors import RouterError
from codex_router.evidence.ledger import FILE, Ledger
from codex_router.evidence.runs import Run
from codex_router.evidence.tables import Provenance, Table
from codex_router.home import router_home
from codex_router.records import EFFORTS, Aggregate, Arm, Attempt, Response, Usage

ATTEMPT = Attempt(
    attempt_id="0199-a",
    task_id="t1",
    category="bugfix",
    arm=Arm("gpt-5.5", "high"),
    harness="codex",
    outcome="unknown",
    cost_usd=0.25,
    turns=12,
    seconds=61.5,
    end="completed",
    date="2026-11-01T10:00:00+00:00",
)
RUN = Run(
    ATTEMPT,
    usage=Usage(1000, 900, 50, 20, 5),
    tier="standard",
    session_id="0199-session",
    codex_version="0.169.0",
    git_commit="f" * 40,
    prompt_hash="a" * 64,
    prompt_chars=123,
    created="2026-11-01T10:02:00+00:00",
)
ROW = Aggregate(
    "board", "2026-06-16", "codex", Arm("gpt-5.5"), "test", 5, 10, 7.5, 0.5, 3.0, 0.9, 2, self_reported=True
)


def run(attempt_id: str) -> Run:
    return RUN._replace(attempt=ATTEMPT._replace(attempt_id=attempt_id), session_id=f"session-{attempt_id}")


def table(sha256: str = "1" * 64, path: str = "/data/t.csv", rows: tuple[Aggregate, ...] = (ROW,)) -> Table:
    said = Provenance("board", "https://example.org", "2026-06-16", "CC0", ("small",), ("none",))
    return Table(Path(path), sha256, "aggregates", said, ("per_suite",), aggregates=rows, rows_read=len(rows))


def test_what_goes_in_comes_out() -> None:
    with Ledger.open() as ledger:
        ledger.record(RUN)
        ledger.ingest(table())
    with Ledger.open() as ledger:
        assert ledger.runs() == [RUN]
        assert ledger.attempts() == [ATTEMPT]
        assert ledger.aggregates() == [ROW]
        (holding,) = ledger.holdings()
        assert (holding.path, holding.provenance, holding.rows) == (Path("/data/t.csv"), table().provenance, 1)
        assert holding.cost_units == ("per_suite",)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
maybe_int = st.none() | st.integers(0, 2**62)
runs = st.builds(
    Run,
    st.builds(
        Attempt,
        texts,
        texts,
        texts,
        st.builds(Arm, texts, st.none() | st.sampled_from(EFFORTS)),
        texts,
        st.sampled_from(["yes", "no", "unknown"]),
        st.none() | st.floats(0, 1e9),
        maybe_int,
        st.none() | st.floats(0, 1e9),
        st.sampled_from(["completed", "budget", "timeout", "abort", "error"]),
        texts,
        st.sampled_from([None, "tests", "user", "heuristic"]),
    ),
    usage=st.none() | st.builds(Usage, *[st.integers(0, 2**62)] * 5),
    source=texts,
    tier=st.none() | texts,
    prompt_chars=maybe_int,
    created=texts,
)


@given(st.lists(runs, max_size=5, unique_by=lambda one: (one.source, one.attempt.attempt_id)))
def test_any_run_comes_out_as_it_went_in(some: list[Run]) -> None:
    with Ledger.open(Path("/nowhere"), create=False) as ledger:
        for one in some:
            ledger.record(one)
        assert ledger.runs() == some


ANSWERS = (
    Response("2026-11-01T10:00:01.500Z", "thread", "gpt-5.5", Usage(1000, 0, 0, 50, 20), 0.015),
    Response("2026-11-01T10:00:09.250Z", None, None, Usage(1500, 1000, 10, 60, 0), None),
)


def test_the_responses_of_a_run_are_kept_when_it_is_recorded_again() -> None:
    with Ledger.open() as ledger:
        ledger.record(run("b"), ANSWERS[:1])
        ledger.record(run("a"), ANSWERS)
        ledger.record(run("a")._replace(tier="bulk"))
        assert ledger.responses("a") == list(ANSWERS)
        ledger.record(run("a"), ANSWERS[1:])
        assert ledger.responses("a") == list(ANSWERS[1:])
        assert ledger.responses("b") == list(ANSWERS[:1])
        assert ledger.responses("nobody") == []


def test_a_ledger_of_the_first_version_is_upgraded_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    with Ledger.open(path) as ledger:
        ledger.record(run("old"))
        ledger.ingest(table())
    with closing(sqlite3.connect(path)) as connection:  # as version 1 was
        connection.execute("DROP TABLE attempt_responses")
        connection.execute("PRAGMA user_version = 1")
    with Ledger.open(path) as ledger:
        assert ledger.runs() == [run("old")]
        assert ledger.aggregates() == [ROW]
        assert ledger.responses("old") == []
        ledger.record(run("new"), ANSWERS)
        assert ledger.responses("new") == list(ANSWERS)


def test_recording_a_run_again_updates_it() -> None:
    with Ledger.open() as ledger:
        ledger.record(run("a"))
        ledger.record(run("b"))
        ledger.record(run("a")._replace(tier="bulk"))
        assert [(one.attempt.attempt_id, one.tier) for one in ledger.runs()] == [("a", "bulk"), ("b", "standard")]


def test_the_same_file_twice_changes_nothing() -> None:
    with Ledger.open() as ledger:
        assert ledger.ingest(table()) == "stored"
        before = ledger.holdings(), ledger.aggregates()
        assert ledger.ingest(table()) == "known"
        assert ledger.ingest(table(path="/elsewhere/copy.csv")) == "known"
        assert (ledger.holdings(), ledger.aggregates()) == before


def test_a_file_that_changed_replaces_what_was_read_before() -> None:
    better = ROW._replace(successes=9)
    with Ledger.open() as ledger:
        ledger.ingest(table())
        assert ledger.ingest(table("2" * 64, rows=(better,))) == "replaced"
        assert ledger.aggregates() == [better]
        assert len(ledger.holdings()) == 1
        assert ledger.aggregates("2" * 64) == [better]
        assert ledger.aggregates("1" * 64) == []


def test_a_growing_job_folder_counts_each_trial_once() -> None:
    job = Table(Path("/job"), "1" * 64, "attempts", Provenance("job"), (), runs=(run("a")._replace(source="job"),))
    more = job._replace(sha256="2" * 64, runs=(*job.runs, run("b")._replace(source="job")))
    with Ledger.open() as ledger:
        ledger.record(run("a"))
        ledger.ingest(job)
        ledger.ingest(more)
        found = [(one.source, one.attempt.attempt_id) for one in ledger.runs()]
        assert found == [("", "a"), ("job", "a"), ("job", "b")]


def test_a_failed_ingest_leaves_nothing_behind() -> None:
    broken = table(rows=(ROW, ROW._replace(n_tasks=None)))  # type: ignore[arg-type]
    with Ledger.open() as ledger:
        with pytest.raises(RouterError, match="NOT NULL"):
            ledger.ingest(broken)
        assert (ledger.holdings(), ledger.aggregates()) == ([], [])
        assert ledger.ingest(table()) == "stored"


def test_the_user_says_whether_a_run_solved_its_task() -> None:
    with Ledger.open() as ledger:
        for name in ("abc-1", "abc-2", "xyz-3"):
            ledger.record(run(name))
        ledger.record(run("other")._replace(source="a table"))
        said = ledger.set_outcome("last", "yes")
        assert (said.attempt.attempt_id, said.attempt.outcome, said.attempt.outcome_source) == ("xyz-3", "yes", "user")
        assert ledger.set_outcome("xyz", "no").attempt.outcome == "no"
        assert ledger.set_outcome("session-abc-1", "yes").attempt.attempt_id == "abc-1"
        with pytest.raises(RouterError, match="beginning of several runs") as caught:
            ledger.set_outcome("abc", "yes")
        assert caught.value.hint == "one of `abc-1`, `abc-2`"
        with pytest.raises(RouterError, match="no run 'nope'") as caught:
            ledger.set_outcome("nope", "yes")
        assert caught.value.hint == "the newest are `xyz-3`, `abc-2`, `abc-1`"
        assert [one.attempt.outcome for one in ledger.runs()] == ["yes", "unknown", "no", "unknown"]


def test_an_exact_id_wins_over_a_beginning() -> None:
    with Ledger.open() as ledger:
        for name in ("a", "ab", "ac"):
            ledger.record(run(name))
        assert ledger.set_outcome("a", "yes").attempt.attempt_id == "a"
        for pattern in ("%", "_", ""):
            with pytest.raises(RouterError):
                ledger.set_outcome(pattern, "no")


def test_there_is_no_last_run_yet() -> None:
    with Ledger.open() as ledger, pytest.raises(RouterError, match="there is no last run") as caught:
        ledger.set_outcome("last", "yes")
    assert caught.value.hint == "no run is recorded yet"


def test_looking_into_a_missing_ledger_creates_nothing() -> None:
    with Ledger.open(create=False) as ledger:
        assert (ledger.runs(), ledger.aggregates(), ledger.holdings()) == ([], [], [])
    assert not router_home().exists()


def test_the_file_is_the_owners_only() -> None:
    with Ledger.open() as ledger:
        assert ledger.path == str(router_home() / FILE)
        assert (router_home() / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be one" * 40, b"SQLite format 3\0" * 99])
def test_a_damaged_ledger_is_not_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "l.sqlite"
    path.write_bytes(content)
    with pytest.raises(RouterError, match="the ledger cannot be used") as caught:
        Ledger.open(path)
    assert "move it away" in (caught.value.hint or "")
    assert caught.value.where == str(path)
    assert path.read_bytes() == content


def test_a_torn_page_is_told(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    with Ledger.open(path) as ledger:
        for number in range(200):
            ledger.record(run(str(number)))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(RouterError, match="the ledger cannot be used") as caught, Ledger.open(path) as ledger:
        ledger.runs()
    assert "move it away" in (caught.value.hint or "")


def test_a_newer_ledger_and_a_foreign_one_are_refused(tmp_path: Path) -> None:
    for name, statement, words in [
        ("newer", "PRAGMA user_version = 99", "version 99"),
        ("foreign", "CREATE TABLE theirs (x)", "no ledger of codex-router"),
    ]:
        connection = sqlite3.connect(tmp_path / name)
        connection.execute(statement)
        connection.commit()
        connection.close()
        with pytest.raises(RouterError, match=words):
            Ledger.open(tmp_path / name)


def test_where_no_file_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "missing" / "l.sqlite", tmp_path / "folder"):
        with pytest.raises(RouterError, match="cannot be opened") as caught:
            Ledger.open(path)
        assert "CODEX_ROUTER_HOME" in (caught.value.hint or "")


def test_a_read_only_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("l.sqlite")
    Ledger.open(path).close()
    path.chmod(0o400)
    with without_powers(), pytest.raises(RouterError, match="cannot be opened: Permission denied"):
        Ledger.open(path)


def test_a_ledger_that_turns_read_only(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l.sqlite") as ledger:
        ledger._connection.execute("PRAGMA query_only = ON")
        with pytest.raises(RouterError, match="readonly database") as caught:
            ledger.record(RUN)
    assert "writable" in (caught.value.hint or "")


WRITER = """
import sys
from contextlib import closing
from pathlib import Path
from test_ledger import run
from codex_router.evidence.ledger import Ledger
for number in range(25):
    with Ledger.open(Path(sys.argv[1])) as ledger:
        ledger.record(run(f"{sys.argv[2]}-{number}"))
"""


def test_eight_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(n)], env=environment, stderr=subprocess.PIPE)
        for n in range(8)
    ]
    failures = [writer.communicate()[1].decode() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 8, failures
    with Ledger.open(path) as ledger:
        assert {one.attempt.attempt_id for one in ledger.runs()} == {f"{w}-{n}" for w in range(8) for n in range(25)}


HEAVY = {"pydantic", "numpy", "tomlkit", "yaml", "rich", "click", "sqlalchemy", "genai_prices"}


def test_importing_the_ledger_is_light() -> None:
    program = f"import sys, codex_router.evidence.ledger; print({HEAVY!r} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout == "set()\n"
