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
CHUNK_BYTES = 1 << 18
LINE_BYTES = 8 << 20
"""Longer lines are not parsed; their length is all that is taken of them."""
HEAD_BYTES = 512
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

    __slots__ = ("data", "end", "head", "kind", "start", "time")

    data: bytes
    start: int
    end: int
    """Its bytes are ``data[start:end]``."""
    head: int
    """Where the payload's fields begin."""
    kind: bytes
    time: str

    @property
    def size(self) -> int:
        """Return its length in bytes."""
        return self.end - self.start

    def payload(self) -> dict[str, Any]:
        """Parse the line.

        Raises:
            ValueError: it is no JSON object with a payload, or too long to be parsed.
        """
        if self.size > LINE_BYTES:
            raise ValueError("too long")
        entry = parse(self.data[self.start : self.end])
        payload = entry.get("payload")
        if not isinstance(payload, dict):
            raise ValueError("no payload")
        return payload


def parse(line: bytes) -> dict[str, Any]:
    """Parse one line; invalid UTF-8 is replaced.

    Raises:
        ValueError: it is no JSON object.
    """
    try:
        entry = json.loads(line.decode("utf-8", errors="replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(entry, dict):
        raise ValueError("no object")
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
        """Read to the end of the stream; a last line without its end is left for the next time."""
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
        find, match, wanted, line = data.find, HEAD.match, self.handlers.get, self._line
        line.data = data
        start = 0
        while (end := find(b"\n", start)) >= 0:
            head = match(data, start, end)
            if head is None:
                if end > start:
                    self._odd(data[start:end])
                    line.data = data
            else:
                time, kind, inner = head.groups()
                handler = wanted(inner or kind)
                if handler is not None or (inner is None and kind in TYPED):
                    line.start, line.end, line.head, line.kind = start, end, head.end(), inner or kind
                    line.time = time.decode("ascii", errors="replace")
                    self._handle(handler)
            start = end + 1
        return start

    def _handle(self, handler: Callable[[Line], None] | None) -> None:
        line = self._line
        data = line.data
        try:
            if handler is None:  # the payload's type is not where Codex writes it
                self._odd(data[line.start : line.end])
            else:
                handler(line)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            self._broken(data[line.start : line.end])
        line.data = data

    def _broken(self, line: bytes) -> None:
        """Count a line that cannot be parsed; one that was begun behind a cut one is read all the same."""
        behind = line.rfind(NEXT)
        self.skip("too long" if len(line) > LINE_BYTES else "not understood")
        if behind > 0 and len(line) <= LINE_BYTES:
            self._whole_lines(line[behind:] + b"\n")

    def _odd(self, text: bytes) -> None:
        """Take a line that does not begin as Codex writes it."""
        try:
            entry = parse(text)
            payload = entry["payload"]
            kind = payload.get("type") or entry["type"]
            handler = self.handlers.get(kind.encode())
        except (ValueError, TypeError, KeyError, AttributeError):
            self._broken(text)
            return
        if handler is None:
            return
        line = self._line
        line.data = json.dumps({"payload": payload}).encode()
        line.start, line.end, line.head, line.kind = 0, len(line.data), 0, kind.encode()
        time = entry.get("timestamp")
        line.time = time if isinstance(time, str) else ""
        try:
            handler(line)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            self.skip("not understood")

    def _long_line(self, rest: bytes, stream: Readable) -> bytes:
        """Pass over a line that is too long to hold; return what follows it."""
        head = HEAD.match(rest)
        size = len(rest)
        behind = b""
        while chunk := stream.read(CHUNK_BYTES):
            end = chunk.find(b"\n")
            if end >= 0:
                size += end
                behind = chunk[end + 1 :]
                break
            size += len(chunk)
        else:
            return b""  # not ended yet: the offset stays before it
        self.offset += size + 1
        handler = self.handlers.get(head[3] or head[2]) if head else None
        if head is None or handler is not None:
            self._too_long(head, handler, size)
        used = self._whole_lines(behind)
        self.offset += used
        return behind[used:]

    def _too_long(self, head: re.Match[bytes] | None, handler: Callable[[Line], None] | None, size: int) -> None:
        if head is None or handler is None:
            self.skip("too long")
            return
        line = self._line
        line.data, line.start, line.end, line.head = head[0], 0, size, head.end()
        line.kind, line.time = head[3] or head[2], head[1].decode("ascii", errors="replace")
        try:
            handler(line)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            self.skip("too long")

    def _unfinished(self, rest: bytes) -> None:
        """Take a last line that is whole but for its end; the offset stays before it."""
        try:
            parse(rest)
        except ValueError:
            return
        self._whole_lines(rest + b"\n")
