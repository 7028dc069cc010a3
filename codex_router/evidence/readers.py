"""Processes that read files beside one another: forked, asked by number, answering through a pipe each.

`multiprocessing.Pool` would do, but its import, its threads and its second copy of each answer take as long as a third
of the reading.
"""

from __future__ import annotations

import gc
import marshal
import os
import select
import signal
import struct
from contextlib import contextmanager
from functools import partial

from codex_router.errors import RouterError
from codex_router.named import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

NUMBER = struct.Struct("<Q")
"""Of a question, and the length of an answer."""
PIPE_BYTES = 1 << 16
AHEAD = 32
"""Questions per process that are asked before they are answered; a process waits while its answers are not taken."""


def can_fork() -> bool:
    """Tell whether this system has what `answers` needs."""
    return hasattr(os, "fork") and hasattr(select, "poll")


@contextmanager
def answers(count: int, processes: int, answer: Callable[[int], Any], *, here: bool) -> Iterator[Iterator[Any]]:
    """Answer the questions 0 to `count` - 1, each once and in no order.

    The processes are forked when this is entered, so enter it before any thread is started; they end with the context.

    Args:
        count: how many questions there are; those that take longest had best come first.
        processes: how many processes answer them.
        answer: returns something that `marshal` knows.
        here: this process is one of them: it answers while the others have nothing for it, from the last question on.
    """
    questions, ask = os.pipe()
    pipes: dict[int, int] = {}
    try:
        for _ in range(processes - here):
            said, say = os.pipe()
            pid = os.fork()
            if pid == 0:
                _end_with(partial(_serve, answer, questions, say, (ask, said, *pipes)))
            os.close(say)
            pipes[said] = pid
        os.close(questions)
        yield _taken(count, ask, pipes, answer if here else None)
    finally:
        os.close(ask)
        for said, pid in pipes.items():
            os.kill(pid, signal.SIGKILL)
            os.close(said)
            os.waitpid(pid, 0)


def _taken(count: int, ask: int, pipes: dict[int, int], answer: Callable[[int], Any] | None) -> Iterator[Any]:
    """Ask, and yield each answer as it comes."""
    asked = waiting = 0
    buffers = {said: bytearray() for said in pipes}
    poll = select.poll()
    for said in pipes:
        poll.register(said, select.POLLIN)
    while asked < count or waiting:
        # So few at the end that nobody waits for another who has many left.
        ahead = len(pipes) * min(AHEAD, 1 + (count - asked) // (4 + 4 * len(pipes))) - waiting
        new = range(asked, min(count, asked + max(0, ahead)))
        os.write(ask, b"".join(map(NUMBER.pack, new)))
        asked, waiting = asked + len(new), waiting + len(new)
        ready = poll.poll(0 if answer and asked < count else None)
        if answer and not ready:
            count -= 1
            yield _undisturbed(answer, count)
        for said, _ in ready:
            some = os.read(said, PIPE_BYTES)
            if not some:
                raise RouterError("a process that read sessions has ended", hint="try again; what was stored stays")
            buffers[said] += some
            for one in _whole(buffers[said]):
                waiting -= 1
                yield marshal.loads(one)  # noqa: S302 - from our own children, through pipes


def _undisturbed(answer: Callable[[int], Any], number: int) -> Any:
    """Answer without a look for cycles: what is read holds none, and the look takes a third of the time."""
    looks = gc.isenabled()
    gc.disable()
    try:
        return answer(number)
    finally:
        if looks:
            gc.enable()


def _whole(buffer: bytearray) -> Iterator[bytes]:
    """Take the whole answers out of a buffer."""
    at, held = 0, len(buffer)
    while held - at >= NUMBER.size:
        end = at + NUMBER.size + NUMBER.unpack_from(buffer, at)[0]
        if end > held:
            break
        yield bytes(buffer[at + NUMBER.size : end])
        at = end
    del buffer[:at]


def _serve(answer: Callable[[int], Any], questions: int, say: int, others: tuple[int, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    gc.disable()
    for descriptor in others:
        os.close(descriptor)  # an end that stays open here would hide that the parent has closed it
    while number := os.read(questions, NUMBER.size):
        said = marshal.dumps(answer(NUMBER.unpack(number)[0]))
        rest = memoryview(NUMBER.pack(len(said)) + said)
        while rest:
            rest = rest[os.write(say, rest) :]


def _end_with(work: Callable[[], None]) -> None:
    """Do the work and end the process: it must never go on as its parent."""
    status = 1
    try:
        work()
        status = 0
    except BrokenPipeError:
        pass  # the parent has gone
    except BaseException:  # noqa: BLE001 - said, and told to the parent by the end of the pipe
        import traceback  # its import takes as long as the reading of three megabytes

        traceback.print_exc()
    finally:
        os._exit(status)
