"""What is exported and imported is the same ledger, in every form and database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from session_corpus import old_review, plain, truth
from test_store import read_into, totals

from codex_router.errors import RouterError
from codex_router.evidence.exchange import TABLES, Format, export, import_
from codex_router.evidence.ledger import Ledger
from codex_router.evidence.store import Store
from codex_router.evidence.usage import spent

FORMS: list[Format] = ["jsonl", "parquet"]


def other(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path / 'other.sqlite'}")


@pytest.mark.parametrize("form", FORMS)
def test_there_and_back(store: Store, tmp_path: Path, form: Format) -> None:
    threads = [plain(shape, seed) for seed, shape in enumerate(["old", "middle", "new"])]
    for thread in threads:
        thread.save(tmp_path / "home")
    read_into(store, tmp_path / "home")
    rows = export(store, tmp_path / "out", form)
    assert rows["threads"] == 3
    assert rows["responses"] == sum(len(thread.answers) for thread in threads)
    with other(tmp_path) as target:
        assert import_(target, tmp_path / "out") == rows
        assert set(import_(target, tmp_path / "out").values()) == {0}
        assert totals(target) == truth(*threads)
        assert spent(target, ["model", "category"]) == spent(store, ["model", "category"])
        again = export(target, tmp_path / "again", form)
    assert again == rows
    for name in TABLES:
        path = f"{name}.{form}"
        if form == "jsonl":
            assert (tmp_path / "out" / path).read_bytes() == (tmp_path / "again" / path).read_bytes()


def test_two_ledgers_are_joined(tmp_path: Path) -> None:
    both, mine, theirs = plain("new", 1), plain("new", 2), plain("old", 3)
    for thread in (both, mine):
        thread.save(tmp_path / "mine")
    for thread in (both, theirs):
        thread.save(tmp_path / "theirs")
    with Store.open() as here, other(tmp_path) as there:
        read_into(here, tmp_path / "mine")
        read_into(there, tmp_path / "theirs")
        export(there, tmp_path / "out", "jsonl")
        assert import_(here, tmp_path / "out")["threads"] == 1
        assert totals(here) == truth(both, mine, theirs)
        assert spent(here)[0].spend.responses == sum(len(thread.answers) for thread in (both, mine, theirs))


def test_a_turn_that_has_gone_on_is_brought_in_again(store: Store, tmp_path: Path) -> None:
    thread = plain("new")
    thread.task("and something else", 3, end=False)
    thread.save(tmp_path / "home")
    with other(tmp_path) as source:
        read_into(source, tmp_path / "home")
        export(source, tmp_path / "first", "jsonl")
        for _ in range(2):
            thread.respond(tool=False)
        thread.put("event_msg", {"type": "task_complete", "turn_id": thread.turn, "last_agent_message": "done"})
        thread.save(tmp_path / "home")
        read_into(source, tmp_path / "home")
        export(source, tmp_path / "second", "jsonl")
    t = TABLES["tasks"].c
    query = sa.select(t.responses, t.ended).where(t.turn_id == thread.turn)
    found = []
    for folder in ("first", "second", "first"):
        import_(store, tmp_path / folder)
        with store.engine.connect() as connection:
            found += [tuple(row) for row in connection.execute(query)]
    assert found == [(3, "abort"), (5, "completed"), (5, "completed")]
    assert totals(store) == truth(thread)


def test_what_was_said_of_a_run_later_is_brought_in(tmp_path: Path) -> None:
    from test_ledger import run

    said = []
    with other(tmp_path) as there:
        for outcome in (None, "yes"):
            with Ledger.open() as ledger:
                ledger.record(run("a"))
                if outcome:
                    ledger.set_outcome("a", "yes")
            with Store.open() as here:
                export(here, tmp_path / "out", "jsonl")
            import_(there, tmp_path / "out")
            with there.engine.connect() as connection:
                said.append(connection.execute(sa.select(TABLES["attempts"].c.outcome)).scalar())
    assert said == ["unknown", "yes"]


def test_the_runs_of_two_machines_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ledger counts its runs from one."""
    from test_ledger import run

    with other(tmp_path) as there:
        for machine in ("a", "b"):
            monkeypatch.setenv("CODEX_ROUTER_HOME", str(tmp_path / machine))
            with Ledger.open() as ledger:
                ledger.record(run(machine))
            with Store.open() as here:
                export(here, tmp_path / machine / "out", "jsonl")
            assert import_(there, tmp_path / machine / "out")["attempts"] == 1
        with there.engine.connect() as connection:
            names = connection.execute(sa.select(TABLES["attempts"].c.attempt_id)).scalars().all()
    assert sorted(names) == ["a", "b"]


def test_a_review_finds_its_parent_in_another_machines_ledger(store: Store, tmp_path: Path) -> None:
    """An older Codex does not name the parent; its turn does."""
    parent, review = old_review()
    parent.save(tmp_path / "mine")
    review.save(tmp_path / "theirs")
    read_into(store, tmp_path / "mine")
    with other(tmp_path) as there:
        read_into(there, tmp_path / "theirs")
        export(there, tmp_path / "out", "jsonl")
    import_(store, tmp_path / "out")
    assert {line.key for line in spent(store, ["session"])} == {(parent.id,)}


def test_runs_go_along(tmp_path: Path) -> None:
    from test_ledger import RUN

    with Ledger.open() as ledger:
        ledger.record(RUN)
    with Store.open() as here, other(tmp_path) as there:
        export(here, tmp_path / "out", "parquet")
        assert import_(there, tmp_path / "out")["attempts"] == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "other columns"),
        ("nonsense", "no JSON"),
        ("[1]", "other columns"),
        ("null", "other columns"),
    ],
)
def test_what_is_not_ours_is_refused_whole(tmp_path: Path, text: str, told: str) -> None:
    plain("new").save(tmp_path / "home")
    with Store.open() as here, other(tmp_path) as there:
        read_into(here, tmp_path / "home")
        export(here, tmp_path / "out", "jsonl")
        with (tmp_path / "out" / "responses.jsonl").open("a") as stream:
            stream.write(text + "\n")
        with pytest.raises(RouterError, match=told) as error:
            import_(there, tmp_path / "out")
        assert "responses.jsonl:9" in str(error.value)
        assert totals(there) == {}


def test_impossible_values_are_refused(tmp_path: Path) -> None:
    plain("new").save(tmp_path / "home")
    with Store.open() as here, other(tmp_path) as there:
        read_into(here, tmp_path / "home")
        export(here, tmp_path / "out", "jsonl")
        path = tmp_path / "out" / "responses.jsonl"
        row = json.loads(path.read_text().splitlines()[0])
        for bad in (
            {"input_tokens": "9"},
            {"input_tokens": True},
            {"model": None},
            {"cost_usd": "x"},
            {"model": "\ud800"},
            {"model": "gpt\0"},
        ):
            path.write_text(json.dumps(row | bad) + "\n")
            with pytest.raises(RouterError, match="impossible value"):
                import_(there, tmp_path / "out")
        with there.engine.connect() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(TABLES["threads"])).scalar() == 0


def test_an_empty_folder(tmp_path: Path) -> None:
    with other(tmp_path) as there, pytest.raises(RouterError, match="cannot be read"):
        import_(there, tmp_path)
