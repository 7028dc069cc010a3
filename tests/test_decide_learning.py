"""Learning from the user's corrections."""

import tomllib

from codex_router.decide.classify import Classifier, classify
from codex_router.decide.learning import KEPT, correction, learn
from codex_router.decide.taxonomy import read_categories
from codex_router.decide.weights import read_weights
from codex_router.records import Correction
from codex_router.shipped import shipped, shipped_bytes

CATEGORIES = read_categories(tomllib.loads((shipped("profiles") / "categories.toml").read_text(encoding="utf-8")))
SHIPPED = Classifier(read_weights(shipped_bytes("classifier.bin")), CATEGORIES)


def taught(*told: Correction) -> Classifier:
    return SHIPPED._replace(learnt=learn(told, SHIPPED.weights))


def chance(prompt: str, category: str, judge: Classifier) -> float:
    return dict(classify(prompt, judge).probabilities)[category]


def test_a_corrected_prompt_is_judged_as_told_and_a_like_one_leans_that_way() -> None:
    prompt = "sync the price feed with the warehouse"
    judge = taught(*[correction(prompt, "ops")] * 3)
    assert classify(prompt, judge).category == "ops"
    like = "sync the stock feed with the warehouse"
    assert chance(like, "ops", judge) > chance(like, "ops", SHIPPED)


def test_a_prompt_with_nothing_in_common_is_judged_as_before() -> None:
    judge = taught(correction("zyzzyva quux frobnicate", "ops"))
    prompt = "Explain how the cache works."
    before, after = (dict(classify(prompt, one).probabilities) for one in (SHIPPED, judge))
    assert max(abs(after[name] - before[name]) for name in before) < 0.1


def test_one_correction_does_not_turn_plain_requests_over() -> None:
    judge = taught(correction("fix the release notes", "docs"))
    assert classify("fix the crash when the file is empty", judge).category == "bugfix"


def test_contradictory_corrections_settle_between() -> None:
    prompt = "sync the price feed with the warehouse"
    both = taught(correction(prompt, "ops"), correction(prompt, "feature"))
    one = taught(correction(prompt, "ops"))
    assert chance(prompt, "ops", both) < chance(prompt, "ops", one)


def test_categories_that_the_model_does_not_know_teach_nothing() -> None:
    assert learn([correction("port it", "port")], SHIPPED.weights) == {}


def test_what_is_kept_holds_no_text_and_stays_small() -> None:
    kept = correction("a secret name", "ops")
    assert all(0 <= code < 2**32 for code in kept.codes)
    assert kept._replace(codes=()) == Correction((), "ops")
    many = [correction(" ".join(f"w{i}x{j}" for j in range(60)), "ops") for i in range(40)]
    assert len(learn(many, SHIPPED.weights)) == KEPT
