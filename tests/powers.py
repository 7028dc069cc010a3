"""Be held to permissions, also as root."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

CAPABILITIES_V3 = 0x20080522
DAC_OVERRIDE, DAC_READ_SEARCH = 1 << 1, 1 << 2


@contextmanager
def without_powers() -> Iterator[None]:
    """Put aside what lets root ignore permissions, for this thread; an ordinary user has none of it to begin with."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_V3, 0)
    had = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable, each in two words
    assert libc.capget(header, had) == 0
    left = (ctypes.c_uint32 * 6)(*had)
    left[0] &= ~(DAC_OVERRIDE | DAC_READ_SEARCH)
    assert libc.capset(header, left) == 0
    try:
        yield
    finally:
        assert libc.capset(header, had) == 0
