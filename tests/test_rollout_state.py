"""What is kept between two readings of a session file."""

import pytest

from codex_router.evidence.rollout_state import OpenTask, State


@pytest.mark.parametrize("kept", [OpenTask, State])
def test_every_field_that_is_annotated_has_a_default_and_no_other(kept: type[OpenTask] | type[State]) -> None:
    assert set(kept.__annotations__) - {"FIELDS"} == set(kept.FIELDS)
    assert {name: getattr(kept(), name) for name in kept.FIELDS} == kept.FIELDS
