"""The classifier's weights: one binary file, read at once, searched without numpy.

    8 bytes   magic and version
    4 bytes   length of the header, little-endian
    header    JSON: classes, biases, scale, temperature, thresholds, buckets
    table     two columns of fingerprints, then one column of weights per class; one byte each, weights offset by 128

A feature's CRC-32 names its bucket of eight slots and its fingerprint of two bytes. A feature that is not in the table
is mistaken for one that is in 1 of some 8,000 cases; with one byte it was 1 of 32, which cost a point of accuracy, more
than the features that the second byte leaves no room for.
"""

from __future__ import annotations

import json
from binascii import crc32

from codex_router.errors import RouterError
from codex_router.named import NamedTuple

MAGIC = b"CXRCLS\x00\x02"
SLOTS = 8
"""Slots of a bucket."""
OFFSET = 128
"""What a stored byte is for the weight 0."""
_BYTES = [bytes([value]) for value in range(256)]


class Weights(NamedTuple):
    """A linear model over hashed features."""

    classes: tuple[str, ...]
    biases: tuple[float, ...]
    """One per class, in nats before `temperature`."""
    scale: float
    """Nats of one step of a stored weight, before `temperature`."""
    temperature: float
    none_above: float
    """A prompt whose probability of holding no task is at least this holds none."""
    unsure_below: float
    """The most probable category is not acted on below this."""
    fingerprints: bytes
    """First bytes; 0 is an empty slot."""
    seconds: bytes
    """Second bytes."""
    columns: tuple[bytes, ...]
    """One column of stored weights per class."""


def read_weights(data: bytes, where: object = None) -> Weights:
    """Read the file's bytes.

    Raises:
        RouterError: it is no such file, or it is cut short.
    """
    hint = "reinstall with `pip install --force-reinstall codex-profile-router`"
    if data[:8] != MAGIC:
        raise RouterError("no classifier weights of this version", where=where, hint=hint)
    try:
        length = int.from_bytes(data[8:12], "little")
        head = json.loads(data[12 : 12 + length])
        rows, start = head["buckets"] * SLOTS, 12 + length
        columns = [data[start + rows * k : start + rows * (k + 1)] for k in range(len(head["classes"]) + 2)]
        if not all(len(column) == rows for column in columns):
            raise RouterError("the classifier weights are cut short", where=where, hint=hint)
        return Weights(
            classes=tuple(head["classes"]),
            biases=tuple(head["biases"]),
            scale=head["scale"],
            temperature=head["temperature"],
            none_above=head["none_above"],
            unsure_below=head["unsure_below"],
            fingerprints=columns[0],
            seconds=columns[1],
            columns=tuple(columns[2:]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RouterError(f"the classifier weights cannot be read: {error}", where=where, hint=hint) from None


def write_weights(weights: Weights) -> bytes:
    """Return the file's bytes; the inverse of `read_weights`."""
    head = {
        "classes": weights.classes,
        "biases": weights.biases,
        "scale": weights.scale,
        "temperature": weights.temperature,
        "none_above": weights.none_above,
        "unsure_below": weights.unsure_below,
        "buckets": len(weights.fingerprints) // SLOTS,
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    table = (weights.fingerprints, weights.seconds, *weights.columns)
    return b"".join((MAGIC, len(text).to_bytes(4, "little"), text, *table))


def hashed(name: str) -> int:
    """Return the 32 bits under which a feature is known."""
    return crc32(name.encode("utf-8", "surrogatepass"))


def place(code: int, buckets: int) -> tuple[int, int, int]:
    """Return the first slot of a feature's bucket, and the two bytes of its fingerprint, the first of them not 0."""
    rest, bucket = divmod(code >> 8, buckets)
    return bucket * SLOTS, (code & 0xFF) or 1, rest & 0xFF


def rows_of(codes: list[int], weights: Weights) -> list[tuple[int, int]]:
    """Return (position in `codes`, row of the table) of the features that the table knows."""
    fingerprints, seconds = weights.fingerprints, weights.seconds
    buckets = len(fingerprints) // SLOTS
    find = fingerprints.find
    found = []
    for position, code in enumerate(codes):
        start, first, second = place(code, buckets)
        mark, end = _BYTES[first], start + SLOTS
        row = find(mark, start, end)
        while row >= 0:
            if seconds[row] == second:
                found.append((position, row))
                break
            row = find(mark, row + 1, end)
    return found
