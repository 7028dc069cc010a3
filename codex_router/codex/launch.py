"""Start Codex as if it had been started directly.

Standard streams, environment, process group and working folder are Codex's own. Nothing but the standard library is
imported, and of that little: this stands between the user and the first byte of Codex. What follows the run to its
end (`supervise`) is imported when Codex is on its way.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

from codex_router.codex.processes import Process, family
from codex_router.errors import ExitCode, LaunchError
from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType
    from typing import Self

TAKEN = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGALRM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTSTP,
)
"""Signals that are Codex's while it runs: all that people send and that would end us; Codex would then go on alone."""
TYPED = frozenset({signal.SIGINT, signal.SIGQUIT})
"""Those that end it, and that a terminal sends to everybody in its foreground."""
SUSPENDS = frozenset({signal.SIGTSTP})
"""Those that suspend it."""
HEARD_S = 2.0
"""How long Codex may go on behind a key that ends it; it takes 0.2 s."""
COERCED = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})
"""What Python may set ``LC_CTYPE`` to."""


class Launched:
    """A Codex that is being started; use it as a context manager, inside of which signals to us are Codex's.

    When the block fails, Codex is stopped: nobody would hold its budget any more.

    Args:
        argv: the command line; ``argv[0]`` is the executable.
        stdin: a descriptor to give it as standard input; None is our own.

    Raises:
        LaunchError: it cannot be started (126, 127).
    """

    def __init__(self, argv: list[str], stdin: int | None = None) -> None:
        self.started = time.time()
        self.pid = 0
        self.running = False
        """False too once its end was noticed: the number may then belong to somebody else."""
        self.interrupted = False
        """A signal reached Codex, through us or beside us."""
        self.late: int | None = None
        """A signal that came when Codex had ended, and that nobody has heeded."""
        self.writer: Process | None = None
        """The Codex that writes the session file, once it is seen; what was started may be a launcher above it."""
        self.below: list[Process] = []
        """What ran below Codex when it was told to stop."""
        self.tools: list[Process] = []
        """What ran below Codex when it was last looked at."""
        self._argv, self._stdin = argv, stdin
        self._early: list[int] = []
        self._typed: tuple[int, float] | None = None
        self._old: dict[int, object] = {}

    def __enter__(self) -> Self:
        try:
            for number in TAKEN:
                if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup; Codex then inherits that
                    self._old[number] = signal.signal(number, self._suspend if number in SUSPENDS else self._take)
            self.pid = _spawn(self._argv, self._stdin)
        except BaseException:
            self._put_back()
            raise
        self.running = True
        for early in self._early:
            send(self.pid, early)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and self.running:
            from codex_router.codex.supervise import stop

            stop(self)
        self._put_back()

    def _put_back(self) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self.running:
            self.interrupted = True
            self.below += family(self.pid)[1:]
            if number in TYPED and in_foreground():
                self._typed = number, time.monotonic()
            else:
                send(self.pid, number)
        elif self.pid:
            self.late = number
        else:
            self._early.append(number)
            self.interrupted = True

    def hand_on(self, now: float) -> None:
        """Hand on what a key should have told Codex: if it still runs, no key was pressed, and we alone were told."""
        if self._typed is not None and now - self._typed[1] > HEARD_S:
            send(self.pid, self._typed[0])
            self._typed = None

    def _suspend(self, number: int, _frame: FrameType | None) -> None:
        """Stop with Codex and go on with it, whether Ctrl-Z was typed or the signal was sent to us alone."""
        alone = self.running and not in_foreground()
        if alone:
            send(self.pid, number)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # here we stand until somebody continues us
        signal.signal(number, self._suspend)
        if alone and self.running:
            send(self.pid, signal.SIGCONT)


def _spawn(argv: list[str], stdin: int | None) -> int:
    actions = [] if stdin is None else [(os.POSIX_SPAWN_DUP2, stdin, 0)]
    try:
        # Python ignores these two; Codex and its tools must find them as a shell would have left them.
        return os.posix_spawn(
            argv[0], argv, _environment(), file_actions=actions, setsigdef=(signal.SIGPIPE, signal.SIGXFSZ)
        )
    except FileNotFoundError:
        raise LaunchError("there is no such file", where=argv[0], exit_code=ExitCode.NOT_FOUND) from None
    except OSError as error:
        raise LaunchError(
            f"Codex cannot be run: {error.strerror}", where=argv[0], exit_code=ExitCode.NOT_EXECUTABLE
        ) from None


def _environment() -> Mapping[str, str]:
    """Return the environment as it was: to that of a C locale, Python adds a variable of its own (PEP 538)."""
    if os.environ.get("LC_CTYPE") not in COERCED:
        return os.environ
    try:
        with open("/proc/self/environ", "rb") as stream:
            is_ours = b"LC_CTYPE=" not in stream.read()
    except OSError:
        return os.environ
    return {name: value for name, value in os.environ.items() if name != "LC_CTYPE" or not is_ours}


def send(pid: int, number: int) -> None:
    """Send a signal to a process, if it is still there."""
    with contextlib.suppress(OSError):
        os.kill(pid, number)


def in_foreground() -> bool:
    """Tell whether we are in the foreground of a terminal, where what is typed reaches Codex without us."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
