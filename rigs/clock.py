"""Event loops at three speeds: the wall clock, the wall clock faster, and virtual time that jumps."""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

T = TypeVar("T")
Speed = float | Literal["max"]


class _Selector(selectors.BaseSelector):
    """Passes everything on to the platform's selector; the subclasses change how long a select may wait."""

    def __init__(self, real: selectors.BaseSelector) -> None:
        self._real = real

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return self._real.select(timeout)

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class _JumpingSelector(_Selector):
    """Instead of waiting, moves the clock to the next deadline once nothing is left to do before it."""

    def __init__(self, real: selectors.BaseSelector) -> None:
        super().__init__(real)
        self.now = 0.0
        # Of each descriptor, counted from the first that was registered.
        self._serials = {fd: serial for serial, fd in enumerate(real.get_map(), 1)}
        self._count = len(self._serials)
        self.threads = 0  # jobs on executor threads: time stands still until they end

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if not ready and (timeout is None or timeout > 0):
            if self.threads or timeout is None:
                ready = self._real.select(None)
            else:
                # What was just sent over loopback may still be with the kernel's other processor.
                os.sched_yield()
                ready = self._real.select(0)
                if not ready:
                    self.now += timeout
        # The kernel's order of readiness may differ between runs, and so may its numbers; this order does not.
        return sorted(ready, key=lambda item: self._serials[item[0].fd])

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._count += 1
        self._serials[key.fd] = self._count
        return key


class JumpingLoop(asyncio.SelectorEventLoop):
    """`--speed max`. Its clock starts at zero."""

    def __init__(self) -> None:
        super().__init__(self.paced_by(selectors.DefaultSelector(), "max"))

    def paced_by(self, real: selectors.BaseSelector, _speed: Speed) -> selectors.BaseSelector:
        """Start the clock; return the selector that is to replace `real`."""
        self._jumping = _JumpingSelector(real)
        return self._jumping

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._jumping.now

    def run_in_executor(  # type: ignore[override]  # typeshed types it with TypeVarTuple
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Like asyncio's; time stands still until the job has ended."""
        self._jumping.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_ended)
        return future

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:
        """Without a thread, whose end would fall now before and now behind what the loop does beside it."""
        return socket.getaddrinfo(*args, **kwargs)

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncio's own
        """Like asyncio's without a timeout: seconds of this clock would be over before a thread has ended."""
        self._jumping.threads += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._jumping.threads -= 1

    def _thread_ended(self, _future: asyncio.Future[Any]) -> None:
        self._jumping.threads -= 1


class _ScaledSelector(_Selector):
    def __init__(self, real: selectors.BaseSelector, factor: float) -> None:
        super().__init__(real)
        self._factor = factor

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return self._real.select(None if timeout is None else timeout / self._factor)


class ScaledLoop(asyncio.SelectorEventLoop):
    """`--speed N`: the wall clock, N times as fast."""

    def __init__(self, factor: float) -> None:
        super().__init__(self.paced_by(selectors.DefaultSelector(), factor))

    def paced_by(self, real: selectors.BaseSelector, speed: Speed) -> selectors.BaseSelector:
        """Start the clock; return the selector that is to replace `real`."""
        self._factor = float(speed)
        self._zero = time.monotonic()
        return _ScaledSelector(real, self._factor)

    def time(self) -> float:
        """Return seconds that pass at the scaled pace."""
        return self._zero + (time.monotonic() - self._zero) * self._factor

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncio's own
        """Like asyncio's without a timeout: it is meant in seconds of the wall, not of this clock."""
        await super().shutdown_default_executor()


class Inline(Executor):
    """Does a job where it is asked for, instead of on a thread, so that two runs where time jumps do not differ.

    It is for jobs that wait for nothing that the loop has to do.
    """

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Call `fn` now; the future that is returned has its result or error."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # as a thread would
            future.set_exception(error)
        return future


def new_loop(speed: Speed) -> asyncio.AbstractEventLoop:
    """The loop for a speed; 1 is asyncio's own."""
    if speed == "max":
        return JumpingLoop()
    return asyncio.SelectorEventLoop() if speed == 1 else ScaledLoop(speed)


class UnpacedError(Exception):
    """A loop that runs at no speed but the wall clock's."""


@contextmanager
def paced(loop: asyncio.AbstractEventLoop, speed: Speed) -> Iterator[None]:
    """Run an existing loop at `speed` for the length of the block; afterwards it is what it was.

    asyncio has no interface for it, so this changes the loop's class and `_selector`. Timers that wait at the beginning
    or at the end keep what is left of their delays. Raises UnpacedError for a loop that is not built on asyncio's own.
    """
    if speed == 1:
        yield
        return
    if not isinstance(loop, asyncio.SelectorEventLoop):
        kind = f"{type(loop).__module__}.{type(loop).__name__}"
        raise UnpacedError(f"{kind} knows only the wall clock: speed=1, or a loop that is asyncio.SelectorEventLoop")
    ours: Any = loop
    own, real, before = type(loop), ours._selector, loop.time()  # noqa: SLF001
    pacing = JumpingLoop if speed == "max" else ScaledLoop
    ours.__class__ = type(pacing.__name__, (pacing, own), {})
    ours._selector = ours.paced_by(real, speed)  # noqa: SLF001
    _shift(ours, loop.time() - before)
    try:
        yield
    finally:
        before = loop.time()
        ours.__class__, ours._selector = own, real  # noqa: SLF001
        _shift(ours, loop.time() - before)


def _shift(loop: Any, seconds: float) -> None:
    """Move every timer by as much as the clock has been moved; their order stays."""
    for timer in loop._scheduled:  # noqa: SLF001
        timer._when += seconds  # noqa: SLF001


def run(main: Coroutine[Any, Any, T], speed: Speed) -> T:
    """Run `main` to its end at `speed`."""
    with asyncio.Runner(loop_factory=lambda: new_loop(speed)) as runner:
        return runner.run(main)


def parse_speed(text: str) -> Speed:
    """`max` or a number above 0. Raises ValueError."""
    if text == "max":
        return "max"
    speed = float(text)
    if not 0 < speed <= 10_000:
        raise ValueError(f"speed {text} is outside 0..10000")
    return speed


class Clock:
    """Unix time that runs with the loop. `start_s` is its reading when the clock is made."""

    def __init__(self, start_s: float) -> None:
        self._start_s = start_s
        self._zero = asyncio.get_running_loop().time()

    def unix_ms(self) -> int:
        """Return the time of day in milliseconds since 1970."""
        return round((self._start_s + asyncio.get_running_loop().time() - self._zero) * 1000)
