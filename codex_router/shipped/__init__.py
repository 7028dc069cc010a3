"""Find what ships: ``benchmarks-data/`` and ``profiles/`` from the top level, the classifier's weights from here.

A wheel carries them inside this package (see ``force-include`` in ``pyproject.toml``); a checkout and an editable
install have them at the top level of the repository.
"""

from __future__ import annotations

from pathlib import Path

from codex_router.errors import RouterError


def shipped(folder: str) -> Path:
    """Return the folder ``benchmarks-data`` or ``profiles``.

    Raises:
        RouterError: the installation is incomplete.
    """
    packaged = Path(__file__).parent / folder
    if packaged.is_dir():
        return packaged
    checkout = Path(__file__).parents[2] / folder
    if checkout.is_dir():
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
    path = Path(__file__).parent / name
    try:
        return path.read_bytes()
    except OSError as error:
        hint = "reinstall with `pip install --force-reinstall codex-profile-router`"
        raise RouterError(f"cannot be read: {error.strerror}", where=path, hint=hint) from None
