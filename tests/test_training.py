"""How the classifier is made: on a small invented corpus, since the real texts are other people's."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from codex_router.decide.classify import Classifier, classify
from codex_router.decide.prompt_features import features
from codex_router.decide.taxonomy import Category
from codex_router.decide.weights import OFFSET, write_weights
from codex_router.errors import RouterError
from codex_router.training import model, vectors
from codex_router.training.classifier import OWN_TESTS, HeldOut, calibrated, folds, held_out_answers
from codex_router.training.compress import compress, usage
from codex_router.training.corpus import (
    CLASSES,
    HERE,
    OWN,
    OWN_FILES,
    PROMPTS,
    Row,
    fingerprint,
    read_labels,
    read_own,
    read_table,
)
from codex_router.training.scores import auroc, calibration_error, macro_f1

WORDS = {"review": "audit inspect judge", "bugfix": "crash broken fails", "docs": "readme manual handbook"}
THINGS = ("parser", "server", "client", "router", "editor", "cache")


def rows() -> list[Row]:
    return [
        Row(label, f"{word} the {thing} please now", thing)
        for label, words in WORDS.items()
        for word in words.split()
        for thing in THINGS
    ]


@pytest.fixture(scope="module")
def small() -> tuple[model.Table, vectors.Vectors]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "DIMENSIONS", 5)
        learnt = vectors.learn_vectors([row.text for row in rows()] * 2)
    return model.fit(rows(), learnt), learnt


def test_it_learns_what_there_is_to_learn(small: tuple[model.Table, vectors.Vectors]) -> None:
    table, _ = small
    logits = table.logits([features("audit the compiler"), features("the compiler fails")])
    assert [CLASSES[k] for k in logits.argmax(axis=1)] == ["review", "bugfix"]


def test_what_ships_answers_like_the_table(small: tuple[model.Table, vectors.Vectors]) -> None:
    table, _ = small
    weights = compress(table, usage(features(row.text) for row in rows()))
    categories = [Category(name, "standard", 0.1, (name,)) for name in CLASSES if name != "none"]
    for row in rows():
        logits = table.logits([features(row.text)])[0]
        powers = np.exp(logits - logits.max())
        found = dict(classify(row.text, Classifier(weights, categories)).probabilities)
        assert [found[name] for name in CLASSES] == pytest.approx(powers / powers.sum(), abs=0.02)


def test_the_same_data_give_the_same_bytes(small: tuple[model.Table, vectors.Vectors]) -> None:
    table, learnt = small
    counts = usage(features(row.text) for row in rows())
    again = model.fit(rows(), learnt)
    assert write_weights(compress(again, counts)) == write_weights(compress(table, counts))


def test_vectors_put_words_of_like_company_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "DIMENSIONS", 4)
    texts = [f"{word} {thing}" for word in ("crash", "bug") for thing in THINGS] * 3
    texts += [f"{word} {thing}" for word in ("readme", "manual") for thing in ("page", "chapter", "title")] * 3
    learnt = vectors.learn_vectors(texts)

    def like(one: str, two: str) -> float:
        return float(learnt.values[learnt.words[one]] @ learnt.values[learnt.words[two]])

    assert like("crash", "bug") > like("crash", "readme")


def test_rows_of_a_crowded_repository_count_for_less() -> None:
    crowd = [Row("docs", "x", "large")] * 16 * model.CROWD
    weights = model.row_weights([*crowd, Row("docs", "x", "small"), *[Row("docs", "x", OWN)] * 2 * model.CROWD])
    assert weights.sum() == pytest.approx(1)
    assert weights[0] / weights[len(crowd)] == pytest.approx(16**-model.CROWDING)
    assert weights[-1] == pytest.approx(weights[len(crowd)])


def test_held_out_answers_are_those_of_the_double_labelled_rows() -> None:
    held = [Row("docs", "x", "a", double=True), Row("ops", "x", "a"), Row("none", "x", "b", double=True)]
    logits = np.zeros((3, len(CLASSES)))
    for row, label in enumerate(("docs", "docs", "none")):
        logits[row, CLASSES.index(label)] = 8.0
    weights = compress(model.Table(["w:x"], np.ones((1, len(CLASSES))), np.zeros(len(CLASSES))), Counter({"w:x": 1}))
    found = held_out_answers(HeldOut(held, logits), weights._replace(none_above=0.5))
    assert [CLASSES[k] for k in found.given] == ["docs", "none"]
    assert (list(found.tier_given), list(found.abstained)) == (["bulk", "standard"], [False, True])


def test_the_temperature_is_that_of_double_labelled_rows() -> None:
    """Three of four such rows are right: the likeliest temperature gives their answer a probability of 3/4."""
    logits = np.zeros((8, len(CLASSES)))
    logits[:, CLASSES.index("docs")] = 3.0
    held = [Row(label, "x", "a", double=True) for label in ("docs", "docs", "docs", "ops")]
    held += [Row("ops", "x", "a")] * 4
    weights = compress(model.Table(["w:x"], np.ones((1, len(CLASSES))), np.zeros(len(CLASSES))), Counter({"w:x": 1}))
    temperature = calibrated(weights, HeldOut(held, logits)).temperature
    chance = np.exp(3 / temperature) / (np.exp(3 / temperature) + len(CLASSES) - 1)
    assert chance == pytest.approx(0.75, abs=1e-3)


def test_the_largest_weight_is_kept_as_it_is() -> None:
    rows = np.linspace(-1, 1, 200 * len(CLASSES)).reshape(200, len(CLASSES))
    rows[7, 3] = 40.0
    names = [f"w:{i}" for i in range(200)]
    weights = compress(model.Table(names, rows, np.zeros(len(CLASSES))), Counter(dict.fromkeys(names, 1)))
    assert (max(weights.columns[3]) - OFFSET) * weights.scale == pytest.approx(40.0)


def test_a_repository_is_never_on_both_sides() -> None:
    fold_of = folds(Counter({f"repo{i}": 100 - i for i in range(30)}))
    assert sorted(fold_of) == sorted(f"repo{i}" for i in range(30))
    sizes = Counter(fold_of.values())
    assert max(sizes.values()) - min(sizes.values()) <= 1


def test_our_own_prompts_cover_every_class_and_no_test_prompt() -> None:
    own = [row for name in OWN_FILES for row in read_own(PROMPTS / name)]
    assert {path.name for path in PROMPTS.iterdir()} == set(OWN_FILES)
    assert {row.label for row in own} == set(CLASSES)
    tested = set()
    for name in OWN_TESTS.values():
        tested |= {row.text.lower() for row in read_own(Path(__file__).parent / "data" / name) if row.label != "none"}
    assert not tested & {row.text.lower() for row in own if row.label != "none"}


def test_labels_hold_marks_and_classes_only() -> None:
    labels = read_labels(HERE / "labels.txt")
    assert len(labels) > 3000
    assert all(len(mark) == len(fingerprint("")) and label in CLASSES for mark, label in labels.items())


def test_tables_are_unescaped(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("category\ttext\nops\ta\\nb\\tc\\\\n\n")
    assert read_table(tmp_path / "a.tsv") == [{"category": "ops", "text": "a\nb\tc\\n"}]
    with pytest.raises(RouterError, match="cannot be read"):
        read_table(tmp_path / "b.tsv")


def test_our_own_prompts_are_only_in_a_clone(tmp_path: Path) -> None:
    with pytest.raises(RouterError, match="cannot be read") as caught:
        read_own(tmp_path / "web.txt")
    assert "clone" in str(caught.value.hint)
    done = subprocess.run(
        [sys.executable, "-m", "codex_router.training.classifier", "--data", tmp_path],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {tmp_path / 'agent_train.tsv'}: cannot be read")


scores = st.lists(st.integers(0, 20), min_size=1, max_size=30)


@given(scores, scores)
def test_auroc_is_the_mann_whitney_statistic(positive: list[int], negative: list[int]) -> None:
    expected = stats.mannwhitneyu(positive, negative).statistic / (len(positive) * len(negative))
    assert auroc(np.array(positive), np.array(negative)) == pytest.approx(expected)


def test_macro_f1_by_hand() -> None:
    truth, given_ = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 0])
    assert macro_f1(truth, given_) == pytest.approx((0.5 + 0.8 + 0) / 3)


def test_calibration_error_by_hand_and_by_simulation() -> None:
    assert calibration_error(np.array([0.9, 0.9]), np.array([True, False])) == pytest.approx(0.4)
    generator = np.random.default_rng(1)
    chances = generator.uniform(size=200_000)
    assert calibration_error(chances, generator.uniform(size=200_000) < chances) < 0.005


def test_the_shipped_header_names_the_classes() -> None:
    from codex_router.shipped import shipped_bytes

    data = shipped_bytes("classifier.bin")
    head = json.loads(data[12 : 12 + int.from_bytes(data[8:12], "little")])
    assert tuple(head["classes"]) == CLASSES
