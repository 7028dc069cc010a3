"""The lines of a session file, fast: only lines that matter are parsed, none is held that is longer than it may be.

Codex writes a line's type before its content, mostly at the same place as in the line before: one look there names
the kind of the line, whatever else it holds. Where the look fails, a regular expression reads the beginning. A line
whose beginning looks otherwise (another program has rewritten it) is parsed to see what it is.
"""

from __future__ import annotations

import json
import re

from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Protocol

    class Readable(Protocol):
        """What lines are read from: a file or a decompressing stream."""

        def readline(self, size: int, /) -> bytes:
            """Return a line with its end, or the first `size` bytes of it; none at the end."""

        def read(self, size: int, /) -> bytes:
            """Return that many bytes, fewer at the end."""

        def seek(self, offset: int, /) -> int:
            """Go on from there; a decompressing stream cannot."""

        def tell(self) -> int:
            """Return how many bytes were read."""


HEAD = re.compile(
    rb'\{"timestamp":"[^"\\\n]{0,40}",(?:"ordinal":\d{1,19},)?"type":"(\w{1,40})","payload":\{(?:"type":"(\w{1,40})")?'
)
DECODER = json.JSONDecoder()
LINE_BYTES = 8 << 20
"""Longer lines are not parsed; their length is all that is taken of them."""
CHUNK_BYTES = 1 << 16
"""What is read at a time of longer ones."""
ERRORS = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError)
"""What a line with other types than Codex writes raises."""
TYPED = frozenset({b"event_msg", b"response_item"})
"""Line types that say more in ``payload.type``."""
NEXT = b'{"timestamp":"'
"""How a line begins; inside another one, the writer of the first was killed."""
BEGINS = len(NEXT)
TYPE = b'"type":"'
KEY_BYTES = len(b'"type":"response_item","payload":{"type":"local_shell_call"')
"""What tells the kinds of lines apart, but for those of tools' outputs, which have longer names."""
KINDS = 1000
"""Beginnings that are remembered; there are some thirty, and others where a file is not Codex's."""
NEWLINE = 10


class Line:
    """One line; valid only while its handler runs."""

    __slots__ = ("data", "head")

    data: bytes
    """With its end."""
    head: int
    """Where the payload's fields begin."""

    @property
    def size(self) -> int:
        """Return its length in bytes, without its end."""
        return len(self.data) - 1

    @property
    def time(self) -> str:
        """Return its timestamp as Codex wrote it."""
        return self.data[BEGINS : self.data.index(b'"', BEGINS)].decode("ascii", "replace")

    def payload(self) -> dict[str, Any]:
        """Parse the line.

        Raises:
            ValueError: it is no JSON, or too long to be parsed.
            TypeError: it is no object with a payload.
        """
        payload = parse(self.data).get("payload")
        if not isinstance(payload, dict):
            raise TypeError("no payload")
        return payload


class LongLine(Line):
    """The beginning of a line that is too long to be parsed."""

    __slots__ = ("_size",)

    def __init__(self, begins: bytes, head: int, size: int) -> None:
        self.data, self.head, self._size = begins, head, size

    @property
    def size(self) -> int:
        """Return its length in bytes, without its end."""
        return self._size

    def payload(self) -> dict[str, Any]:
        """Refuse.

        Raises:
            ValueError: always.
        """
        raise ValueError("too long")


def parse(line: bytes) -> dict[str, Any]:
    """Parse one line; invalid UTF-8 is replaced.

    Raises:
        ValueError: it is no JSON.
        TypeError: it is no object.
    """
    text = line.decode("utf-8", "replace").rstrip()
    try:
        entry, end = _decoded(text)
        if end < len(text):
            entry = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(entry, dict):
        raise TypeError("no object")
    return entry


def _decoded(text: str) -> tuple[Any, int]:
    """Do what `json.loads` does behind its checks, which take as long for short lines."""
    try:
        return DECODER.raw_decode(text)
    except ValueError:
        return None, -1


class Lines:
    """Reads lines and hands those of wanted kinds to their handlers.

    Args:
        handlers: by ``payload.type``, or by the line's type where the payload has none. One whose name does not fit
            into `KEY_BYTES` may be given lines of kinds that begin alike, and must look itself.
        skip: called with a reason for each line that cannot be understood.
        offset: behind the last whole line, after reading.
    """

    def __init__(self, handlers: Mapping[bytes, Callable[[Line], None]], skip: Callable[[str], None]) -> None:
        self.handlers = handlers
        self.skip = skip
        self.offset = 0
        self._known: dict[bytes, tuple[Callable[[Line], None] | None, int]] = {}
        """By what a line holds from its type on: who takes it, and where its payload's fields begin behind that."""
        self._type_at = 0
        """Where the newest line that was looked at closely has its type."""

    def read(self, stream: Readable) -> None:
        """Read to the end of the stream; a last line that was cut is left for the next time.

        The loop runs once a line: it is kept bare.
        """
        readline, known, line = stream.readline, self._known.get, Line()
        at, left, most = 0, 0, LINE_BYTES + 1
        while data := readline(most):
            found = known(data[at : at + KEY_BYTES])
            if found is None or data[-1] != NEWLINE or not data.startswith(NEXT):
                left = self._look(data) if data[-1] == NEWLINE else self._endless(data, stream)
                at = self._type_at
            elif found[0] is not None:
                line.data, line.head = data, at + found[1]
                try:
                    found[0](line)
                except ERRORS:
                    self._broken(data)
        self.offset = stream.tell() - left

    def _look(self, data: bytes) -> int:
        """Take one line whose beginning was not met before, at least not there."""
        head = HEAD.match(data)
        if head is None:
            if len(data) > 1:
                self._odd(data)
            return 0
        kind, inner = head.groups()
        handler = self.handlers.get(inner or kind)
        if handler is None and inner is None and kind in TYPED:  # the type is not where Codex writes it
            self._odd(data)
            return 0
        self._type_at = at = head.start(1) - len(TYPE)
        if at + KEY_BYTES < len(data) and (handler is not None or head.end() <= at + KEY_BYTES):
            if len(self._known) > KINDS:
                self._known.clear()
            self._known[data[at : at + KEY_BYTES]] = handler, head.end() - at
        if handler is not None:
            line = Line()
            line.data, line.head = data, head.end()
            try:
                handler(line)
            except ERRORS:
                self._broken(data)
        return 0

    def _broken(self, data: bytes) -> None:
        """Count a line that cannot be parsed; one that was begun behind a cut one is read all the same."""
        self.skip("not understood")
        behind = data.rfind(NEXT)
        if behind > 0:
            self._look(data[behind:])

    def _odd(self, data: bytes) -> None:
        """Take a line that does not begin as Codex writes it: write it so, then take it."""
        try:
            entry = parse(data)
            payload = entry["payload"]
            kind = payload.get("type") or entry["type"]
            if kind.encode() not in self.handlers:
                return
            time = entry.get("timestamp")
            said = {"type": kind, **payload} if payload.get("type") else payload
            ordered = {"timestamp": time if isinstance(time, str) else "", "type": entry["type"], "payload": said}
            line = json.dumps(ordered, separators=(",", ":")).encode() + b"\n"
        except ERRORS:
            self._broken(data)
            return
        if HEAD.match(line) and line.count(b"\n") == 1:
            self._look(line)
        else:
            self.skip("not understood")

    def _endless(self, data: bytes, stream: Readable) -> int:
        """Take the beginning of a line that is too long, or the last one; return what of it is left for the next time.

        The last line is taken when it is whole but for its end.
        """
        if len(data) <= LINE_BYTES:
            try:
                parse(data)
            except (ValueError, TypeError):
                return len(data)
            return self._look(data + b"\n")
        size = len(data)
        while more := stream.readline(CHUNK_BYTES):
            size += len(more)
            if more[-1] == NEWLINE:
                self._too_long(data, size - 1)
                return 0
        return size

    def _too_long(self, data: bytes, size: int) -> None:
        """Hand over the beginning and the length of a line, which is all that some kinds need."""
        head = HEAD.match(data)
        if head is None:
            self.skip("too long")
            return
        handler = self.handlers.get(head[2] or head[1])
        if handler is None:
            return
        try:
            handler(LongLine(data[: head.end()], head.end(), size))
        except ERRORS:
            self.skip("too long")
