"""The lines of a session file, fast: only lines that matter are parsed, none is held that is longer than it may be.

Codex writes a line's type before its content, so that one regular expression on the first bytes decides. The rest of
an unwanted line is passed over by a search for its end, never copied. A line whose beginning looks otherwise (another
program has rewritten it) is parsed to see what it is.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HEAD = re.compile(
    rb'\{"timestamp":"([^"\\\n]{0,40})",(?:"ordinal":\d{1,19},)?"type":"(\w{1,40})","payload":\{(?:"type":"(\w{1,40})")?'
)
CHUNK_BYTES = 1 << 16
"""Small enough for the allocator to reuse: larger ones are mapped, and cleared by the kernel, each time."""
LINE_BYTES = 8 << 20
"""Longer lines are not parsed; their length is all that is taken of them."""
ERRORS = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError)
"""What a line with other types than Codex writes raises."""
TYPED = frozenset({b"event_msg", b"response_item"})
"""Line types that say more in ``payload.type``."""
NEXT = b'{"timestamp":"'
"""How a line begins; inside another one, the writer of the first was killed."""


class Readable(Protocol):
    """What lines are read from: a file or a decompressing stream."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""


class Line:
    """One line; valid only while its handler runs."""

    __slots__ = ("data", "end", "match", "start")

    data: bytes
    start: int
    end: int
    """Its bytes are ``data[start:end]``."""
    match: re.Match[bytes]
    """Of `HEAD`."""

    @property
    def size(self) -> int:
        """Return its length in bytes."""
        return self.end - self.start

    @property
    def head(self) -> int:
        """Return where the payload's fields begin."""
        return self.match.end()

    @property
    def time(self) -> str:
        """Return its timestamp as Codex wrote it."""
        return self.match[1].decode("ascii", errors="replace")

    def payload(self) -> dict[str, Any]:
        """Parse the line.

        Raises:
            ValueError: it is no JSON, or too long to be parsed.
            TypeError: it is no object with a payload.
        """
        if self.size > LINE_BYTES:
            raise ValueError("too long")
        entry = parse(self.data[self.start : self.end])
        payload = entry.get("payload")
        if not isinstance(payload, dict):
            raise TypeError("no payload")
        return payload


def parse(line: bytes) -> dict[str, Any]:
    """Parse one line; invalid UTF-8 is replaced.

    Raises:
        ValueError: it is no JSON.
        TypeError: it is no object.
    """
    try:
        entry = json.loads(line.decode("utf-8", errors="replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(entry, dict):
        raise TypeError("no object")
    return entry


class Lines:
    """Reads lines and hands those of wanted kinds to their handlers.

    Args:
        handlers: by ``payload.type``, or by the line's type where the payload has none.
        skip: called with a reason for each line that cannot be understood.
        offset: where in the file the stream begins.
    """

    def __init__(
        self, handlers: Mapping[bytes, Callable[[Line], None]], skip: Callable[[str], None], offset: int = 0
    ) -> None:
        self.handlers = handlers
        self.skip = skip
        self.offset = offset
        """Behind the last whole line."""
        self._line = Line()

    def read(self, stream: Readable) -> None:
        """Read to the end of the stream; a last line that was cut is left for the next time."""
        rest = b""
        while chunk := stream.read(CHUNK_BYTES):
            data = rest + chunk if rest else chunk
            used = self._whole_lines(data)
            self.offset += used
            rest = data[used:] if used else data
            if len(rest) > LINE_BYTES:
                rest = self._long_line(rest, stream)
        if rest:
            self._unfinished(rest)

    def _whole_lines(self, data: bytes) -> int:
        """Take all whole lines; return how many bytes they are. The loop runs once a line: it is kept bare."""
        find, match, wanted, line = data.find, HEAD.match, self.handlers.get, self._line
        start = 0
        while (end := find(b"\n", start)) >= 0:
            head = match(data, start, end)
            if head is None:
                if end > start:
                    self._odd(data[start:end])
            else:
                kind, inner = head.group(2, 3)
                handler = wanted(inner or kind)
                if handler is not None:
                    line.data, line.start, line.end, line.match = data, start, end, head
                    try:
                        handler(line)
                    except ERRORS:
                        self._broken(data[start:end])
                elif inner is None and kind in TYPED:  # the type is not where Codex writes it
                    self._odd(data[start:end])
            start = end + 1
        return start

    def _broken(self, line: bytes) -> None:
        """Count a line that cannot be parsed; one that was begun behind a cut one is read all the same."""
        behind = line.rfind(NEXT)
        self.skip("too long" if len(line) > LINE_BYTES else "not understood")
        if behind > 0 and len(line) <= LINE_BYTES:
            self._whole_lines(line[behind:] + b"\n")

    def _odd(self, text: bytes) -> None:
        """Take a line that does not begin as Codex writes it: write it so, then take it."""
        try:
            entry = parse(text)
            payload = entry["payload"]
            kind = payload.get("type") or entry["type"]
            if kind.encode() not in self.handlers:
                return
            time = entry.get("timestamp")
            said = {"type": kind, **payload} if payload.get("type") else payload
            ordered = {"timestamp": time if isinstance(time, str) else "", "type": entry["type"], "payload": said}
            line = json.dumps(ordered, separators=(",", ":")).encode()
        except ERRORS:
            self._broken(text)
            return
        if HEAD.match(line) and b"\n" not in line:
            self._whole_lines(line + b"\n")
        else:
            self.skip("not understood")

    def _long_line(self, rest: bytes, stream: Readable) -> bytes:
        """Pass over a line that is too long to hold; return what follows it."""
        head, size = HEAD.match(rest), len(rest)
        begins = rest[: head.end()] if head else b""
        del rest
        while chunk := stream.read(CHUNK_BYTES):
            end = chunk.find(b"\n")
            if end >= 0:
                self.offset += size + end + 1
                self._too_long(begins, size + end)
                used = self._whole_lines(behind := chunk[end + 1 :])
                self.offset += used
                return behind[used:]
            size += len(chunk)
        return b""  # not ended yet: the offset stays before it

    def _too_long(self, begins: bytes, size: int) -> None:
        """Hand over the head and the length of a line, which is all that some kinds need."""
        head = HEAD.match(begins)
        if head is None:
            self.skip("too long")
            return
        handler = self.handlers.get(head[3] or head[2])
        if handler is None:
            return
        line = self._line
        line.data, line.start, line.end, line.match = begins, 0, size, head
        try:
            handler(line)
        except ERRORS:
            self.skip("too long")

    def _unfinished(self, rest: bytes) -> None:
        """Take a last line that is whole but for its end; one that is not is left for the next time."""
        try:
            parse(rest)
        except (ValueError, TypeError):
            return
        self._whole_lines(rest + b"\n")
        self.offset += len(rest)
