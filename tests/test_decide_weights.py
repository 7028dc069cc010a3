"""The classifier's weights as one binary file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_router.decide.weights import MAGIC, SLOTS, Weights, hashed, place, read_weights, rows_of, write_weights
from codex_router.errors import RouterError
from codex_router.shipped import shipped_bytes


def small(fingerprints: bytes, buckets: int = 2) -> Weights:
    assert len(fingerprints) == buckets * SLOTS
    columns = (bytes(range(buckets * SLOTS)), bytes(buckets * SLOTS))
    return Weights(("a", "b"), (0.5, -0.5), 0.01, 1.5, 0.9, 0.2, fingerprints, bytes(buckets * SLOTS), columns)


def test_what_was_written_is_read() -> None:
    weights = small(bytes(range(1, 17)))
    assert read_weights(write_weights(weights)) == weights


def test_a_feature_is_found_where_it_was_put() -> None:
    start, first, second = place(hashed("w:fix"), 2)
    table, seconds = bytearray(2 * SLOTS), bytearray([second ^ 1] * 2 * SLOTS)
    table[start + 3] = table[start + 5] = first
    one = small(bytes(table))._replace(seconds=bytes(seconds))
    assert rows_of([hashed("w:fix")], one) == []
    seconds[start + 5] = second
    assert rows_of([hashed("w:fix")], one._replace(seconds=bytes(seconds))) == [(0, start + 5)]
    assert rows_of([hashed("w:fix")], small(bytes(2 * SLOTS))) == []


@given(st.integers(0, 2**32 - 1), st.integers(1, 5000))
def test_every_feature_has_a_whole_bucket_and_a_mark_that_is_no_empty_slot(code: int, buckets: int) -> None:
    start, first, second = place(code, buckets)
    assert start % SLOTS == 0
    assert 0 <= start < buckets * SLOTS
    assert 1 <= first <= 255
    assert 0 <= second <= 255


def test_few_features_are_mistaken_for_others() -> None:
    weights = read_weights(shipped_bytes("classifier.bin"))
    unknown = [hashed(f"w:xq{number}") for number in range(100_000)]
    assert len(rows_of(unknown, weights)) < 100


@pytest.mark.parametrize(
    "data", [b"", b"x" * 500, MAGIC, MAGIC + b"\xff\xff\xff\xff{}", MAGIC + b"\x02\0\0\0[]", MAGIC + b"\x02\0\0\0{}"]
)
def test_what_is_no_such_file_is_one_clear_message(data: bytes) -> None:
    with pytest.raises(RouterError, match="weights") as error:
        read_weights(data, "classifier.bin")
    assert error.value.where == "classifier.bin"


def test_a_file_cut_short_is_refused() -> None:
    whole = write_weights(small(bytes(range(1, 17))))
    with pytest.raises(RouterError, match="cut short"):
        read_weights(whole[:-1])


def test_the_shipped_file_is_small_and_whole() -> None:
    data = shipped_bytes("classifier.bin")
    assert len(data) <= 300_000
    weights = read_weights(data)
    assert len(weights.classes) == len(weights.columns) == 11
    assert write_weights(weights) == data


def test_hashes_do_not_depend_on_the_process() -> None:
    assert hashed("w:fix") == 0xB4FD4D75
