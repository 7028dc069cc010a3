"""`usage`: sums that add up, by whatever they are asked for, and waste of a known amount."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from call import call
from powers import without_powers
from session_corpus import START, ZERO, Thread, plain, truth

from codex_router.commands.advice import Advice, advice_json, advice_lines, compare
from codex_router.commands.sessions import classifier, refresh
from codex_router.commands.watch import Watch, words
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.pricing import Pricing
from codex_router.evidence.store import Store
from codex_router.home import router_home
from codex_router.records import Arm, Budget, Estimate, Interval, Plan, Tier


def router(*argv: str) -> str:
    """Run a command that succeeds and return what it prints."""
    done = call(*argv)
    assert done.status == 0, done.err
    return done.out


def usage(*argv: str) -> dict[str, object]:
    document: dict[str, object] = json.loads(router("usage", "--since", "all", "--no-advice", "--json", *argv))
    return document


@pytest.fixture
def codex_home(own_home: Path) -> Path:
    home = own_home / ".codex"
    home.mkdir(exist_ok=True)
    return home


def save(home: Path, *threads: Thread) -> None:
    for thread in threads:
        thread.save(home)


def test_ingest_says_what_it_read(codex_home: Path) -> None:
    thread = plain("new")
    path = thread.save(codex_home)
    with path.open("ab") as stream:
        stream.write(b"nonsense\n")
    text = router("ingest", "--sessions")
    assert "1 session file, 1 of them new or changed: 8 model responses" in text
    assert "1 line skipped: not understood" in text
    assert "0 of them new or changed" in router("ingest", "--sessions")
    said = json.loads(router("ingest", "--sessions", "--json"))["sessions"][0]
    assert (said["files"], said["files_read"], said["responses"]) == (1, 0, 0)


def test_what_another_machine_has_read_of_a_shared_home_is_read_here_too(codex_home: Path) -> None:
    plain("new").save(codex_home)
    with Store.open() as store:
        store.machine = "another"
        refresh(codex_home, store)
    files_read = [json.loads(router("ingest", "--sessions", "--json"))["sessions"][0]["files_read"] for _ in range(2)]
    assert files_read == [1, 0]


def test_a_fork_is_a_session_of_its_own(codex_home: Path) -> None:
    parent = plain("new")
    fork = parent.child(50)
    fork.meta(session_id=parent.id, forked_from_id=parent.id)
    fork.task("fix it the other way", 2)
    save(codex_home, parent, fork)
    rows = usage("--by", "session")["rows"]
    assert {row["session"] for row in rows} == {parent.id, fork.id}  # type: ignore[attr-defined]


@pytest.mark.parametrize("by", ["day", "week", "month", "project", "branch", "category", "model", "effort", "tier"])
def test_the_rows_add_up_to_the_total(codex_home: Path, by: str) -> None:
    kinds = (
        ("old", "gpt-5.5", "low", "Fix the crash when the list is empty: it raises an IndexError"),
        ("middle", "gpt-5.4", "medium", "Update the README with installation instructions"),
        ("new", "gpt-5.4-mini", "high", "fix the lint errors in the parser"),
    )
    for seed, (shape, model, effort, prompt) in enumerate(kinds):
        thread = plain(shape, seed, tasks=0)
        thread.lines.clear()
        thread.wait(seed * 40 * 86_400)
        thread.cwd, thread.model, thread.effort = f"/home/{shape}", model, effort
        thread.meta(git={"branch": shape})
        for _ in range(2):
            thread.task(prompt, 4)
        save(codex_home, thread)
    said = usage("--by", by)
    rows, total = said["rows"], said["total"]
    assert isinstance(rows, list)
    assert isinstance(total, dict)
    for name in ("tasks", "responses", "input_tokens", "output_tokens"):
        assert sum(row[name] for row in rows) == total[name]
    assert sum(row["cost_usd"] for row in rows) == pytest.approx(total["cost_usd"])
    assert (len(rows), total["tasks"], total["responses"]) == (1 if by == "tier" else 3, 6, 24)


def test_what_was_paid_for_adds_up(codex_home: Path) -> None:
    save(codex_home, plain("new"))
    said = usage()
    shares, total = said["shares"], said["total"]
    assert isinstance(shares, list)
    assert isinstance(total, dict)
    assert sum(one["cost_usd"] for one in shares) == pytest.approx(total["cost_usd"])
    assert sum(one["share"] for one in shares) == pytest.approx(1)


def test_reasoning_is_told_from_the_rest_of_the_output(codex_home: Path) -> None:
    """At 5 USD per million tokens of input and 30 of output."""
    thread = plain("new", tasks=0)
    thread.begin("fix it")
    thread.answer((1000, 0, 0, 2000, 500))
    save(codex_home, thread)
    amounts = {one["name"]: one["cost_usd"] for one in usage()["shares"]}  # type: ignore[attr-defined]
    assert amounts["other new input"] == pytest.approx(0.005)
    assert amounts["reasoning"] == pytest.approx(0.015)
    assert amounts["final output"] == pytest.approx(0.045)


def test_the_dearest_come_first_and_days_in_their_order(codex_home: Path) -> None:
    threads = [plain("new", seed, tasks=0) for seed in range(3)]
    for thread, count in zip(threads, (20_000, 30_000, 10_000), strict=True):
        thread.begin("fix it")
        thread.answer((count, 0, 0, 0, 0))
        thread.wait(86_400)
        thread.task("go on", 1)
    save(codex_home, *threads)
    cost = [row["cost_usd"] for row in usage("--by", "session")["rows"]]  # type: ignore[attr-defined]
    assert cost == sorted(cost, reverse=True)
    assert [row["day"] for row in usage()["rows"]] == ["2026-11-02", "2026-11-03"]  # type: ignore[attr-defined]


def test_a_task_stands_where_its_first_response_is(codex_home: Path) -> None:
    """Also when the thread's total begins anew in the middle: what comes then is smaller, not earlier."""
    thread = plain("old", tasks=0)
    thread.begin("fix it")
    thread.answer((20_000, 0, 0, 100, 0))
    thread.total, thread.model = ZERO, "gpt-5.4"
    thread.put_context()
    thread.answers.clear()
    thread.answer((1000, 0, 0, 100, 0))
    save(codex_home, thread)
    rows = usage("--by", "model")["rows"]
    assert {row["model"]: row["tasks"] for row in rows} == {"gpt-5.5": 1, "gpt-5.4": 0}  # type: ignore[attr-defined]


def test_a_week_that_holds_new_year(codex_home: Path) -> None:
    thread = plain("new")
    thread.wait(59 * 86400)
    thread.task("fix it on the last day", 2)
    thread.wait(86400)
    thread.task("fix it on the first day", 2)
    save(codex_home, thread)
    rows = usage("--by", "week")["rows"]
    assert isinstance(rows, list)
    assert [row["week"] for row in rows] == ["2026-W45", "2026-W53"]


def test_an_effort_that_nobody_named_is_the_default_of_its_model(codex_home: Path) -> None:
    """Codex writes no effort when it takes the model's own; a model that nobody knows has none that could be said."""
    thread = plain("new", tasks=0)
    for model in ("gpt-5.4-mini", "gpt-5.5", "gpt-5.5:medium", "gpt-6.1-sol", "my-own-llama"):
        thread.model, _, effort = model.partition(":")
        thread.effort = effort or None  # type: ignore[assignment]
        thread.task("fix it", 2)
    save(codex_home, thread)
    rows = {row["effort"]: row["responses"] for row in usage("--by", "effort")["rows"]}  # type: ignore[attr-defined]
    assert rows == {"medium": 2, "medium (default)": 4, "low (default)": 2, "": 2}
    both = usage("--by", "effort,model")["rows"]
    assert {(row["effort"], row["model"]) for row in both} == {  # type: ignore[attr-defined]
        ("medium", "gpt-5.5"),
        ("medium (default)", "gpt-5.5"),
        ("medium (default)", "gpt-5.4-mini"),
        ("low (default)", "gpt-6.1-sol"),
        ("", "my-own-llama"),
    }
    for value, count in rows.items():
        assert usage("--only", f"effort={value}")["total"]["responses"] == count  # type: ignore[index]
    words = router("usage", "--since", "all", "--no-advice", "--by", "effort")
    assert "medium (default)" in words
    assert "default " in words.replace("(default)", "")


def test_only_some_and_only_some_days(codex_home: Path) -> None:
    thread = plain("new", tasks=1, responses=3)
    thread.model = "gpt-5.4"
    thread.wait(86400 * 2)
    thread.task("review the changes", 2)
    save(codex_home, thread)
    assert usage("--only", "model=gpt-5.4")["total"]["responses"] == 2  # type: ignore[index]
    assert usage("--until", "2026-11-02")["total"]["responses"] == 3  # type: ignore[index]
    text = router("usage", "--json", "--no-advice", "--since", "2026-11-04")
    assert json.loads(text)["total"]["responses"] == 2


def test_an_unknown_price_is_never_nothing(codex_home: Path) -> None:
    thread = plain("new", tasks=0)
    thread.model = "my-own-llama"
    thread.task("fix it", 2)
    save(codex_home, thread)
    total = usage()["total"]
    assert isinstance(total, dict)
    assert (total["cost_usd"], total["price_known"], total["unpriced"]) == (None, False, 2)
    text = router("usage", "--since", "all", "--no-advice")
    assert "unknown" in text
    assert "2 of 2 responses have no known price" in text
    thread.model = "gpt-5.5"
    thread.task("fix it", 2)
    save(codex_home, thread)
    *_, cost, per_task, _ = usage_line("all").split()
    assert cost.endswith("+")
    assert per_task.endswith("+")  # it is more, too


def usage_line(head: str) -> str:
    """Return the line of the table that begins so."""
    lines = router("usage", "--since", "all", "--no-advice").splitlines()
    return next(line for line in lines if line.startswith(head))


def test_a_price_of_ones_own(codex_home: Path, own_home: Path) -> None:
    config = own_home / ".config" / "codex-router"
    config.mkdir(parents=True)
    (config / "prices.toml").write_text(
        '[[price]]\nmodel = "my-own-llama"\ninput_usd_per_mtok = 1\ncached_input_usd_per_mtok = 0.5\n'
        "output_usd_per_mtok = 2\n"
    )
    thread = plain("new", tasks=0)
    thread.model = "my-own-llama"
    thread.begin("fix it")
    thread.answer((1_000_000, 200_000, 0, 100_000, 0))
    save(codex_home, thread)
    assert usage()["total"]["cost_usd"] == pytest.approx(0.8 + 0.1 + 0.2)  # type: ignore[index]


def test_a_price_of_ones_own_holds_for_its_provider_and_from_its_day(codex_home: Path, own_home: Path) -> None:
    config = own_home / ".config" / "codex-router"
    config.mkdir(parents=True)
    prices = (("", 1), ('since = "2026-11-03"', 2), ('since = "2026-11-09"', 8), ('provider = "groq"', 4))
    (config / "prices.toml").write_text(
        "".join(
            f'[[price]]\nmodel = "my-own-llama"\n{more}\ninput_usd_per_mtok = {usd}\noutput_usd_per_mtok = 0\n'
            for more, usd in prices
        )
    )
    for seed, provider in enumerate(("openrouter", "groq")):
        thread = plain("new", seed, tasks=0)
        thread.lines.clear()
        thread.meta(model_provider=provider)
        thread.model = "my-own-llama"
        for _ in range(2):
            thread.begin("fix it")
            thread.answer((1_000_000, 0, 0, 0, 0))
            thread.wait(86_400)
        save(codex_home, thread)
    rows = usage("--by", "day")["rows"]
    assert [row["cost_usd"] for row in rows] == [1 + 4, 2 + 4]  # type: ignore[attr-defined]


def test_a_model_on_ones_own_machine_has_no_list_price(codex_home: Path) -> None:
    thread = plain("new", tasks=0)
    thread.lines.clear()
    thread.meta(model_provider="ollama")
    thread.task("fix it", 2)
    save(codex_home, thread)
    assert usage()["total"]["unpriced"] == 2  # type: ignore[index]


def test_a_price_that_is_known_later(codex_home: Path, own_home: Path) -> None:
    thread = plain("new", tasks=1)
    thread.model = "my-own-llama"
    thread.begin("fix it")
    thread.answer((1_000_000, 200_000, 0, 100_000, 0))
    save(codex_home, thread)
    before = usage()["total"]
    config = own_home / ".config" / "codex-router"
    config.mkdir(parents=True)
    (config / "prices.toml").write_text(
        '[[price]]\nmodel = "my-own-llama"\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 2\n'
    )
    assert usage()["total"] == before  # a response keeps its price until one asks
    text = router("ingest", "--reprice")
    assert "5 model responses priced anew, 1 of them at another price" in text
    assert "1 had no known price before" in text
    after = usage()["total"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert after["cost_usd"] == pytest.approx(before["cost_usd"] + 1.0 + 0.2)
    assert (before["unpriced"], after["unpriced"]) == (1, 0)
    (config / "prices.toml").unlink()
    assert json.loads(router("ingest", "--reprice", "--json"))["repriced"]["now_unknown"] == 1
    assert usage()["total"] == before


@pytest.mark.parametrize("text", ["price = 3", "[[price]]\nmodel = 1", "[[price]]\nmodel='a'\nx=1", "not toml"])
def test_a_wrong_price_is_refused(codex_home: Path, own_home: Path, text: str) -> None:
    config = own_home / ".config" / "codex-router"
    config.mkdir(parents=True)
    (config / "prices.toml").write_text(text)
    save(codex_home, plain("new"))
    done = call("ingest", "--sessions")
    assert (done.status, "prices" in done.err) == (2, True)


def test_a_plan_is_kept_apart(codex_home: Path) -> None:
    thread = plain("new", tasks=1)
    save(codex_home, thread)
    metered = usage()["total"]["cost_usd"]  # type: ignore[index]
    for used in (30.0, 42.0, 7.0):
        thread.wait(86_400)
        thread.limits = {"primary": {"used_percent": used, "window_minutes": 300}, "plan_type": "pro"}
        thread.task("on the plan", 2)
    save(codex_home, thread)
    total = usage()["total"]
    assert isinstance(total, dict)
    assert total["metered_usd"] == pytest.approx(metered)
    assert total["plan_usd"] == pytest.approx(total["cost_usd"] - metered) != 0
    assert total["window_5h_peak"] == 42.0
    assert "42 % of a 5-hour window" in router("usage", "--since", "all", "--no-advice")
    assert usage_line("all").split()[-1] == f"${total['plan_usd']:.3g}"


def switch_the_model(thread: Thread) -> None:
    thread.answer((40_000, 0, 0, 10, 0))
    thread.answer((40_100, 40_000, 0, 10, 0))
    thread.model = "gpt-5.4"
    thread.put_context()
    thread.answer((41_000, 0, 0, 10, 0))


def test_waste_is_named_with_its_dollars(codex_home: Path) -> None:
    """A switch of the model in mid-session: 40,000 tokens at the full instead of the cached price of gpt-5.4."""
    thread = plain("new", tasks=0)
    thread.begin("fix it")
    switch_the_model(thread)
    save(codex_home, thread)
    waste = usage()["waste"]
    assert isinstance(waste, list)
    found = {row["name"]: row for row in waste}
    assert found["cache-model"]["count"] == 1
    assert found["cache-model"]["lost_usd"] == pytest.approx(40_100 * (2.5 - 0.25) / 1e6)
    assert waste == sorted(waste, key=lambda row: -row["lost_usd"])
    assert all(row["advice"] and row["lost_usd"] > 0 for row in waste)
    assert usage("--since", "2026-11-03")["waste"] == usage("--until", "2026-11-01")["waste"] == []


def lost(codex_home: Path, thread: Thread, *argv: str) -> dict[str, object]:
    """Return what was lost in one session: USD, how often, whether it is a guess."""
    save(codex_home, thread)
    rows = usage(*argv)["waste"]
    assert isinstance(rows, list)
    return {row["name"]: (row["lost_usd"], row["count"], row["guess"]) for row in rows}


def test_the_context_of_another_kind_of_task_is_waste(codex_home: Path) -> None:
    """At first 10,000 tokens; the README begins with 40,000, three quarters of them from the bug. The next one fits."""
    thread = plain("new", tasks=0)
    for prompt, context, cached in (
        ("Fix the crash when the list is empty: it raises an IndexError", 10_000, 0),
        ("Update the README with installation instructions", 40_000, 10_000),
        ("Update the README with a section about upgrading", 40_000, 40_000),
    ):
        thread.begin(prompt)
        thread.answer((context, cached, 0, 0, 0))
        thread.put("event_msg", {"type": "task_complete", "turn_id": thread.turn})
    found = lost(codex_home, thread)
    assert found == {"stale-session": (pytest.approx(10_000 * 0.5 / 1e6 * 0.75), 1, True)}


def test_tasks_without_a_result_are_waste(codex_home: Path) -> None:
    thread = plain("new", tasks=0)
    thread.begin("fix it")
    thread.answer((10_000, 0, 0, 0, 0))
    thread.put("event_msg", {"type": "turn_aborted", "turn_id": thread.turn, "reason": "interrupted"})
    thread.begin("fix it")
    thread.answer((20_000, 10_000, 0, 0, 0))
    error = {"message": "", "codex_error_info": "session_budget_exceeded"}
    thread.put("event_msg", {"type": "task_complete", "turn_id": thread.turn, "error": error})
    thread.task("fix it", 1)
    found = lost(codex_home, thread)
    assert found["no-result"] == (pytest.approx((10_000 * 5 + 10_000 * 5 + 10_000 * 0.5) / 1e6), 2, True)
    assert "no-result" not in lost(codex_home, thread, "--since", "2026-11-03")
    assert "no-result" not in lost(codex_home, thread, "--until", "2026-11-01")


def test_compactions_long_output_of_tools_and_much_reasoning_are_waste(codex_home: Path) -> None:
    thread = plain("new", tasks=0)
    thread.begin("fix it")
    thread.answer((1000, 0, 0, 20_000, 20_000))
    thread.put("response_item", {"type": "function_call_output", "call_id": "1", "output": "x" * 320_000})
    printed = len(thread.lines[-1])
    thread.answer((101_000, 1000, 0, 0, 0))
    thread.answer((102_000, 101_000, 0, 0, 0))
    thread.put("compacted", {"message": "in short"})
    thread.answer((1000, 0, 0, 0, 0))
    thread.put("event_msg", {"type": "task_complete", "turn_id": thread.turn})
    found = lost(codex_home, thread)
    assert list(found) == ["tool-output", "reasoning", "compaction"], "the dearest first"
    assert found == {
        "tool-output": (pytest.approx(0.5 * printed / 4 * 5 / 1e6), 4, True),
        "reasoning": (pytest.approx(0.3 * 20_000 * 30 / 1e6), 4, True),
        "compaction": (pytest.approx((101_000 * 0.5 + 1000 * 5) / 1e6), 1, False),
    }


def test_waste_of_one_session_and_of_one_project(codex_home: Path) -> None:
    """The same question about fewer turns: the amounts of the parts add up to those of all."""
    threads = [plain("new", seed, tasks=0) for seed in range(2)]
    for thread, project in zip(threads, ("/a", "/b"), strict=True):
        thread.cwd = project
        thread.lines.clear()
        thread.meta()
        thread.begin("fix it")
        switch_the_model(thread)
        thread.put("event_msg", {"type": "turn_aborted", "turn_id": thread.turn, "reason": "interrupted"})
    save(codex_home, *threads)
    whole = waste()
    assert set(whole) == {"cache-model", "no-result"}
    for name, amount in whole.items():
        parts = [waste("--only", f"project={one}")[name] for one in ("/a", "/b")]
        assert parts == [waste("--only", f"session={thread.id}")[name] for thread in threads]
        assert sum(parts) == pytest.approx(amount)
    assert waste("--only", "project=/c") == {}
    begun = [waste("--only", f"session={thread.id[:-2]}") for thread in threads]
    assert begun == [waste("--only", f"session={thread.id}") for thread in threads], "the beginning of an id will do"
    assert waste("--only", "session=%") == {}
    said = call("usage", "--since", "all", "--no-advice", "--only", "project=/c", "--only", "branch=main").err
    assert said.startswith("nothing with project=/c and branch=main\n")
    assert "`codex-router usage --by project,branch` says what there is" in said


def waste(*argv: str) -> dict[str, float]:
    return {row["name"]: row["lost_usd"] for row in usage(*argv)["waste"]}  # type: ignore[attr-defined]


def test_turns_after_the_last_change(codex_home: Path) -> None:
    thread = plain("new", tasks=0)
    thread.begin("fix it")
    thread.answer((10_000, 0, 0, 0, 0))
    item = {"type": "function_call", "name": "exec_command", "arguments": "apply_patch <<EOF", "call_id": "1"}
    thread.put("response_item", item)
    for _ in range(5):
        thread.answer((10_000, 10_000, 0, 0, 0))
    save(codex_home, thread)
    waste = usage()["waste"]
    assert isinstance(waste, list)
    (late,) = [row for row in waste if row["name"] == "after-change"]
    assert late["lost_usd"] == pytest.approx(2 * 10_000 * 0.5 / 1e6)  # two of five: the rest may look at the result
    assert late["guess"] is True
    assert f"about ${late['lost_usd']:.3g}" in router("usage", "--since", "all", "--no-advice")


def test_csv_is_safe_to_open_in_a_spreadsheet(codex_home: Path) -> None:
    thread = plain("new", tasks=0)
    thread.cwd = "=HYPERLINK(1)"
    thread.meta()
    thread.lines.pop(0)
    thread.task("fix it", 2)
    save(codex_home, thread)
    text = router("usage", "--since", "all", "--by", "project", "--csv")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["project"] == "'=HYPERLINK(1)"
    assert int(row["responses"]) == 2


@pytest.mark.parametrize(
    ("cwd", "cell"),
    [
        (" @SUM(1)", "'"),
        ("\uff1d1+1", "'"),
        ("-2+3", "'"),
        ("+1", "'"),
        ("\x1b[31mred", "\\"),
        ("\u202e=1", "\\"),
        ("/home/user", "/"),
        ("", ""),
    ],
)
def test_csv_holds_no_formula_and_no_control_character(codex_home: Path, cwd: str, cell: str) -> None:
    thread = plain("new", tasks=0)
    thread.cwd = cwd
    thread.lines.clear()
    thread.meta()
    thread.task("fix it", 2)
    save(codex_home, thread)
    (row,) = csv.DictReader(io.StringIO(router("usage", "--since", "all", "--by", "project", "--csv")))
    assert row["project"][:1] == cell
    assert row["project"].isprintable()


def test_a_name_without_end_is_cut_for_people_only(codex_home: Path) -> None:
    thread = plain("new", tasks=0)
    thread.cwd = f"/home/{'a' * 5000}/shop"
    thread.lines.clear()
    thread.meta()
    thread.task("fix it", 2)
    save(codex_home, thread)
    said = router("usage", "--since", "all", "--by", "project", "--no-advice")
    assert len(said) < 3000
    assert "a/shop" in said
    assert usage("--by", "project")["rows"][0]["project"] == thread.cwd  # type: ignore[index]


def test_control_characters_do_not_reach_the_terminal(codex_home: Path) -> None:
    thread = plain("new", tasks=0)
    thread.cwd = "/tmp/\x1b[31mred\r\n"
    thread.lines.clear()
    thread.meta()
    thread.task("fix it", 2)
    save(codex_home, thread)
    assert "\x1b" not in router("usage", "--since", "all", "--by", "project", "--no-advice")


@pytest.mark.parametrize("which", ["its own session goes on", "another session is read"])
def test_a_run_recorded_after_its_session_was_read_has_its_tier_with_the_next_reading(
    codex_home: Path, which: str
) -> None:
    from test_ledger import RUN

    thread, other = plain("new"), plain("new", 2)
    save(codex_home, thread)
    assert usage("--by", "tier")["rows"][0]["tier"] == ""  # type: ignore[index]
    with Ledger.open() as ledger:
        ledger.record(RUN._replace(session_id=thread.id, tier="bulk"))
    if which == "another session is read":
        save(codex_home, other)
    else:
        thread.task("once more", 1)
        save(codex_home, thread)
    rows = usage("--by", "tier")["rows"]
    assert isinstance(rows, list)
    tasks = {row["tier"]: row["tasks"] for row in rows}
    assert tasks == ({"bulk": 2, "": 2} if which == "another session is read" else {"bulk": 3})


INTERRUPTED = """
import os, signal, sys
from codex_router.__main__ import main
from codex_router.evidence import store, store_inserts
seen, last = 0, int(sys.argv[1])
def count(*_):
    global seen
    seen += 1
    if seen == last:
        os.kill(os.getpid(), int(sys.argv[2]))
import sqlalchemy
sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", count)
sqlalchemy.event.listen(sqlalchemy.Engine, "commit", count)
import codex_router.commands.sessions as sessions
sessions.BATCH = 100
sys.exit(main(["ingest", "--sessions"]))
"""


def test_outcomes_of_runs_are_counted(codex_home: Path) -> None:
    from test_ledger import run

    save(codex_home, plain("new"))
    assert usage()["outcomes"] == {"solved": 0, "not_solved": 0}
    with Ledger.open() as ledger:
        ledger.record(run("a"))
        ledger.set_outcome("a", "yes")
    assert "of 1 run with a known outcome, 1 solved its task\n" in router("usage", "--since", "all", "--no-advice")
    with Ledger.open() as ledger:
        for name, outcome in (("b", "no"), ("c", "yes"), ("d", None)):
            ledger.record(run(name))
            if outcome:
                ledger.set_outcome(name, outcome)  # type: ignore[arg-type]
        other = run("theirs")
        ledger.record(other._replace(source="board", attempt=other.attempt._replace(outcome="yes")))
    assert usage()["outcomes"] == {"solved": 2, "not_solved": 1}
    text = router("usage", "--since", "all", "--no-advice")
    assert "of 3 runs with a known outcome, 2 solved their task" in text
    of_one_model = router("usage", "--since", "all", "--no-advice", "--only", "model=gpt-5.5")
    assert "known outcome" not in of_one_model, "which of them is not asked of runs"


@pytest.mark.parametrize(("how", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_an_interrupted_ingest_goes_on_where_it_was(codex_home: Path, how: signal.Signals, status: int) -> None:
    """Ended before one statement or commit after another: in the end everything is there, once."""
    threads = [plain("new", seed, tasks=1, responses=20) for seed in range(24)]
    save(codex_home, *threads)
    ends, stored = [], []
    for last in (8, 10, 13, 17, 22, 28, 35, 43, 10_000):
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, str(last), str(int(how))], check=False, capture_output=True
        )
        ends.append(done.returncode)
        stored.append(usage("--no-read")["total"]["responses"])  # type: ignore[index]
        if done.returncode == 0:
            break
    assert ends[:3] == [status] * 3
    assert ends[-1] == 0
    assert stored == sorted(stored)
    assert 0 < stored[-2] < stored[-1], "what was stored before an interruption is kept"
    total = usage()["total"]
    assert isinstance(total, dict)
    assert total["responses"] == sum(len(thread.answers) for thread in threads)
    assert total["input_tokens"] == sum(counts[0] for counts in truth(*threads).values())


@pytest.mark.parametrize("width", [50, 60, 80, 100, 160])
def test_a_narrow_terminal_breaks_no_number(codex_home: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    thread = plain("new", tasks=2, responses=30)
    thread.cwd = "/home/user/projects/clients/a-client-with-a-long-name/warehouse-inventory-service"
    thread.lines.clear()
    thread.meta()
    thread.task("fix it", 3)
    save(codex_home, thread)
    monkeypatch.setenv("COLUMNS", str(width))
    lines = router("usage", "--since", "all", "--by", "project,model", "--no-advice").splitlines()
    total = usage()["total"]
    assert isinstance(total, dict)
    table = lines[: next(index for index, line in enumerate(lines) if line.startswith("all"))]
    assert all(len(line) <= width for line in table)
    assert any(f"${total['cost_usd']:.3g}" in line.split() for line in table)
    assert "tasks" in table[0].split()


KILLED = """
import os, signal, sys
import sqlalchemy
from codex_router.__main__ import main
def kill(_connection, _cursor, statement, *_):
    if statement.startswith("UPDATE threads"):
        os.kill(os.getpid(), signal.SIGKILL)
sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", kill)
sys.exit(main(["ingest", "--sessions"]))
"""


def test_a_sub_agent_finds_its_root_though_the_reader_was_killed_before_it_looked(codex_home: Path) -> None:
    threads = [plain("new")]
    for depth in (1, 2):
        spawn = {"thread_spawn": {"parent_thread_id": threads[-1].id, "depth": depth}}
        threads.append(threads[-1].child(50 + depth))
        threads[-1].meta(source={"subagent": spawn})
        threads[-1].task("look into it", 2)
    save(codex_home, *threads)
    done = subprocess.run([sys.executable, "-c", KILLED], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    rows = usage("--by", "session")["rows"]
    assert isinstance(rows, list)
    assert [row["responses"] for row in rows] == [sum(len(thread.answers) for thread in threads)]


def test_what_cannot_be_read_is_told_and_the_rest_is_stored(codex_home: Path) -> None:
    path = plain("new").save(codex_home)
    damaged = path.with_name(path.name.replace("-8", "-9", 1) + ".zst")
    damaged.write_bytes(b"nonsense")
    done = call("ingest", "--sessions")
    assert (done.status, "8 model responses" in done.out) == (1, True)
    assert damaged.name in done.out


def test_a_folder_that_cannot_be_listed_is_told_also_when_nothing_is_new(codex_home: Path) -> None:
    path = plain("new").save(codex_home)
    router("ingest", "--sessions")
    closed = path.parent.with_name("03")
    closed.mkdir(mode=0)
    with without_powers():
        done = call("ingest", "--sessions")
    assert (done.status, str(closed) in done.out) == (1, True)


def test_people_are_told_apart_by_the_name_they_give(codex_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, name in enumerate(("ada", "grace")):
        monkeypatch.setenv("CODEX_ROUTER_PERSON", name)
        save(codex_home, plain("new", seed))
        usage()
    assert {row["person"] for row in usage("--by", "person")["rows"]} == {"ada", "grace"}  # type: ignore[attr-defined]


def test_rows_that_do_not_fit_are_summed(codex_home: Path) -> None:
    save(codex_home, *(plain("new", seed, tasks=1, responses=1) for seed in range(43)))
    said = router("usage", "--since", "all", "--no-advice", "--by", "session")
    assert re.search(r"3 more +3 +3 ", said)
    assert re.search(r"all +43 +43 ", said)


def test_of_many_days_the_newest_are_listed(codex_home: Path) -> None:
    days = [START + dt.timedelta(days=number) for number in range(43)]
    for number, day in enumerate(days):
        thread = Thread("new", number, day)
        thread.meta()
        thread.task("fix it", 1)
        thread.save(codex_home)
    lines = router("usage", "--since", "all", "--no-advice").splitlines()
    assert lines[1].split()[:4] == ["3", "earlier", "3", "3"]
    assert [line.split()[0] for line in lines[2:42]] == [day.date().isoformat() for day in days[3:]]
    assert lines[42].split()[:2] == ["all", "43"]


def test_nothing_yet(codex_home: Path) -> None:
    done = call("usage", "--no-advice")
    assert (done.status, done.out) == (0, "")


@pytest.mark.parametrize(
    "argv",
    [
        ["--by", "colour"],
        ["--since", "soon"],
        ["--only", "model"],
        ["--watch", "--json"],
        ["--watch", "--since", "7d"],
        ["--csv", "--json"],
    ],
)
def test_wrong_questions(codex_home: Path, argv: list[str]) -> None:
    assert call("usage", *argv).status == 2


def test_looking_at_the_run_in_progress(codex_home: Path) -> None:
    """As it grows; what was read before is not read again, and another session takes over when it is newer."""
    watch = Watch(codex_home, Pricing())
    assert watch.moment() is None
    thread = plain("new", tasks=1)
    thread.begin("fix the failing test")
    thread.respond(tool=True)
    path = thread.save(codex_home)
    moment = watch.moment()
    assert moment
    assert (moment.turns, moment.ended) == (1, False)
    assert moment.category == classifier()("fix the failing test")
    assert " 1 turn " in words(moment)
    thread.respond(tool=False)
    thread.put("event_msg", {"type": "task_complete", "turn_id": thread.turn})
    lines = "".join(f"{line}\n" for line in thread.lines).encode()
    seen = path.stat().st_size
    path.write_bytes(b"x" * seen + lines[seen:])
    moment = watch.moment()
    assert moment
    assert (moment.turns, moment.ended) == (2, True)
    assert moment.input_tokens == sum(answer.counts[0] for answer in thread.answers[-2:])
    assert watch.moment() == moment
    newer = plain("new", 2, tasks=1, responses=3)
    os.utime(newer.save(codex_home), (time.time() + 60, time.time() + 60))
    moment = watch.moment()
    assert moment
    assert (moment.thread_id, moment.turns) == (newer.id, 3)


def test_a_run_that_was_stopped_is_not_in_progress(codex_home: Path) -> None:
    thread = plain("new", tasks=0)
    thread.begin("fix the failing test")
    thread.respond(tool=True)
    thread.save(codex_home)
    watch = Watch(codex_home, Pricing())
    running = watch.moment()
    thread.put("event_msg", {"type": "turn_aborted", "turn_id": thread.turn, "reason": "interrupted"})
    thread.save(codex_home)
    stopped = watch.moment()
    assert running
    assert stopped
    assert (running.ended, stopped.ended) == (False, True)


def tier(name: str, model: str) -> Tier:
    return Tier(name, 1.0, Arm(model, "low"), Budget())


def estimate(model: str, category: str, cost: float, p_pass: float = 0.5) -> Estimate:
    spread, solves = Interval(cost, cost, cost), Interval(p_pass, 0.0, 1.0)
    return Estimate(Arm(model, "low"), category, "codex", solves, spread, spread, 1, 1, 1.0, guess=False)


def test_advice_says_what_would_change_and_save() -> None:
    """By what both arms cost in that very category."""
    current = Plan((tier("bulk", "dear"),), (("lint", "bulk"), ("docs", "bulk")))
    wanted = Plan((tier("bulk", "cheap"), tier("standard", "dear")), (("lint", "bulk"), ("docs", "standard")))
    known = {
        (one.arm, one.category): one
        for one in (
            estimate("dear", "lint", 0.5, 0.6),
            estimate("cheap", "lint", 0.1, 0.57),
            estimate("dear", "docs", 9),
        )
    }
    (change,) = compare(current, wanted, known)
    assert (change.category, change.before, change.after) == ("lint", "dear low", "cheap low")
    found = Advice((change._replace(tasks=10),), differs=True)
    assert advice_json(found)["saved_usd"] == pytest.approx(4.0)
    head, line = advice_lines(found, "2026-11-01")
    assert head.startswith(
        "the evidence of today gives 1 category another arm, about $4.00 less on their 10 tasks since"
    )
    assert line == "  lint: dear low -> cheap low  (about $4.00 less on 10 tasks, 3 points fewer solved)"
    unmeasured = compare(current, wanted, {})
    assert unmeasured[0].saved_usd is None
    assert "never measured" in advice_lines(Advice(unmeasured, differs=True))[1]
    assert compare(current, current, known) == ()
    (back,) = compare(wanted, current, known)
    line = advice_lines(Advice((back._replace(tasks=1),), differs=True))[1]
    assert line.endswith("(about $0.40 more on 1 task, 3 points more solved)")


SMALL = """schema = 1
[profile.precision]
model = "gpt-5.5"
reasoning_effort = "high"
task_value_usd = 25.0
[profile.standard]
model = "gpt-5.4"
reasoning_effort = "xhigh"
task_value_usd = 5.0
[profile.bulk]
model = "gpt-5.2"
reasoning_effort = "xhigh"
task_value_usd = 1.0
[route]
lint = "bulk"
docs = "bulk"
"""


def test_the_last_lines_of_usage_agree_with_diff(codex_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever `diff --refit` shows is announced, with its worth in the time asked for; and nothing else."""
    monkeypatch.delenv("CODEX_ROUTER_CODEX", raising=False)
    monkeypatch.setenv("PATH", "")
    thread = plain("new", tasks=1, responses=3)
    thread.wait(86400 * 2)
    thread.task("fix the lint errors in the parser", 2)
    save(codex_home, thread)
    (codex_home / "codex-router.toml").write_text(SMALL)
    changes = {row["category"]: row for row in advised("all")["changes"]}
    assert call("diff", "--refit").status == 1
    assert changes["lint"]["before"] == "gpt-5.2 xhigh"
    assert changes["lint"]["tasks"] == 1
    assert changes["lint"]["saved_usd"] == pytest.approx(changes["lint"]["saved_usd_per_task"])
    assert {one["tasks"] for one in advised("2026-11-05")["changes"]} == {0}
    assert call("init", "--yes", "--force").status == 0
    assert advised("all") == {"changes": [], "profiles_differ": False, "saved_usd": 0.0}
    assert call("diff", "--refit").status == 0
    text = (codex_home / "codex-router.toml").read_text()
    (codex_home / "codex-router.toml").write_text(re.sub(r"max_turns = \d+", "max_turns = 7", text))
    assert advised("all") == {"changes": [], "profiles_differ": True, "saved_usd": 0.0}
    assert "changes no arm" in router("usage", "--since", "all")
    assert call("diff", "--refit").status == 1


def test_advice_is_asked_for_anew_when_an_outcome_is_known(codex_home: Path) -> None:
    from test_ledger import run

    (codex_home / "codex-router.toml").write_text(SMALL)
    with Ledger.open() as ledger:
        ledger.record(run("a"))
    kept = [advice_key() for _ in range(2)]
    with Ledger.open() as ledger:
        ledger.set_outcome("a", "yes")
    kept.append(advice_key())
    assert kept[0] == kept[1] != kept[2]


@pytest.mark.usefixtures("without_codex")
def test_what_a_change_is_worth_is_not_guessed_of_an_arm_that_was_never_measured(codex_home: Path) -> None:
    (codex_home / "codex-router.toml").write_text(SMALL.replace("gpt-5.2", "my-own-llama"))
    change = next(row for row in advised("all")["changes"] if row["before"] == "my-own-llama xhigh")
    assert (change["saved_usd"], change["p_pass_change"]) == (None, None)


def test_advice_is_asked_for_anew_after_a_day(codex_home: Path) -> None:
    (codex_home / "codex-router.toml").write_text(SMALL)
    advised("all")
    path = router_home() / "advice.json"
    found = json.loads(path.read_text())
    for age, is_kept in ((0, True), (86_401, False)):
        path.write_text(json.dumps({**found, "made": found["made"] - age, "changes": []}))
        assert (advised("all")["changes"] == []) == is_kept


def advised(since: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(router("usage", "--since", since, "--json"))["advice"]
    return found


def advice_key() -> str:
    """Return for what evidence the newest advice was given."""
    advised("all")
    return str(json.loads((router_home() / "advice.json").read_text())["key"])


def test_a_prefix_in_force_is_kept_by_a_refit(codex_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODEX_ROUTER_CODEX", raising=False)
    monkeypatch.setenv("PATH", "")
    assert call("init", "--yes", "--prefix", "my-").status == 0
    done = call("diff", "--refit")
    assert (done.status, done.out) == (0, "")
    assert advised("all")["profiles_differ"] is False
