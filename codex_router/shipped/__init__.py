"""Find what ships: ``benchmarks-data/`` and ``profiles/`` from the top level, the classifier's weights from here.

A wheel carries them inside this package (see ``force-include`` in ``pyproject.toml``); a checkout and an editable
install have them at the top level of the repository.
"""

from __future__ import annotations

import os

from codex_router.errors import RouterError
from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HERE = os.path.dirname(__file__)


def shipped(folder: str) -> Path:
    """Return the folder ``benchmarks-data`` or ``profiles``.

    Raises:
        RouterError: the installation is incomplete.
    """
    from pathlib import Path

    return Path(shipped_folder(folder))


def shipped_folder(folder: str) -> str:
    """Return the same as a text; see `shipped`."""
    packaged = os.path.join(_HERE, folder)
    if os.path.isdir(packaged):
        return packaged
    checkout = os.path.join(os.path.dirname(os.path.dirname(_HERE)), folder)
    if os.path.isdir(checkout):
        return checkout
    raise RouterError(
        f"the folder `{folder}` is missing from this installation",
        where=packaged,
        hint="reinstall with `pip install --force-reinstall codex-profile-router`",
    )


def shipped_bytes(name: str) -> bytes:
    """Return a file of this folder.

    Raises:
        RouterError: the installation is incomplete.
    """
    path = os.path.join(_HERE, name)
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        hint = "reinstall with `pip install --force-reinstall codex-profile-router`"
        raise RouterError(f"cannot be read: {error.strerror}", where=path, hint=hint) from None
