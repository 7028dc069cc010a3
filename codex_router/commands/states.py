"""The states of the work tree during a checked run: stored one by one, brought back when the next attempt needs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_router.codex.git import Git
from codex_router.codex.inside import REFS
from codex_router.codex.obstacle import obstacle
from codex_router.codex.restore import restore
from codex_router.codex.snapshot import Snapshot, take
from codex_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Callable


class States:
    """The states of one work tree, by number: 0 from before, then one per attempt.

    Args:
        folder: where Codex works.
        say: takes a line for the user.
    """

    def __init__(self, folder: str, say: Callable[[str], None]) -> None:
        self._say = say
        self._stored: dict[int, Snapshot] = {}
        self._git: Git | None = None
        self.prefix = ""
        """Of the refs; set before the first state is stored."""
        self.in_place: int | None = None
        """Whose state the tree has now; None when that is not known."""
        self.obstacle: str | None = None
        """Why nothing is brought back; None when all is well."""
        try:
            git = Git(folder)
            self.obstacle = obstacle(git)
        except RouterError as error:
            self.obstacle = error.what
            return
        self._git = git if self.obstacle is None else None

    @property
    def top(self) -> str | None:
        """Return the work tree's top; None when nothing is stored."""
        return os.fsdecode(self._git.top) if self._git else None

    @property
    def can_go_back(self) -> bool:
        """Tell whether the state from before can be brought back."""
        return self._git is not None and 0 in self._stored

    def ref(self, number: int) -> str | None:
        """Return where a state is stored; None when it is not."""
        return self._stored[number].ref if number in self._stored else None

    def store(self, number: int, why: str) -> None:
        """Store the present state as that of `number`; if that fails, nothing is brought back any more."""
        self.in_place = number
        if self._git is None:
            return
        try:
            self._stored[number] = take(self._git, f"{REFS}/{self.prefix}/{number}", why)
        except (RouterError, OSError) as error:
            self._say(f"no snapshot: {error}; from here on nothing is brought back")
            self._git, self.obstacle = None, str(error)
            return
        left_alone = [path for path, is_there in self._stored[number].state.repositories.items() if is_there]
        if left_alone and not number:
            names = ", ".join(f"`{path}`" for path in left_alone)
            self._say(f"left alone, a change in it could not be taken back: {names} (a repository of its own)")

    def back_to(self, number: int, keep_as: str, why: str) -> tuple[str, ...] | None:
        """Bring a state back, storing the present one under another name.

        Returns:
            the repositories inside that are not as they were; None when it failed.
        """
        if self._git is None or number not in self._stored:
            return None
        try:
            done = restore(self._git, self._stored[number], f"{REFS}/{self.prefix}/{keep_as}", why)
        except RouterError as error:
            self._say(f"the tree cannot be brought back: {error}")
            self.in_place = None
            return None
        self.in_place = number
        if done.aside:
            self._say(f"in the way, kept under another name: {', '.join(done.aside)}")
        return done.repositories

    def __str__(self) -> str:
        if self.in_place is None or not self._stored:
            return "the work so far is left in place"
        return (
            "the tree is as it was before" if self.in_place == 0 else f"the tree is as attempt {self.in_place} left it"
        )
