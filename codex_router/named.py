"""`NamedTuple` for what must start fast, without the `typing` module, which takes 4 ms to import.

That is `exec` until Codex runs, and the reader of sessions.

To a type checker it is `typing.NamedTuple` itself. At run time it makes the same classes, from the same
`collections.namedtuple`, but leaves the annotations as they are written.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
"""For type checkers, which take a variable of this name to be true; `typing` has one, and must be imported for it."""

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple  # noqa: PLC0414 - for others to import
else:

    class _Making(type):
        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body.get("__annotations__", {})
            defaults = [body[field] for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])  # noqa: PYI024
            made.__annotations__ = fields
            for key, value in body.items():
                if key not in fields and key not in {"__module__", "__annotations__"}:
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Making):
        """The base of a class whose annotated names are the fields of a tuple."""
