"""`named.NamedTuple` against `typing.NamedTuple`: the same class body makes the same class."""

from __future__ import annotations

import pickle
import typing

import pytest

from codex_router import named
from codex_router.records import Arm, Usage

BODY = '''
class Point({base}):
    """A place."""

    x: int
    y: int = 2
    """Upwards."""

    @property
    def sum(self) -> int:
        return self.x + self.y

    def __str__(self) -> str:
        return f"({{self.x}}, {{self.y}})"
'''


def point(base: str) -> typing.Any:
    names: dict[str, typing.Any] = {"typing": typing, "named": named, "__name__": __name__}
    exec(f"from __future__ import annotations\n{BODY.format(base=base)}", names)
    return names["Point"]


def test_the_class_is_the_same() -> None:
    ours, theirs = point("named.NamedTuple"), point("typing.NamedTuple")
    for name in ("__name__", "__doc__", "__module__", "__qualname__", "_fields", "_field_defaults", "__mro__"):
        assert str(getattr(ours, name)) == str(getattr(theirs, name)), name
    assert ours.__annotations__ == {"x": "int", "y": "int"}
    assert set(dir(theirs)) - set(dir(ours)) <= {"__orig_bases__"}


def test_its_tuples_are_the_same() -> None:
    ours, theirs = (point(base)(1) for base in ("named.NamedTuple", "typing.NamedTuple"))
    assert ours == theirs == (1, 2)
    assert (repr(ours), str(ours), ours.sum) == (repr(theirs), str(theirs), 3)
    assert ours._replace(y=5)._asdict() == {"x": 1, "y": 5}
    with pytest.raises(TypeError, match="required positional argument"):
        point("named.NamedTuple")()


def test_records_can_be_pickled_and_have_their_own_addition() -> None:
    assert pickle.loads(pickle.dumps(Arm("m", "low"))) == Arm("m", "low")
    assert Usage(1, 2) + Usage(3) == Usage(4, 2)
