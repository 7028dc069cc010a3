"""Our own table format: what is taken, in which units, and how every fault is told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from powers import without_powers

from codex_router.errors import RouterError
from codex_router.evidence.own import read_own
from codex_router.evidence.tables import Table, distinct
from codex_router.records import Aggregate, Arm, Usage

HEADER = """\
# source: Our nightly
# url: https://example.org/nightly
# date: 2026-06-16
# licence: ours
# harness: codex
# category: bugfix
# cost_unit: per_attempt
"""


def table(tmp_path: Path, text: str, name: str = "t.csv") -> Table:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_own(path)


def refused(tmp_path: Path, text: str | bytes, name: str = "t.csv") -> RouterError:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RouterError) as caught:
        read_own(path)
    assert (caught.value.where or "").startswith(str(path))
    assert str(caught.value).replace("\n", "").isprintable()
    return caught.value


def where(error: RouterError) -> str:
    return Path(error.where or "").name


def test_a_csv_with_comment_lines(tmp_path: Path) -> None:
    read = table(
        tmp_path,
        HEADER + "model,effort,n_tasks,n_trials,successes,cost_usd,turns_mean,pass_at_k,k\n"
        "GPT-5.5,high,10,40,30,0.25,12.5,0.9,4\n"
        "gpt-5.2-low,,10,,4,,,,\n",
    )
    first, second = read.aggregates
    assert first == Aggregate(
        source="Our nightly",
        date="2026-06-16",
        harness="codex",
        arm=Arm("gpt-5.5", "high"),
        category="bugfix",
        n_tasks=10,
        n_trials=40,
        successes=30,
        cost_usd=0.25,
        turns_mean=12.5,
        pass_at_k=0.9,
        k=4,
    )
    assert second.arm == Arm("gpt-5.2", "low")
    assert (second.n_trials, second.cost_usd, second.pass_rate) == (10, None, 0.4)
    assert read.conversions == ("efforts read from the model name: 1",)
    assert read.provenance.url == "https://example.org/nightly"
    assert (read.kind, read.rows_read, read.rows, read.skipped) == ("aggregates", 2, 2, ())


SAME = [
    ("t.csv", HEADER + "model,n_tasks,pass_rate,cost_usd\ngpt-5.5,8,0.5,0.25\nmine,8,1,2\n"),
    (
        "t.json",
        json.dumps(
            {
                "source": "Our nightly",
                "url": "https://example.org/nightly",
                "date": "2026-06-16",
                "licence": "ours",
                "defaults": {"harness": "codex", "category": "bugfix", "cost_unit": "per_attempt", "n_tasks": 8},
                "rows": [
                    {"model": "gpt-5.5", "pass_rate": 0.5, "cost_usd": 0.25},
                    {"model": "mine", "pass_rate": 1, "cost_usd": 2, "effort": None},
                ],
            }
        ),
    ),
    (
        "t.jsonl",
        (
            '{"schema": 1, "source": "Our nightly", "url": "https://example.org/nightly", "date": "2026-06-16", '
            '"licence": "ours", "harness": "codex", "category": "bugfix", "cost_unit": "per_attempt"}\n'
            '{"model": "gpt-5.5", "n_tasks": 8, "pass_rate": 0.5, "cost_usd": 0.25}\n\n'
            '{"model": "mine", "n_tasks": 8, "pass_rate": 1, "cost_usd": 2}\n'
        ),
    ),
    (
        "t.toml",
        (
            'source = "Our nightly"\nurl = "https://example.org/nightly"\ndate = 2026-06-16\nlicence = "ours"\n'
            'harness = "codex"\ncategory = "bugfix"\ncost_unit = "per_attempt"\nn_tasks = 8\n'
            '[[row]]\nmodel = "gpt-5.5"\npass_rate = 0.5\ncost_usd = 0.25\n'
            '[[row]]\nmodel = "mine"\npass_rate = 1\ncost_usd = 2\n'
        ),
    ),
]


def test_the_four_formats_say_the_same(tmp_path: Path) -> None:
    read = [table(tmp_path, text, name) for name, text in SAME[1:]]
    (tmp_path / "t.toml").unlink()  # it would be the side-car of t.csv
    read.append(table(tmp_path, SAME[0][1], SAME[0][0]))
    for one in read:
        assert one.aggregates == read[0].aggregates
        assert one.provenance == read[0].provenance
        assert one.unknown_models == ("mine",)
    assert [row.cost_usd for row in read[0].aggregates] == [0.25, 2.0]


def test_a_side_car_holds_the_header(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(
        'source = "S"\ndate = "2026-01-01"\ncaveats = ["c"]\n'
        '[defaults]\nharness = "kilo"\ncategory = "test"\nn_tasks = 2\n'
    )
    read = table(tmp_path, "model,pass_rate\ngpt-5.5,0.5\n")
    assert read.provenance.caveats == ("c",)
    assert read.aggregates[0].harness == "kilo"
    (tmp_path / "u.toml").write_text('source = "S"\n')
    with pytest.raises(RouterError, match="`source` differs from the header of the table") as caught:
        table(tmp_path, "# source: T\nmodel,pass_rate\ngpt-5.5,0.5\n", "u.csv")
    assert where(caught.value) == "u.toml"


@pytest.mark.parametrize(
    ("unit", "per_attempt"), [("per_attempt", 8.0), ("per_suite", 8.0 / 20), ("per_solved", 8.0 * 0.75)]
)
def test_every_cost_becomes_the_cost_of_one_attempt(tmp_path: Path, unit: str, per_attempt: float) -> None:
    text = HEADER.replace("per_attempt", unit) + "model,n_tasks,n_trials,successes,cost_usd\ngpt-5.5,20,40,30,8\n"
    read = table(tmp_path, text)
    assert read.aggregates[0].cost_usd == pytest.approx(per_attempt)
    assert read.cost_units == (unit,)
    assert len(read.conversions) == (unit != "per_attempt")


def test_costs_without_a_unit_are_refused_with_the_four_meanings(tmp_path: Path) -> None:
    error = refused(
        tmp_path, HEADER.replace("# cost_unit: per_attempt\n", "") + "model,n_tasks,pass_rate,cost_usd\nm,1,1,2\n"
    )
    assert where(error) == "t.csv:8"
    assert "cost_unit" in error.what
    for meaning in ("per_suite", "per_attempt", "per_solved", "per index task"):
        assert meaning in (error.hint or "")


def test_an_index_is_refused_as_no_coding_task(tmp_path: Path) -> None:
    error = refused(
        tmp_path, HEADER.replace("per_attempt", "per_index_task") + "model,n_tasks,pass_rate,cost_usd\nm,1,1,2\n"
    )
    assert "says nothing about coding" in (error.hint or "")


def test_a_promotion_has_no_price(tmp_path: Path) -> None:
    read = table(tmp_path, HEADER + "model,n_tasks,pass_rate,cost_usd,free\nhy3,5,0.4,0,true\n")
    assert read.aggregates[0].cost_usd is None
    assert read.conversions == ("costs of free promotions taken as unknown: 1",)
    assert "is no price" in refused(tmp_path, HEADER + "model,n_tasks,pass_rate,cost_usd\nhy3,5,0.4,0\n").what


ROW = "model,n_tasks,pass_rate,cost_usd\n"


@pytest.mark.parametrize(
    ("rows", "place", "words"),
    [
        (ROW + "gpt-5.5,5,74.2,1\n", "t.csv:9", "`pass_rate`"),
        (ROW + "gpt-5.5,5,nan,1\n", "t.csv:9", "`pass_rate`"),
        (ROW + "gpt-5.5,5,0.5,inf\n", "t.csv:9", "`cost_usd`"),
        (ROW + "gpt-5.5,5,0.5,-1\n", "t.csv:9", "`cost_usd`"),
        (ROW + "gpt-5.5,5,0.5,1e999\n", "t.csv:9", "`cost_usd`"),
        (ROW + "gpt-5.5,0,0.5,1\n", "t.csv:9", "`n_tasks`"),
        (ROW + "gpt-5.5,5.5,0.5,1\n", "t.csv:9", "`n_tasks`"),
        (ROW + "gpt-5.5,5,,1\n", "t.csv:9", "neither `successes` nor `pass_rate`"),
        (ROW + ",5,0.5,1\n", "t.csv:9", "`model` is missing"),
        (ROW + "\n\ngpt-5.5,5,0.5\n", "t.csv:11", "3 cells"),
        (ROW + '"evil""model",5,0.5,1\n', "t.csv:9", "`model` holds"),
        (ROW + '"evil\nmodel",5,0.5,1\n', "t.csv:9", "line break"),
        (ROW + "evil\x1b[2Jmodel,5,0.5,1\n", "t.csv:9", "control character"),
        (ROW + f"{'m' * 121},5,0.5,1\n", "t.csv:9", "120"),
        (ROW + 'gpt-5.5,5,0.5,"1\n', "t.csv:9", "unexpected end"),
        ("model,model\nm,m\n", "t.csv:8", "occurs twice"),
        ("model,,n_tasks\nm,1,1\n", "t.csv:8", "no name"),
        ("model,n_task,pass_rate\nm,1,1\n", "t.csv:9", "unknown column 'n_task'"),
        (ROW.replace("pass_rate", "successes") + "gpt-5.5,5,6,1\n", "t.csv:9", "more successes"),
        ("model,n_tasks,n_trials,pass_rate\nm,5,4,1\n", "t.csv:9", "smaller than n_tasks"),
        ("model,n_tasks,successes,pass_rate\nm,10,5,0.6\n", "t.csv:9", "pass_rate says 0.6"),
        ("model,n_tasks,pass_rate,k\nm,10,0.6,3\n", "t.csv:9", "belong together"),
        ("model,n_tasks,pass_rate,effort\nm,10,0.6,turbo\n", "t.csv:9", "`effort` should be"),
        ("model,n_tasks,pass_rate,effort\ngpt-5.5-high,10,0.6,low\n", "t.csv:9", "effort high"),
        ("model,n_tasks,pass_rate,date\nm,10,0.6,16.06.2026\n", "t.csv:9", "`date` is no date"),
        ("model,n_tasks,pass_rate,category\nm,10,0.6,Bug Fix\n", "t.csv:9", "`category`"),
        ("model,n_tasks,pass_rate,cost_usd,cost_unit\nm,9,0,4,per_solved\n", "t.csv:9", "nothing was solved"),
        ("model,n_tasks,pass_rate,cost_usd,cost_unit\nm,9,0.5,4,per_task\n", "t.csv:9", "none of per_attempt"),
        ("", "t.csv", "no header line"),
        ("model,n_tasks\n", "t.csv", "no rows"),
    ],
)
def test_one_wrong_cell_refuses_the_file_and_names_its_line(tmp_path: Path, rows: str, place: str, words: str) -> None:
    error = refused(tmp_path, HEADER + rows)
    assert where(error) == place
    assert words in error.what
    assert error.hint


def test_all_faults_are_listed_up_to_a_sensible_number(tmp_path: Path) -> None:
    error = refused(tmp_path, HEADER + ROW + "gpt-5.5,5,2,1\n" * 3 + "gpt-5.5,5,0.5,1\n" + "x,0,0.5,1\n")
    assert error.what.splitlines() == [
        "4 faults",
        "  line 9 and 2 more: `pass_rate` should be less than or equal to 1: '2'",
        "  line 13: `n_tasks` should be greater than or equal to 1: '0'",
    ]
    assert "write 0.742 for 74.2 %" in (error.hint or "")
    many = refused(tmp_path, HEADER + ROW + "".join(f"gpt-5.5,5,{n},1\n" for n in range(2, 52)))
    assert many.what.count("line ") == 20
    assert many.what.endswith("and 30 more")


def test_a_table_that_nobody_owns(tmp_path: Path) -> None:
    text = "model,harness,category,n_tasks,pass_rate\n" + "gpt-5.5,codex,test,5,0.5\n" * 3
    error = refused(tmp_path, text)
    assert error.what.splitlines()[1:] == [
        "  line 2 and 2 more: `source` is missing",
        "  line 2 and 2 more: `date` is missing",
    ]
    assert "# source: ..." in (error.hint or "")


@pytest.mark.parametrize(
    ("content", "name", "place", "words"),
    [
        (b"", "t.csv", "t.csv", "empty"),
        (b" \n\n", "t.csv", "t.csv", "empty"),
        (b"model\nGr\xf6\xdfe\n", "t.csv", "t.csv:2", "not UTF-8: byte 0xf6"),
        (b"model\nm\0\n", "t.csv", "t.csv:2", "NUL"),
        (b"{", "t.json", "t.json:1", "not JSON"),
        (b'{"rows": [\n{"a": NaN}]}', "t.json", "t.json:1", "NaN is not a number"),
        (b'{"rows": [{"a": 1, "a": 2}]}', "t.json", "t.json:1", "'a' occurs twice"),
        (b'{"rows": 1}', "t.json", "t.json", "no object with an array"),
        (b"[" * 100_000, "t.json", "t.json:1", "nested too deeply"),
        (b'{"rows": [\n{"model": "m"},\n3]}', "t.json", "t.json:3", "a row is no object but int"),
        (b'{"model": "m"}\n{"model"}\n', "t.jsonl", "t.jsonl:2", "not JSON"),
        (b'source = "x"\nmodel = \n', "t.toml", "t.toml:2", "not TOML"),
        (b'row = "x"\n', "t.toml", "t.toml", "no array of tables"),
        (b"# sauce: x\nmodel\nm\n", "t.csv", "t.csv", "header: unknown column 'sauce'"),
        (b"# source: x\n# source: y\nmodel\nm\n", "t.csv", "t.csv:2", "given twice"),
        (b"# schema: 2\nmodel\nm\n", "t.csv", "t.csv", "header: `schema`"),
        (b'{"source": "s", "rows": [\n  {"model": "m",\n "n_tasks": 1},\n  {"model": ""}]}', "t.json", "t.json:2", ""),
    ],
)
def test_a_broken_file_gets_one_message(tmp_path: Path, content: bytes, name: str, place: str, words: str) -> None:
    error = refused(tmp_path, content, name)
    assert where(error) == place
    assert words in error.what


def test_the_words_of_a_remark_are_no_header(tmp_path: Path) -> None:
    text = "# Costs: see below\n#\n\n# no colon here\n" + HEADER + ROW + "gpt-5.5,5,0.4,1\n"
    assert refused(tmp_path, text).what == "header: unknown column 'Costs'"
    assert table(tmp_path, text.replace("# Costs: see below", "# costs, see below:")).rows == 1


def test_what_cannot_be_read_at_all(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for name, words in [
        ("missing.csv", "No such file"),
        ("folder.csv", "not a regular file"),
        ("pipe.csv", "not a regular file"),
        ("nul\0.csv", "not a file name"),
    ]:
        with pytest.raises(RouterError, match=words):
            read_own(tmp_path / name)


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("t.csv")
    path.write_text(HEADER)
    path.chmod(0)
    with without_powers(), pytest.raises(RouterError, match="Permission denied"):
        read_own(path)


def test_a_row_given_twice_counts_once(tmp_path: Path) -> None:
    read = table(tmp_path, HEADER + ROW + "gpt-5.5,5,0.4,1\n" + "gpt-5.5,5,0.6,1\n" + "GPT-5.5,5,0.4,1.0\n")
    assert (read.rows_read, read.rows) == (3, 2)
    assert read.skipped == (("line 11", "the same as line 9"),)


def test_the_same_content_has_the_same_hash(tmp_path: Path) -> None:
    one = table(tmp_path, HEADER + ROW + "gpt-5.5,5,0.4,1\n", "a.csv")
    two = table(tmp_path, HEADER + ROW + "gpt-5.5,5,0.4,1\n", "b.csv")
    other = table(tmp_path, HEADER + ROW + "gpt-5.5,5,0.4,2\n", "c.csv")
    assert one.sha256 == two.sha256 != other.sha256
    (tmp_path / "b.toml").write_text('caveats = ["x"]\n')
    assert read_own(tmp_path / "b.csv").sha256 != one.sha256


ATTEMPTS = """\
# source: nightly
attempt_id,task_id,category,model,effort,harness,outcome,cost_usd,turns,seconds,end,date,input_tokens,output_tokens
a1,t1,bugfix,gpt-5.5,high,codex,yes,0.5,12,61.5,completed,2026-06-01T10:00:00Z,1000,50
a2,t1,bugfix,gpt-5.5,high,codex,no,,12,,timeout,2026-06-01,,
"""


def test_a_table_of_attempts(tmp_path: Path) -> None:
    read = table(tmp_path, ATTEMPTS)
    first, second = read.runs
    assert (read.kind, read.rows, first.source) == ("attempts", 2, "nightly")
    assert first.attempt.arm == Arm("gpt-5.5", "high")
    assert (first.attempt.outcome, first.attempt.cost_usd, first.attempt.turns) == ("yes", 0.5, 12)
    assert first.usage == Usage(input_tokens=1000, output_tokens=50)
    assert (second.attempt.end, second.attempt.cost_usd, second.usage) == ("timeout", None, None)


def test_an_attempt_in_a_promotion_has_no_price(tmp_path: Path) -> None:
    heads = "attempt_id,task_id,category,model,harness,outcome,cost_usd,end,date,free\n"
    read = table(tmp_path, f"# source: nightly\n{heads}a1,t1,bugfix,gpt-5.5,codex,yes,0.5,completed,2026-06-01,true\n")
    assert [one.attempt.cost_usd for one in read.runs] == [None]


def test_attempts_are_known_by_their_id(tmp_path: Path) -> None:
    again = ATTEMPTS + ATTEMPTS.splitlines()[2] + "\n"
    assert table(tmp_path, again).skipped == (("line 5", "the same as line 3"),)
    error = refused(tmp_path, again.replace("no,,12", "no,,13") + "a2,t9,bugfix,m,,codex,yes,,,,,2026-01-01,,\n")
    assert where(error) == "t.csv:6"
    assert "also on line 4" in error.what
    assert "`outcome` should be 'yes', 'no' or 'unknown'" in refused(tmp_path, ATTEMPTS.replace("yes", "maybe")).what


def test_100_000_rows_take_seconds(tmp_path: Path) -> None:
    rows = "".join(f"model-{i},{i % 900 + 1},0.5,{i % 7 + 1}\n" for i in range(100_000))
    read = table(tmp_path, HEADER + ROW + rows)
    assert read.rows == 100_000


def test_a_million_rows_are_refused_in_time(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("w") as stream:
        stream.write(HEADER + ROW)
        for _ in range(100):
            stream.write("gpt-5.5,5,0.5,1\n" * 10_000)
    with pytest.raises(RouterError, match="more than 250,000 rows") as caught:
        read_own(path)
    assert where(caught.value) == "t.csv:250009"


RATES = st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n)))


@given(counts=RATES, cost=st.floats(1e-4, 1e4))
def test_the_three_units_agree_on_one_truth(
    tmp_path_factory: pytest.TempPathFactory, counts: tuple[int, int], cost: float
) -> None:
    n, solved = counts
    published = {"per_attempt": cost, "per_suite": cost * n, "per_solved": cost * n / solved}
    folder = tmp_path_factory.mktemp("units")
    text = HEADER.replace("# cost_unit: per_attempt\n", "") + "model,n_tasks,successes,cost_usd,cost_unit\n"
    rows = "".join(f"m-{unit},{n},{solved},{value!r},{unit}\n" for unit, value in published.items())
    for row in table(folder, text + rows).aggregates:
        assert row.cost_usd == pytest.approx(cost, rel=1e-9)


def test_a_measurement_published_again_counts_once(tmp_path: Path) -> None:
    (june,) = table(tmp_path, HEADER + ROW + "gpt-5.5,5,0.4,1\n").aggregates
    august = june._replace(date="2026-08-22", source="the same board, later")
    rerun = june._replace(successes=3)
    assert distinct([june, august, rerun]) == (june, rerun)
