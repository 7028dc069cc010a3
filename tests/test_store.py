"""Sessions in the ledger: whoever reads them, and however often, each response is there once."""

from __future__ import annotations

import datetime as dt
import os
import platform
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from genai_prices import Usage as Tokens
from genai_prices import calc_price
from session_corpus import SHAPES, old_review, plain, truth

from codex_router.errors import RouterError
from codex_router.evidence import store_tables
from codex_router.evidence.ledger import FILE, Ledger
from codex_router.evidence.prices import Rates, Tier
from codex_router.evidence.pricing import Own, Pricing
from codex_router.evidence.repricing import reprice
from codex_router.evidence.session_files import find_sessions
from codex_router.evidence.sessions import reading
from codex_router.evidence.store import Store
from codex_router.evidence.store_inserts import insert
from codex_router.evidence.store_rows import rows_of
from codex_router.evidence.store_tables import MIGRATIONS, metadata, responses, spending, tasks, threads
from codex_router.evidence.usage import spent
from codex_router.home import router_home

DATABASES = ["sqlite", "postgresql"]


def read_into(store: Store, home: Path) -> int:
    """Do what `ingest --sessions` does; return how many files were read."""
    files, _ = find_sessions(home)
    stamps = store.stamps()
    changed = [file for file in files if stamps.get(file.path) != (file.size, file.mtime_ns)]
    known = store.positions([file.path for file in changed])
    with reading(changed, files, lambda prompt: prompt.split()[0], known, Pricing()) as read:
        store.add(list(read))
    store.settle()
    return len(changed)


def totals(store: Store) -> dict[str, tuple[int, ...]]:
    names = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens")
    columns = [sa.func.sum(responses.c[name]) for name in (*names, "reasoning_output_tokens")]
    query = sa.select(responses.c.thread_id, *columns).group_by(responses.c.thread_id)
    with store.engine.connect() as connection:
        return {row[0]: tuple(int(value) for value in row[1:]) for row in connection.execute(query)}


def one(store: Store, query: sa.Select[Any]) -> Any:
    with store.engine.connect() as connection:
        return connection.execute(query).scalar()


def test_reading_twice_changes_nothing(store: Store, tmp_path: Path) -> None:
    written = [plain(shape, seed) for seed, shape in enumerate(SHAPES)]
    for thread in written:
        thread.save(tmp_path)
    assert read_into(store, tmp_path) == 3
    assert totals(store) == truth(*written)
    assert read_into(store, tmp_path) == 0
    for file in find_sessions(tmp_path)[0]:
        os.utime(file.path)
    assert read_into(store, tmp_path) == 3
    assert totals(store) == truth(*written)


def test_another_machine_reads_its_own_files(store: Store, tmp_path: Path) -> None:
    """Even under the same path: what this one has read of it says nothing of that one's."""
    written = [plain(shape, seed) for seed, shape in enumerate(SHAPES)]
    paths = [str(thread.save(tmp_path)) for thread in written]
    read_into(store, tmp_path)
    assert len(store.positions(paths)) == 3
    store.machine = "another"
    assert (store.stamps(), store.positions(paths)) == ({}, {})
    assert read_into(store, tmp_path) == 3
    assert totals(store) == truth(*written)


def test_an_older_copy_of_a_session_takes_nothing_away(store: Store, tmp_path: Path) -> None:
    """Read by another machine, later than the whole."""
    thread = plain("new", tasks=0)
    thread.task("fix it", 3, end=False)
    thread.save(tmp_path / "copy")
    thread.put("compacted", {"message": "in short"})
    for _ in range(2):
        thread.respond(tool=False)
    thread.put("event_msg", {"type": "task_complete", "turn_id": thread.turn})
    thread.save(tmp_path / "whole")
    read_into(store, tmp_path / "whole")
    store.machine = "another"
    read_into(store, tmp_path / "copy")
    with store.engine.connect() as connection:
        (task,) = connection.execute(sa.select(tasks.c.responses, tasks.c.ended))
    assert tuple(task) == (5, "completed")
    assert one(store, sa.select(sa.func.sum(responses.c.compaction))) == 1


def test_a_grown_file_is_read_from_where_it_ended(store: Store, tmp_path: Path) -> None:
    thread = plain("new")
    path = thread.save(tmp_path)
    read_into(store, tmp_path)
    before = path.stat().st_size
    thread.task("and now the rest", 3)
    thread.save(tmp_path)
    with path.open("r+b") as stream:  # what was read before is not read again
        stream.write(b"x" * (before // 2))
    read_into(store, tmp_path)
    assert totals(store) == truth(thread)
    assert one(store, sa.select(sa.func.count()).select_from(tasks)) == 3


def test_a_file_that_was_read_while_its_first_line_was_written(store: Store, tmp_path: Path) -> None:
    parent = plain("new")
    child = parent.child(50)
    child.meta(forked_from_id=parent.id)
    child.task("fix the other way", 2)
    path = child.save(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    read_into(store, tmp_path)
    path.write_bytes(whole)
    read_into(store, tmp_path)
    t = threads.c
    with store.engine.connect() as connection:
        (thread,) = connection.execute(sa.select(t.cwd, t.source, t.git_branch, t.forked_from))
    assert tuple(thread) == (child.cwd, "exec", "main", parent.id)


def test_a_file_that_was_made_shorter_is_read_anew(tmp_path: Path) -> None:
    thread = plain("new", filler=3000)
    before = thread.save(tmp_path).stat().st_size
    with Store.open() as store:
        read_into(store, tmp_path)
        thread.lines = [line for line in thread.lines if '"type":"reasoning"' not in line]
        thread.task("go on", 2)
        assert thread.save(tmp_path).stat().st_size < before
        read_into(store, tmp_path)
        assert totals(store) == truth(thread)


def test_dollars_are_those_of_each_response(store: Store, tmp_path: Path) -> None:
    """Against genai-prices itself, response by response, with its own tiers."""
    thread = plain("new", tasks=2, responses=4)
    thread.begin("a very long one")
    thread.answer((400_000, 250_000, 0, 5000, 1000))
    thread.answer((271_999, 250_000, 0, 5000, 1000))
    thread.save(tmp_path)
    expected = Decimal(0)
    for answer in thread.answers:
        tokens = Tokens(
            input_tokens=answer.counts[0], cache_read_tokens=answer.counts[1], output_tokens=answer.counts[3]
        )
        stamp = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC)
        expected += calc_price(tokens, answer.model, genai_request_timestamp=stamp).total_price
    read_into(store, tmp_path)
    assert one(store, sa.select(sa.func.sum(responses.c.cost_usd))) == pytest.approx(float(expected), abs=1e-9)
    assert one(store, sa.select(sa.func.sum(spending.c.cost_usd))) == pytest.approx(float(expected), abs=1e-9)
    assert one(store, sa.select(sa.func.sum(tasks.c.cost_usd))) == pytest.approx(float(expected), abs=1e-9)
    parts = sum(spending.c[name] for name in store_tables.COSTS[1:6])
    assert one(store, sa.select(sa.func.sum(parts))) == pytest.approx(float(expected), abs=1e-9)


def test_an_unknown_price_is_unknown(store: Store, tmp_path: Path) -> None:
    thread = plain("new", tasks=1)
    thread.model = "my-own-llama"
    thread.task("fix it at home", 3)
    thread.save(tmp_path)
    read_into(store, tmp_path)
    assert one(store, sa.select(sa.func.sum(spending.c.unpriced))) == 3
    assert one(store, sa.select(sa.func.count()).where(responses.c.cost_usd == 0)) == 0
    assert one(store, sa.select(sa.func.count()).where(tasks.c.cost_usd.is_(None))) == 1


def test_a_task_with_one_response_of_unknown_price_has_no_known_cost(store: Store, tmp_path: Path) -> None:
    thread = plain("new", tasks=0)
    thread.begin("fix it")
    thread.respond(tool=True)
    thread.model = "my-own-llama"
    thread.put_context()
    thread.respond(tool=False)
    thread.save(tmp_path)
    read_into(store, tmp_path)
    assert one(store, sa.select(sa.func.count(responses.c.cost_usd))) == 1
    assert one(store, sa.select(tasks.c.cost_usd)) is None


def test_pricing_anew_changes_what_has_another_price(store: Store, tmp_path: Path) -> None:
    known, unknown = plain("new", 1), plain("new", 2, tasks=0)
    unknown.model = "my-own-llama"
    unknown.task("fix it at home", 3)
    for thread in (known, unknown):
        thread.save(tmp_path)
    read_into(store, tmp_path)
    total = sa.select(sa.func.sum(spending.c.cost_usd))
    before = one(store, total)
    assert reprice(store, Pricing())[:4] == (11, 0, 0, 0)
    price = Tier(0, 1.0, 1.0, 1.0, 2.0)
    own = Pricing((Own("my-own-llama", None, "2026-11-01", Rates("my-own-llama", "own", (price,))),))
    done = reprice(store, own)
    assert done[:4] == (11, 3, 3, 0)
    cost = sum(answer.counts[0] * 1e-6 + answer.counts[3] * 2e-6 for answer in unknown.answers)
    assert (done.before_usd, done.after_usd) == pytest.approx((before, before + cost))
    assert one(store, total) == pytest.approx(before + cost)
    assert one(store, sa.select(sa.func.sum(tasks.c.cost_usd))) == pytest.approx(before + cost)
    assert one(store, sa.select(sa.func.sum(spending.c.unpriced))) == 0


def test_a_sub_agents_cost_is_its_roots(store: Store, tmp_path: Path) -> None:
    parent = plain("middle", tasks=1)
    child = parent.child(60, wait=1)
    child.meta(source={"subagent": {"thread_spawn": {"parent_thread_id": parent.id, "depth": 1}}})
    child.task("look into it", 2)
    grandchild = child.child(61, wait=1)
    grandchild.meta(source={"subagent": {"thread_spawn": {"parent_thread_id": child.id, "depth": 2}}})
    grandchild.task("and into that", 2)
    for thread in (grandchild, child, parent):
        thread.save(tmp_path)
        read_into(store, tmp_path)
    with store.engine.connect() as connection:
        roots = connection.execute(sa.select(spending.c.root_thread_id).distinct()).all()
        turns = connection.execute(sa.select(tasks.c.root_turn_id).distinct()).all()
    assert roots == [(parent.id,)]
    assert turns == [(parent.turn,)]
    whole = spent(store)[0].spend
    assert (whole.tasks, whole.responses) == (1, 4 + 2 + 2)


def test_a_review_of_an_old_codex_finds_its_parent(store: Store, tmp_path: Path) -> None:
    parent, review = old_review()
    parent.save(tmp_path)
    review.save(tmp_path)
    read_into(store, tmp_path)
    assert one(store, sa.select(threads.c.parent_id).where(threads.c.thread_id == review.id)) == parent.id
    assert one(store, sa.select(spending.c.root_thread_id).where(spending.c.thread_id == review.id)) == parent.id


def test_the_tables_are_those_of_the_migrations(store: Store) -> None:
    found = sa.inspect(store.engine)
    for name, table in {**metadata.tables, "attempts": store_tables.attempts}.items():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(name)}
        wanted = {column.name: bool(column.nullable) for column in table.c}
        assert columns == wanted | ({"id": columns["id"]} if "id" in wanted else {}), name
        key = found.get_pk_constraint(name)["constrained_columns"]
        assert key == [column.name for column in table.primary_key.columns]


OLD_TABLES = (Path(__file__).parent / "ledger_version_1.sql").read_text().split(";\n")
"""As codex-router 0.1.0 made them; in SQLite the table of runs is the ledger's own."""


@pytest.mark.parametrize("database", DATABASES)
def test_a_database_of_the_first_version_is_brought_up_to_date(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    """Made by the old statements, with sessions in it: nothing is lost, and reading goes on where it was."""
    if database == "postgresql":
        url = request.getfixturevalue("postgres_url")
    else:
        Ledger.open().close()
        url = f"sqlite:///{router_home() / FILE}"
    before, after = plain("new", 1), plain("new", 2)
    before.save(tmp_path)
    files, _ = find_sessions(tmp_path)
    with reading(files, files, lambda prompt: "fix", {}, Pricing()) as read:
        rows = rows_of(list(read), "me", platform.node() or "unknown")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in filter(str.strip, OLD_TABLES):
            if database == "postgresql" or "TABLE attempts" not in statement:
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql("INSERT INTO schema_version VALUES (1)")
        insert(connection, rows)
    engine.dispose()
    after.save(tmp_path)
    with Store.open(url) as store:
        assert totals(store) == truth(before)
        assert read_into(store, tmp_path) == 1
        assert totals(store) == truth(before, after)
        assert one(store, sa.select(store_tables.schema_version.c.version)) == len(MIGRATIONS)
        found = sa.inspect(store.engine)
        for name, table in metadata.tables.items():
            partial = {"responses_broken"} if name == "responses" else set()
            made = {index["name"] for index in found.get_indexes(name)}
            assert {index.name for index in table.indexes} | partial == made
    Store.open(url).close()


def test_sqlite_groups_what_usage_is_asked_for_without_sorting() -> None:
    asked: list[str] = []
    with Store.open() as store:
        sa.event.listen(store.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
        for by in ("day", "week", *store_tables.GROUPED):
            spent(store, [by], defaults={"gpt-5.5": "medium"})
        queries = [query for query in asked if "GROUP BY" in query]
        assert len(queries) == 9
        connection = store.engine.connect()
        for query in queries:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (0,) * query.count("?")).all()
            assert ["USING INDEX spending_" in str(step) for step in plan] == [True], (query, plan)
        connection.close()


def test_questions_are_answered_while_another_process_writes() -> None:
    Store.open().close()
    with closing(sqlite3.connect(router_home() / FILE, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with Store.open() as store:
            assert spent(store) == []
            assert store.is_empty()


def test_a_run_is_recorded_while_another_process_asks() -> None:
    with Store.open() as store, store.engine.connect() as asking:
        assert asking.execute(sa.select(responses)).all() == []
        with closing(sqlite3.connect(router_home() / FILE, isolation_level=None, timeout=0)) as writer:
            writer.execute("BEGIN IMMEDIATE")


def test_a_newer_database_is_refused(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.update(store_tables.schema_version).values(version=99))
    with pytest.raises(RouterError, match="version 99"):
        store._migrate()


def test_a_database_that_is_not_there_is_told_without_its_password() -> None:
    with pytest.raises(RouterError) as told:
        Store.open("postgresql+psycopg://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(told.value)
    assert "CODEX_ROUTER_DB" in str(told.value)


INGEST = """
import sys
from itertools import islice
from pathlib import Path
from codex_router.evidence.pricing import Pricing
from codex_router.evidence.session_files import find_sessions
from codex_router.evidence.sessions import reading
from codex_router.evidence.store import Store
with Store.open(sys.argv[1]) as store:
    store.machine = sys.argv[2]
    for home in sys.argv[3:]:
        files, _ = find_sessions(Path(home))
        with reading(files, files, lambda prompt: "fix", {}, Pricing()) as read:
            for start in range(0, len(files), 3):
                store.add(list(islice(read, 3)))
    store.settle()
"""


def ingest_process(url: str, machine: str, *homes: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", INGEST, url, machine, *map(str, homes)], stderr=subprocess.PIPE)


@pytest.mark.parametrize("database", DATABASES)
def test_eight_machines_read_the_same_and_different_sessions_at_once(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    if database == "postgresql":
        url = request.getfixturevalue("postgres_url")
    else:
        url = f"sqlite:///{tmp_path / 'team.sqlite'}"
    shared = [plain(shape, seed) for seed, shape in enumerate(list(SHAPES) * 2)]
    for thread in shared:
        thread.save(tmp_path / "shared")
    written = list(shared)
    machines = []
    for number in range(8):
        own = [plain("new", 100 + number * 10 + index) for index in range(4)]
        for thread in own:
            thread.save(tmp_path / str(number))
        written += own
        machines.append(ingest_process(url, f"m{number}", tmp_path / "shared", tmp_path / str(number)))
    for machine in machines:
        _, said = machine.communicate(timeout=120)
        assert machine.returncode == 0, said.decode()
    with Store.open(url) as store:
        assert totals(store) == truth(*written)
        counted = one(store, sa.select(sa.func.sum(spending.c.responses)))
        assert counted == one(store, sa.select(sa.func.count()).select_from(responses))
        assert counted == sum(len(thread.answers) for thread in written)


END_ALL = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
)
"""Ends the connections of everybody else."""


def test_a_connection_lost_in_mid_ingest_is_taken_up_again(postgres_url: str, tmp_path: Path) -> None:
    """Another session ends all of ours before the first statement of one file, the second of the next, and so on."""
    written = [plain("new", seed, tasks=3, responses=20) for seed in range(8)]
    for thread in written:
        thread.save(tmp_path)
    files, _ = find_sessions(tmp_path)
    with reading(files, files, lambda prompt: "fix", {}, Pricing()) as read:
        reads = list(read)
    admin = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    ended: list[str] = []
    to_come = 0

    def end_all_at_zero(connection: object, cursor: object, statement: str, *rest: object) -> None:
        nonlocal to_come
        to_come -= 1
        if to_come == 0:
            with admin.connect() as other:
                assert other.execute(END_ALL).all()
            ended.append(statement.split("(")[0])

    with Store.open(postgres_url) as store:
        sa.event.listen(store.engine, "before_cursor_execute", end_all_at_zero)
        for number, read_one in enumerate(reads, start=1):
            to_come = number
            store.add([read_one])
        sa.event.remove(store.engine, "before_cursor_execute", end_all_at_zero)
        assert len(ended) >= 6
        assert {"INSERT INTO threads ", "INSERT INTO tasks ", "INSERT INTO responses "} <= set(ended)
        assert totals(store) == truth(*written)
    admin.dispose()


def test_a_connection_lost_before_any_statement_is_taken_up_again(postgres_url: str, tmp_path: Path) -> None:
    """From the making of the tables on: whichever statement of an ingest it is, the ingest comes to its end."""
    thread = plain("new")
    thread.save(tmp_path)
    admin = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    ended: list[str] = []
    to_come = 0

    def end_all_at_zero(connection: sa.Connection, cursor: object, statement: str, *rest: object) -> None:
        nonlocal to_come
        if connection.engine is admin:
            return
        to_come -= 1
        if to_come == 0:
            with admin.connect() as other:
                assert other.execute(END_ALL).all()
            ended.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", end_all_at_zero)
    try:
        for fresh, number in [*((True, number) for number in (1, 2, 3)), *((False, number) for number in range(2, 17))]:
            if fresh:
                with admin.connect() as connection:
                    connection.execute(sa.text("DROP SCHEMA public CASCADE"))
                    connection.execute(sa.text("CREATE SCHEMA public"))
            to_come = number
            with Store.open(postgres_url) as store:
                thread.task("go on", 1)
                thread.save(tmp_path)
                read_into(store, tmp_path)
                to_come = 0
                assert totals(store) == truth(thread)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", end_all_at_zero)
        admin.dispose()
    assert any("pg_advisory" in statement for statement in ended)
    assert any(statement.startswith("SELECT session_files") for statement in ended)
    assert any(statement.startswith("UPDATE tasks") for statement in ended)


def test_own_runs_are_pushed_to_the_team_once(postgres_url: str) -> None:
    from test_ledger import RUN, run

    with Store.open(postgres_url) as store, Ledger.open() as ledger:
        ledger.record(RUN)
        ledger.record(run("b"))
        store.push(ledger.runs())
        ledger.set_outcome("b", "yes")
        store.push(ledger.runs())
        store.push([run("b")])  # from a machine that has not heard of the outcome
        assert store.push([run("c")._replace(source="board")]) == 0, "what was ingested is the ingester's"
        with store.engine.connect() as connection:
            rows = connection.execute(
                sa.select(store_tables.attempts.c.attempt_id, store_tables.attempts.c.outcome).order_by("attempt_id")
            ).all()
    assert rows == [("0199-a", "unknown"), ("b", "yes")]


def test_a_run_that_was_pushed_counts_once(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger of this machine and the team's hold it both; of other members, only the team's does."""
    from test_ledger import run

    from codex_router.commands.evidence_options import read_evidence

    monkeypatch.setenv("CODEX_ROUTER_DB", postgres_url)
    with Store.open() as store, Ledger.open() as ledger:
        ledger.record(run("mine"))
        store.push([*ledger.runs(), run("another-member-s")])
    found = read_evidence((), no_bundled=True, no_ledger=False)
    assert sorted(one.attempt_id for one in found.attempts) == ["another-member-s", "mine"]
