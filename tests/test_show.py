"""What people and programs see: streams, tables, diffs, one JSON document."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest
from plans import BULK, PLAN

from codex_router.records import Arm, Budget, Estimate, Interval, Plan, Tier
from codex_router.show.console import err, out, print_json, show
from codex_router.show.diff import coloured
from codex_router.show.notice import printable, say
from codex_router.show.plan import budget_words, plan_json, plan_table, routes_line
from codex_router.show.table import money, money_interval, percent, table

ESTIMATE = Estimate(
    Arm("gpt-5.5", "high"), "bugfix", "codex", Interval(0.5, 0.25, 0.75), Interval(2.0, 1.0, 4.0), Interval(30, 20, 45),
    n_published=452, n_local=3, n_effective=12.5, guess=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, "?"),
        (0.0, "$0.00"),
        (0.0456, "$0.0456"),
        (0.9994, "$0.999"),
        (1.0, "$1.00"),
        (1234.5, "$1,234.50"),
        (0.50003, "$0.50"),
        (0.0805, "$0.0805"),
        (5.5e-5, "$0.000055"),
        (1e-17, "$0.00"),
    ],
)
def test_money(usd: float | None, text: str) -> None:
    assert money(usd) == text


def test_intervals() -> None:
    assert percent(Interval(0.667, 0.61, 0.718)) == "67% (61-72)"
    assert money_interval(Interval(0.646, 0.412, 1.02)) == "$0.646 ($0.412-$1.02)"


def test_budgets_in_words() -> None:
    assert budget_words(Budget(90, 1.1)) == "90 turns, $1.10"
    assert budget_words(Budget()) == "none"


def test_a_plan_as_a_table_and_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    tier = Tier("precision", 25.0, ESTIMATE.arm, Budget(160, 14.0), estimate=ESTIMATE, rests_on="452 attempts")
    show(out(), plan_table(Plan((tier, BULK), ())))
    lines = capsys.readouterr().out.splitlines()
    precision = next(line for line in lines if line.startswith("precision"))
    assert precision.split("  ")[0] == "precision"
    for cell in ("50% (25-75)", "$2.00 ($1.00-$4.00)", "$4.00", "160 turns, $14.00"):
        assert cell in precision
    assert next(line for line in lines if line.startswith("bulk")).count("?") == 3
    assert routes_line(PLAN) == "precision: review; standard: bugfix; bulk: lint, docs"
    assert routes_line(Plan((BULK,), ())) == "bulk: -"


def test_a_plan_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    tier = Tier("precision", 25.0, ESTIMATE.arm, Budget(160, None), estimate=ESTIMATE)
    print_json(plan_json(Plan((tier, BULK), (("review", "precision"),), ("a note",))))
    document = json.loads(capsys.readouterr().out)
    assert next(iter(document)) == "schema"
    first, second = document["tiers"]
    assert first["p_pass"] == {"mean": 0.5, "ci90": [0.25, 0.75]}
    assert first["cost_per_solved_lower_bound_usd"] == 4.0
    assert (first["max_turns"], first["max_cost_usd"]) == (160, None)
    assert (second["p_pass"], second["guess"]) == (None, None)
    assert (document["routes"], document["notes"]) == ({"review": "precision"}, ["a note"])


def test_json_holds_no_nan() -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        print_json({"a": float("nan")})


def test_text_is_never_taken_for_markup_or_control(capsys: pytest.CaptureFixture[str]) -> None:
    out().print("[bold]x[/bold] :smile:")
    show(out(), table(("a",), [("[red]y",)]))
    err().print("[link=http://evil]z")
    captured = capsys.readouterr()
    assert captured.out.split() == ["[bold]x[/bold]", ":smile:", "a", "[red]y"]
    assert captured.err == "[link=http://evil]z\n"


def test_a_diff_hides_nothing() -> None:
    lines = ["--- f", "+++ f", "@@ -1 +1 @@", "-a\x1b[2K", "+b\u202ec", " \tkept"]
    texts = list(coloured(lines))
    assert [text.plain for text in texts] == ["--- f", "+++ f", "@@ -1 +1 @@", "-a\\x1b[2K", "+b\\x202ec", " \tkept"]
    assert [str(text.style) for text in texts] == ["bold", "bold", "hint", "bad", "ok", ""]


def test_printable() -> None:
    assert printable("a\x1b[31mb\r\n\tc\u202ed é") == "a\\x1b[31mb\\x0d\n\tc\\x202ed é"


def test_say_survives_a_reader_that_has_gone(capfd: pytest.CaptureFixture[str]) -> None:
    say("one line")
    assert capfd.readouterr().err == "one line\n"


COLOURS = "from codex_router.show.console import out, err; out().print('x', style='ok'); err().print('y', style='bad')"


@pytest.mark.parametrize(
    ("environment", "stdout_is_terminal", "coloured_streams"),
    [
        ({}, False, set()),
        ({}, True, {"out"}),
        ({"NO_COLOR": "1"}, True, set()),
        ({"TERM": "dumb"}, True, set()),
        ({"FORCE_COLOR": "1"}, False, {"out", "err"}),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, set()),
    ],
)
def test_colour_is_decided_for_each_stream(
    environment: dict[str, str], stdout_is_terminal: bool, coloured_streams: set[str]
) -> None:
    person, terminal = pty.openpty()
    stdout = terminal if stdout_is_terminal else subprocess.PIPE
    done = subprocess.run(
        [sys.executable, "-c", COLOURS],
        env={**os.environ, "TERM": "xterm", **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=True,
    )
    said = os.read(person, 1000) if stdout_is_terminal else done.stdout
    os.close(person)
    os.close(terminal)
    assert {name for name, text in (("out", said), ("err", done.stderr)) if b"\x1b[3" in text} == coloured_streams
