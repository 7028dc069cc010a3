"""The report page, in a real browser: it works without network, in both schemes, and shows hostile text as text."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from call import call
from playwright.sync_api import Browser, Page, sync_playwright
from session_corpus import Thread, plain
from test_ledger import ATTEMPT, RUN, run

from codex_router.commands.report import stack
from codex_router.commands.report_figures import Solved, bar, budget_hits, solved, task_rows, wilson
from codex_router.commands.report_savings import saved
from codex_router.commands.sessions import refresh
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.store import Store
from codex_router.evidence.usage import Line, Spend
from codex_router.evidence.waste import Finding, Share
from codex_router.literals import End, Outcome
from codex_router.records import Arm, Estimate, Interval
from codex_router.show.charts import Bar, Point, Stack, bars, cost_and_pass, nice, stacked_bars
from codex_router.show.report import Report, Saved, TaskRow, page

HOSTILE = "</title><script>document.title='taken'</script>&\"'"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-zygote", "--in-process-gpu", "--disable-dev-shm-usage"]


def a_report(tasks: int = 3, text: str = "web") -> Report:
    weeks = [f"2026-W{week}" for week in range(30, 45)]
    stacked = Stack(weeks, [(f"{text} {series}", [float(week + series) for week in range(15)]) for series in range(8)])
    rows = [
        TaskRow(
            "2026-11-02",
            f"/home/{text}",
            text,
            "bugfix",
            "gpt-5.5",
            "low",
            "bulk",
            n,
            n * 10,
            n / 8,
            "completed",
            "yes",
        )
        for n in range(tasks)
    ]
    point = Point(text, 0.1, 0.5, 0.3, 0.7, "bulk", on_hull=True)
    return Report(
        title=f"What {text} cost",
        since=None,
        made="2026-11-02",
        total=Spend(tasks=tasks, responses=9, cost_usd=3.0, input_tokens=10, resent_tokens=5, cached_input_tokens=4),
        by_category=stacked,
        by_model=stacked,
        shares=(),
        findings=(),
        points=[point, point._replace(label="b", cost_usd=2.0, p_pass=0.9, chosen="")],
        solved=[Bar(text, 1.0, 0.5, 2.0, text)],
        budget_hits=[(text, 1, 4)],
        saved=[Saved(text, Interval(-1.0, -2.0, 0.5), 3, text)],
        tasks=rows,
        tasks_in_all=100_000,
        advice=[text],
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        words = "no Chromium here: `apt-get install chromium`"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[object]:
    """Open a report; anything that the page asks the network for, or says as an error, fails the test."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    complaints: list[str] = []

    def opened(report: Report, scheme: str = "light") -> Page:
        path = tmp_path / "report.html"
        path.write_text(page(report), encoding="utf-8")
        tab = context.new_page()
        tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on(
            "request",
            lambda request: complaints.append(request.url) if not request.url.startswith(("file:", "data:")) else None,
        )
        tab.goto(path.as_uri())
        return tab

    yield opened
    context.close()
    assert complaints == []


def test_hostile_text_is_text(open_page) -> None:  # type: ignore[no-untyped-def]
    tab = open_page(a_report(text=HOSTILE))
    assert tab.title() == f"What {HOSTILE} cost"
    assert HOSTILE in tab.inner_text("body")
    assert tab.locator("script").count() == 1


def test_no_script_but_its_own_runs(browser: Browser, tmp_path: Path) -> None:
    """Were hostile text ever to become an element, the browser would still not run it."""
    path = tmp_path / "report.html"
    taken = "<script>document.title = 'taken'</script><img src='x' onerror=\"document.title = 'taken'\">"
    path.write_text(page(a_report()).replace("<main>", f"<main>{taken}"), encoding="utf-8")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    assert tab.title() == "What web cost"
    assert tab.is_visible("#search"), "its own did run"
    tab.close()


def test_a_task_of_unknown_cost_is_no_free_one(open_page) -> None:  # type: ignore[no-untyped-def]
    unknown, known = a_report(tasks=2).tasks
    tab = open_page(replace(a_report(), tasks=[unknown._replace(cost_usd=None), known]))
    assert tab.locator("table.sortable tbody td:nth-child(10)").all_inner_texts() == ["$0.125", "unknown"]


def test_an_amount_that_rests_on_an_assumption_says_so(open_page) -> None:  # type: ignore[no-untyped-def]
    found = [Finding(name, name, 1.5, 2, "tasks", "", guess=name == "a") for name in ("a", "b")]
    tab = open_page(replace(a_report(), findings=found))
    rows = tab.get_by_role("table", name="What was lost").locator("tbody td:first-child").all_inner_texts()
    assert rows == ["about $1.50", "$1.50"]


def test_the_table_sorts_and_filters(open_page) -> None:  # type: ignore[no-untyped-def]
    tab = open_page(a_report(tasks=30))
    first = "table.sortable tbody tr:first-child td:nth-child(8)"
    tab.click("table.sortable th:nth-child(8) button")
    assert tab.inner_text(first) == "29"
    assert tab.get_attribute("table.sortable th:nth-child(8)", "aria-sort") == "descending"
    tab.click("table.sortable th:nth-child(8) button")
    assert tab.inner_text(first) == "0"
    tab.fill("#filter", "BUGFIX 170")
    assert tab.inner_text("#count") == "1 of 30 rows"
    assert tab.locator("table.sortable tbody tr:visible").count() == 1


def luminance(colour: str) -> float:
    channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(open_page, scheme: str) -> None:  # type: ignore[no-untyped-def]
    """Contrast of 4.5 to 1 at least (WCAG 2.2, 1.4.3), for text and for the softer text."""
    tab = open_page(a_report(), scheme)
    script = "selector => getComputedStyle(document.querySelector(selector))"
    paper = luminance(tab.evaluate(f"({script})('body').backgroundColor"))
    assert (paper > 0.5) == (scheme == "light")
    for selector in ("body", ".soft", "th", "figcaption"):
        ink = luminance(tab.evaluate(f"selector => ({script})(selector).color", selector))
        high, low = max(ink, paper), min(ink, paper)
        assert (high + 0.05) / (low + 0.05) >= 4.5, selector


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_window(open_page, width: int) -> None:  # type: ignore[no-untyped-def]
    tab = open_page(a_report())
    tab.set_viewport_size({"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_it_prints(open_page) -> None:  # type: ignore[no-untyped-def]
    tab = open_page(a_report(), "dark")
    tab.emulate_media(media="print", color_scheme="light")
    assert not tab.is_visible("#filter")
    assert tab.pdf()[:5] == b"%PDF-"


def test_it_prints_dark_on_white_whatever_the_screen(open_page) -> None:  # type: ignore[no-untyped-def]
    tab = open_page(a_report(), "dark")
    tab.emulate_media(media="print", color_scheme="dark")
    colours = "e => [getComputedStyle(e).color, getComputedStyle(e).getPropertyValue('--paper')]"
    ink, paper = tab.eval_on_selector("body", colours)
    assert luminance(ink) < 0.1
    assert paper.strip() == "#fff"


def test_it_can_be_read_without_script(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(a_report()), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False, offline=True)
    tab = context.new_page()
    tab.goto(path.as_uri())
    assert tab.is_visible("table.sortable")
    assert not tab.is_visible("#search")  # nothing would happen
    context.close()


PICTURES = ("By category", "By model", "What was paid for", "Cost and pass rate", "Cost per solved task")


def test_each_picture_stands_as_a_table_too(open_page) -> None:  # type: ignore[no-untyped-def]
    """For those who hear the page; and a table wider than the window can be scrolled with the keyboard."""
    tab = open_page(replace(a_report(), shares=[Share("reasoning", 1.0, 1.0)]))
    for summary in tab.locator("summary").all():
        summary.focus()
        tab.keyboard.press("Enter")
    for name in PICTURES:
        assert tab.get_by_role("table", name=name).first.is_visible(), name
    assert "50%" in tab.get_by_role("table", name="Cost and pass rate").inner_text()
    assert tab.get_by_role("main").count() == 1
    assert all(region.get_attribute("tabindex") == "0" for region in tab.get_by_role("region").all())


def test_sorting_with_the_keyboard(open_page) -> None:  # type: ignore[no-untyped-def]
    tab = open_page(a_report(tasks=30))
    cost = tab.get_by_role("columnheader", name="cost")
    assert cost.last.get_attribute("aria-sort") == "descending"  # as it comes
    assert tab.inner_text("table.sortable tbody tr:first-child td:nth-child(10)") == "$3.62"
    cost.last.get_by_role("button").focus()
    tab.keyboard.press("Enter")
    assert cost.last.get_attribute("aria-sort") == "ascending"
    assert tab.inner_text("table.sortable tbody tr:first-child td:nth-child(10)") == "$0.00"


OVERLAPS = """() => {
  const names = document.querySelectorAll('svg[aria-label^="Cost and pass"] text:not(.axis)');
  const boxes = [...names].map(e => e.getBBox());
  const along = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width;
  const meet = (a, b) => along(a, b) && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height;
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b => meet(a, b))).length;
}"""
OUTSIDE = """() => [...document.querySelectorAll('figure > svg')].flatMap(svg => {
  const frame = svg.viewBox.baseVal;
  return [...svg.querySelectorAll('text')].filter(text => {
    const box = text.getBBox();
    return box.x < -1 || box.x + box.width > frame.width + 1;
  }).map(text => text.textContent);
})"""
SMALLEST = """() => Math.min(...[...document.querySelectorAll('figure > svg text')].map(
  text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))"""


def test_the_words_in_pictures_can_be_read(open_page) -> None:  # type: ignore[no-untyped-def]
    """No name lies on another, none is cut at the edge, and on a telephone they keep their size."""
    near = [
        Point(f"gpt-5.{n} xhigh", 0.2 * 1.1**n, 0.6 + 0.02 * n, 0.4, 0.9, "standard" if n == 3 else "", on_hull=True)
        for n in range(12)
    ]
    long = Bar("gpt-6.1-sol xhigh feature", 1.1, 1.0, 1.2, "(81 of 113 solved, a source with a long name 2026)")
    report = replace(a_report(), points=near, solved=[long, long._replace(value=0.1, low=0.05, high=9.0)])
    tab = open_page(report)
    assert tab.evaluate(OVERLAPS) == 0
    assert tab.evaluate(OUTSIDE) == []
    assert "standard: gpt-5.3 xhigh" in (tab.text_content('svg[aria-label^="Cost and pass"]') or "")
    tab.set_viewport_size({"width": 360, "height": 800})
    assert tab.evaluate(SMALLEST) >= 9


@pytest.mark.parametrize("cost", [0.0101, 0.1, 0.5, 9.9])
def test_a_name_as_long_as_can_be_has_its_place(open_page, cost: float) -> None:  # type: ignore[no-untyped-def]
    ends = [Point("a", low, 0.1, 0.1, 0.2, "", on_hull=False) for low in (0.0101, 9.9)]
    long = Point("open-router-" * 16, cost, 0.5, 0.4, 0.6, "standard", on_hull=True)
    assert open_page(replace(a_report(), points=[*ends, long])).evaluate(OUTSIDE) == []


def test_an_interval_that_goes_on_has_an_arrow() -> None:
    """A cap would say that it ends there."""
    ends, goes_on = "v9", "l5 4l-5 4"
    drawn = bars([Bar("a", 1.0, 0.5, 2.0, ""), Bar("b", 1.0, 0.5, 50.0, "")], "bars")
    first, second = re.findall(r'<path d="([^"]+)" stroke="var\(--ink\)"', drawn)
    assert (first.count(ends), goes_on in first) == (2, False)
    assert (second.count(ends), goes_on in second) == (1, True)


@pytest.mark.parametrize(
    ("keys", "between"),
    [
        (("2026-10-30", "2026-11-02"), ["2026-10-31", "2026-11-01"]),
        (("2026-W52", "2027-W02"), ["2026-W53", "2027-W01"]),
        (("2026-11", "2027-02"), ["2026-12", "2027-01"]),
        (("", "2026-11-02"), []),
    ],
)
def test_time_without_spending_takes_its_place(keys: tuple[str, str], between: list[str]) -> None:
    found = stack([Line((key, "bugfix"), Spend(cost_usd=1.0)) for key in keys])
    assert found.buckets == [keys[0], *between, keys[1]]
    assert found.series == [("bugfix", [1.0, *[0.0] * len(between), 1.0])]


def test_of_a_hundred_thousand_tasks_the_dearest_are_shown(open_page) -> None:  # type: ignore[no-untyped-def]
    tab = open_page(a_report(tasks=500))
    assert "500 of 100,000 tasks" in tab.inner_text("body")
    assert tab.locator("tbody tr").count() >= 500


def test_from_sessions_to_the_page(own_home: Path, tmp_path: Path, open_page) -> None:  # type: ignore[no-untyped-def]
    home = own_home / ".codex"
    for seed in range(3):
        plain("new", seed).save(home)
    target = tmp_path / "out.html"
    assert call("report", "--html", str(target), "--since", "all").status == 0
    text = target.read_text()
    assert "6 of 6 tasks" in text
    assert "gpt-5.5" in text
    assert not re.search(r"(?:src|href)=\"(?!data:)", text)


def test_each_amount_of_a_chart_has_its_words() -> None:
    """What colour says, a title says too."""
    drawn = stacked_bars(Stack(["2026-11-01", "2026-11-02"], [("bugfix", [1.0, 2.0]), ("docs", [0.5, 0.0])]), "spend")
    assert re.findall("<title>(.*?)</title>", drawn)[1:] == [
        "2026-11-01 · bugfix: $1.00",
        "2026-11-01 · docs: $0.50",
        "2026-11-02 · bugfix: $2.00",
    ]
    heights = [float(value) for value in re.findall(r'class="bar"[^>]* height="([\d.]+)"', drawn)]
    assert heights[1] == pytest.approx(heights[0] / 2, abs=0.2)
    assert heights[2] == pytest.approx(heights[0] * 2, abs=0.2)


def test_empty_charts_are_no_charts() -> None:
    assert cost_and_pass([], "none") == ""
    assert bars([], "none") == ""
    assert nice(0) == 1
    assert nice(1234) == 2000


def test_what_has_no_colour_left_is_summed() -> None:
    lines = [Line(("2026-11-01", f"m{index}"), Spend(cost_usd=float(index + 1))) for index in range(12)]
    found = stack(lines)
    assert len(found.series) == 8
    assert found.series[-1] == ("other", [1.0 + 2 + 3 + 4 + 5])
    assert sum(values[0] for _, values in found.series) == 78


def test_the_interval_is_wilsons() -> None:
    """Against scipy."""
    from scipy.stats import binomtest

    for successes, n in ((0, 5), (3, 10), (10, 10), (37, 89)):
        expected = binomtest(successes, n).proportion_ci(0.9, "wilson")
        assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_cost_per_solved_task() -> None:
    found = bar(Solved("a", 10, 4, 0.2))
    low, high = wilson(4, 10)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.2 / high, 0.2 / low))


def test_own_tasks_stand_above_what_was_published_of_their_model() -> None:
    """Of an arm that has solved nothing yet, nobody knows what a solved task costs."""
    with Ledger.open() as ledger:
        for name, arm, word in (("a", "max", "yes"), ("b", "max", "no"), ("c", "xhigh", "no")):
            one = run(name)
            ledger.record(one._replace(attempt=one.attempt._replace(arm=Arm("gpt-6.1-sol", arm))))
            ledger.set_outcome(name, word)  # type: ignore[arg-type]
    with Store.open() as store:
        mine, *published = solved(store)
    assert mine.label == "gpt-6.1-sol max, yours"
    assert mine.value == pytest.approx(0.25 * 2)
    assert published[0].label.startswith(("gpt-6.1-sol max ", "gpt-6.1-sol xhigh ")), "the same effort goes first"
    assert all(one.label.startswith("gpt-6.1-sol ") and not one.label.endswith("yours") for one in published)


def a_task(home: Path, seed: int, prompt: str = "fix the failing test in the parser", responses: int = 3) -> Thread:
    """Write a session of one task."""
    thread = plain("new", seed, tasks=0)
    thread.task(prompt, responses)
    thread.save(home)
    return thread


def a_run(thread: Thread, outcome: Outcome, end: End = "completed", task_id: str = "a", tier: str = "bulk") -> None:
    """Put the run that made a session into the ledger."""
    attempt = ATTEMPT._replace(attempt_id=thread.id, task_id=task_id, outcome=outcome, end=end)
    with Ledger.open() as ledger:
        ledger.record(RUN._replace(attempt=attempt, session_id=thread.id, tier=tier))


def read(home: Path) -> Store:
    store = Store.open()
    refresh(home, store)
    return store


def costs(store: Store) -> dict[str, float]:
    with store.engine.connect() as connection:
        return {row[0]: row[1] for row in connection.exec_driver_sql("SELECT thread_id, cost_usd FROM tasks")}


def test_a_sub_agents_cost_stands_in_the_row_of_the_task_that_started_it(own_home: Path) -> None:
    """At 5 USD per million tokens; a task without a known price comes last, and costs nobody knows what."""
    home = own_home / ".codex"
    threads = [plain("new", seed, tasks=0) for seed in range(3)]
    agent = threads[0].child(9)
    agent.lines.clear()
    agent.meta(
        session_id=threads[0].id,
        source={"subagent": {"thread_spawn": {"parent_thread_id": threads[0].id, "depth": 1}}},
    )
    threads[2].model = "my-own-llama"
    for thread, count in ((threads[0], 20_000), (threads[1], 40_000), (threads[2], 1000), (agent, 30_000)):
        thread.begin("fix it")
        thread.answer((count, 0, 0, 0, 0))
        thread.put("event_msg", {"type": "task_complete", "turn_id": thread.turn})
        thread.save(home)
    with read(home) as store:
        rows, count = task_rows(store, None, 2)
        assert [row.cost_usd for row in rows] == pytest.approx([0.25, 0.2])
        assert ([row.turns for row in rows], count) == ([2, 1], 3)
        assert task_rows(store, None, 3)[0][-1].cost_usd is None
        assert budget_hits(store, None) == [("", 0, 3)]


def test_a_task_that_exec_stopped_is_a_budget_hit(own_home: Path) -> None:
    """Its session was only interrupted, as far as Codex knows."""
    home = own_home / ".codex"
    stopped, slow, ended, interrupted = (a_task(home, seed) for seed in range(4))
    for thread, end in ((stopped, "budget"), (slow, "timeout"), (ended, "completed")):
        a_run(thread, "unknown", end)  # type: ignore[arg-type]
    stopped.task("and now something else", 2)  # resumed without us
    stopped.save(home)
    with read(home) as store:
        assert budget_hits(store, None) == [("", 0, 1), ("bulk", 2, 4)]
        rows, _ = task_rows(store, None, 9)
        assert sorted((row.ended, row.tier) for row in rows) == [
            ("budget", "bulk"), ("completed", ""), ("completed", "bulk"), ("completed", "bulk"), ("timeout", "bulk"),
        ]  # fmt: skip
    assert interrupted.id


def test_tasks_and_budgets_from_a_day_on(own_home: Path) -> None:
    home = own_home / ".codex"
    thread = a_task(home, 1)
    thread.wait(86_400)
    thread.task("go on", 2)
    thread.save(home)
    with read(home) as store:
        for since, count in (("2026-11-02", 2), ("2026-11-03", 1), ("2026-11-04", 0)):
            rows, in_all = task_rows(store, since, 9)
            assert len(rows) == in_all == count
            assert sum(tasks for *_, tasks in budget_hits(store, since)) == count


def test_an_escalation_is_one_task_and_two_bills(own_home: Path) -> None:
    """Always taking the dearest tier would have taken one attempt where an escalation took two."""
    home = own_home / ".codex"
    first, second, alone = a_task(home, 1), a_task(home, 2, responses=5), a_task(home, 3)
    a_run(first, "no")
    a_run(second, "yes", tier="precision")
    a_run(alone, "yes")  # the same prompt again, but its result before was accepted
    former = [a_task(home, 4, responses=9), a_task(home, 5, responses=2)]
    unpriced = plain("new", 6, tasks=0)
    unpriced.model = "my-own-llama"
    unpriced.task("fix the failing test in the parser", 3)
    unpriced.save(home)
    a_run(unpriced, "yes", task_id="b")
    with read(home) as store:
        (mine,) = saved(store, home, [], None)
        cost = costs(store)
        means = [cost[thread.id] for thread in former]
        mean, spread = sum(means) / 2, (means[0] - means[1]) ** 2 / 2
        assert (mine.against, mine.tasks) == ("your former default", 2)
        usd = 2 * mean - sum(cost[thread.id] for thread in (first, second, alone))
        half = 1.6448536269514722 * 2 * (spread / 2) ** 0.5
        assert mine.usd == pytest.approx((usd, usd - half, usd + half))


def test_the_former_default_may_be_long_ago(own_home: Path) -> None:
    home = own_home / ".codex"
    a_task(home, 4)
    a_task(home, 5)
    late = plain("new", 6, tasks=0)
    late.wait(60 * 86400)
    late.task("fix the failing test in the parser", 3)
    late.save(home)
    a_run(late, "unknown")
    with read(home) as store:
        assert [(one.against, one.tasks) for one in saved(store, home, [], "2026-12-01")] == [
            ("your former default", 1)
        ]


def test_against_always_taking_the_dearest_tier(own_home: Path) -> None:
    """By the estimate of its arm in the category of each task, bounds and all."""
    home = own_home / ".codex"
    routed = [a_task(home, 1), a_task(home, 2), a_task(home, 3, "write the docs of the parser")]
    for number, thread in enumerate(routed):
        a_run(thread, "unknown", task_id=str(number))
    (home / "codex-router.toml").write_text(
        '[profile.precision]\nmodel = "gpt-5.5"\nreasoning_effort = "high"\ntask_value_usd = 25\n'
        '[profile.bulk]\nmodel = "gpt-5.4"\nreasoning_effort = "low"\ntask_value_usd = 1\n[route]\n'
    )
    with read(home) as store:
        rows, _ = task_rows(store, None, 9)
        kinds = [row.category for row in rows]
        kind = max(set(kinds), key=kinds.count)
        rate, cost = Interval(0.5, 0.4, 0.6), Interval(2.0, 1.0, 4.0)
        known = Estimate(Arm("gpt-5.5", "high"), kind, "codex", rate, cost, cost, 1, 1, 1.0, guess=False, n_model=1)
        (one,) = saved(store, home, [known, known._replace(arm=Arm("gpt-5.4", "low"), cost_usd=rate)], None)
        spent = sum(row.cost_usd or 0.0 for row in rows if row.category == kind)
        count = kinds.count(kind)
        assert (one.against, one.tasks) == ("always precision", count)
        assert one.usd == pytest.approx((2 * count - spent, count - spent, 4 * count - spent))
        assert "gpt-5.5 high" in one.method
        assert saved(store, home, [known._replace(n_model=0)], None) == [], "never measured, at any effort"


def test_nothing_yet_is_said_in_words(own_home: Path, tmp_path: Path) -> None:
    """No picture of nothing, no table without a row."""
    (own_home / ".codex").mkdir(exist_ok=True)
    assert call("report", "--html", str(tmp_path / "a.html")).status == 0
    text = (tmp_path / "a.html").read_text()
    assert "What was paid for" not in text
    assert "<button>" not in text
    assert "No task yet." in text


def test_small_amounts_fit_beside_the_axis(open_page) -> None:  # type: ignore[no-untyped-def]
    small = Stack(["2026-11-01"], [("bugfix", [0.0006])])
    tab = open_page(replace(a_report(), by_category=small, by_model=small))
    assert tab.evaluate(OUTSIDE) == []


def test_what_has_no_known_amount_takes_no_colour(open_page) -> None:  # type: ignore[no-untyped-def]
    """A legend would say that there is something to see."""
    lines = [
        Line(("2026-11-01", "llama"), Spend(responses=3, unpriced=3)),
        Line(("2026-11-01", "a"), Spend(cost_usd=1)),
    ]
    assert [name for name, _ in stack(lines).series] == ["a"]
    unknown = replace(a_report(), by_category=stack(lines[:1]), by_model=stack(lines[:1]))
    assert "No amount is known." in open_page(unknown).inner_text("body")
