"""Virtual time: an asyncio loop whose clock jumps to the next scheduled event.

Rules:

* ``asyncio.sleep``, ``asyncio.timeout``, queues, locks and task groups work unmodified; a wait of
  a year costs one event;
* what is due at the same moment runs in the order in which it was scheduled, and a task's hash is
  its number, so no order depends on memory addresses, on PYTHONHASHSEED or on the wall clock;
* nothing scheduled and nobody runnable raises Deadlock, which names the waiting tasks; too many
  events without time going on raises Livelock;
* threads, sockets, processes, signals and files being watched are refused with NotInVirtualTime;
* the garbage collector runs at counted events, since what it closes may schedule something.

The loop is built on asyncio's public AbstractEventLoop; of CPython's inner parts it touches only
``Handle._run`` and ``Handle._context``. What a world is made of is decided elsewhere.
Left out on purpose: debug mode, task factories, and any pace (it runs as fast as it can).
"""

import asyncio
import contextvars
import gc
import heapq
import logging
import sys
import threading
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, Final, NoReturn, TypeVar

from monocoque.contracts.errors import Deadlock, Livelock, NotInVirtualTime

Result = TypeVar("Result")
Observer = Callable[[contextvars.Context], None]

EVENTS_WITHOUT_TIME_MAX: Final = 1_000_000
"""So many events at one moment mean that tasks wake each other without end."""
EVENTS_PER_COLLECTION: Final = 200_000
COLLECTIONS_PER_WHOLE: Final = 10
"""Most collections look at what came since the one before; each tenth at everything, which takes a
second in a world of fifty cars."""
CANCELLED_TIMERS_MIN: Final = 100
"""Fewer cancelled timers than this are left where they are."""
WAITING_TASKS_NAMED_MAX: Final = 20
"""How many waiting tasks a Deadlock lists."""

_LOG: Final = logging.getLogger("asyncio")


class VirtualTask(asyncio.Task[Any]):
    """A task whose hash is its number: asyncio keeps tasks in sets, and cancels in their order."""

    __slots__ = ("number",)

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        *,
        loop: "VirtualLoop",
        number: int,
        name: str,
        context: contextvars.Context | None,
    ) -> None:
        self.number = number  # first: asyncio registers the task in a set while it is made
        super().__init__(coroutine, loop=loop, name=name, context=context)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


def _refused(what: str) -> Callable[..., Any]:
    def refuse(*_arguments: Any, **_options: Any) -> NoReturn:
        raise NotInVirtualTime(f"Code in a world asked for {what}.")

    return refuse


class VirtualLoop(asyncio.AbstractEventLoop):
    """The loop; use ``run_virtual`` unless a test wants its counters."""

    def __init__(
        self,
        *,
        events_without_time_max: int = EVENTS_WITHOUT_TIME_MAX,
        observer: Observer | None = None,
    ) -> None:
        """Build the loop.

        observer: called after each event with the context in which it ran; worlds count by it.
        """
        self.events = 0
        """How many callbacks have run."""
        self._events_without_time = 0
        self._events_without_time_max = events_without_time_max
        self._observer = observer
        self._now_s = 0.0
        self._ready: deque[asyncio.Handle] = deque()
        self._scheduled: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = 0
        self._timers_cancelled = 0
        self._thread = threading.get_ident()
        self._foreign_thread_called = False
        self._is_running = False
        self._is_stopping = False
        self._is_closed = False
        self._generators: weakref.WeakSet[AsyncGenerator[Any, Any]] = weakref.WeakSet()

    # --- time ---------------------------------------------------------------------------------

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now_s

    def call_soon(  # type: ignore[override]  # typeshed ties the arguments' types to the callback
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Run the callback at this moment, after all that is due already."""
        self._check_open()
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run the callback after so many virtual seconds."""
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run the callback at that virtual time."""
        self._check_open()
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if when <= self._now_s:
            self._ready.append(handle)
        else:
            self._numbers += 1
            heapq.heappush(self._scheduled, (when, self._numbers, handle))
        return handle

    def call_soon_threadsafe(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Like call_soon; another thread is refused, and ends the run as well."""
        if threading.get_ident() != self._thread:
            self._foreign_thread_called = True
            raise NotInVirtualTime("A thread tried to act in a world.")
        return self.call_soon(callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self._timers_cancelled += 1
        if CANCELLED_TIMERS_MIN < self._timers_cancelled > len(self._scheduled) // 2:
            self._scheduled = [entry for entry in self._scheduled if not entry[2].cancelled()]
            heapq.heapify(self._scheduled)
            self._timers_cancelled = 0

    # --- running ------------------------------------------------------------------------------

    def run_forever(self) -> None:
        """Run until ``stop``; raises Deadlock, Livelock and NotInVirtualTime."""
        self._check_open()
        if self._is_running:
            raise NotInVirtualTime("A virtual loop was started within itself.")
        hooks = sys.get_asyncgen_hooks()
        outer = asyncio._get_running_loop()
        self._is_running = True
        self._is_stopping = False
        try:
            sys.set_asyncgen_hooks(self._generators.add, self._close_generator)
            asyncio._set_running_loop(self)
            while not self._is_stopping:
                self._step()
        finally:
            self._is_running = False
            asyncio._set_running_loop(outer)
            sys.set_asyncgen_hooks(*hooks)

    def run_until_complete(  # type: ignore[override]
        self, future: Coroutine[Any, Any, Result] | asyncio.Future[Result]
    ) -> Result:
        """Run until the future is done, and return its result."""
        task = asyncio.ensure_future(future, loop=self)
        task.add_done_callback(self._stop_when_done)
        try:
            self.run_forever()
        finally:
            task.remove_done_callback(self._stop_when_done)
        return task.result()

    def _stop_when_done(self, _future: asyncio.Future[Any]) -> None:
        self.stop()

    def _step(self) -> None:
        if not self._ready:
            self._advance()
        if self._events_without_time >= self._events_without_time_max:
            self._events_without_time = 0  # so that there is room to cancel the tasks
            raise Livelock(
                f"{self._events_without_time_max} events ran at {self._now_s} virtual seconds. "
                + self._waiting()
            )
        handle = self._ready.popleft()
        if handle.cancelled():
            return
        self.events += 1
        self._events_without_time += 1
        handle._run()
        if self._observer is not None:
            self._observer(handle._context)  # type: ignore[attr-defined]  # public only from 3.12
        if self.events % EVENTS_PER_COLLECTION == 0:
            collections = self.events // EVENTS_PER_COLLECTION
            gc.collect(2 if collections % COLLECTIONS_PER_WHOLE == 0 else 1)

    def _advance(self) -> None:
        """Jump to the next moment at which something is due."""
        if self._foreign_thread_called:
            raise NotInVirtualTime("A thread tried to act in a world.")
        while self._scheduled and self._scheduled[0][2].cancelled():
            heapq.heappop(self._scheduled)
        if not self._scheduled:
            raise Deadlock(f"Nothing is scheduled any more. {self._waiting()}")
        self._now_s = self._scheduled[0][0]
        self._events_without_time = 0
        while self._scheduled and self._scheduled[0][0] == self._now_s:
            self._ready.append(heapq.heappop(self._scheduled)[2])

    def _waiting(self) -> str:
        tasks = sorted(asyncio.all_tasks(self), key=_number)
        lines = [_description(task) for task in tasks[:WAITING_TASKS_NAMED_MAX]]
        more = len(tasks) - len(lines)
        return f"{len(tasks)} tasks wait: " + "; ".join(lines) + (f"; {more} more" * (more > 0))

    def stop(self) -> None:
        """End ``run_forever`` after the present event."""
        self._is_stopping = True

    def is_running(self) -> bool:
        """Whether ``run_forever`` is at work."""
        return self._is_running

    def is_closed(self) -> bool:
        """Whether it can no longer be used."""
        return self._is_closed

    def close(self) -> None:
        """Forget all that is scheduled."""
        self._is_closed = True
        self._ready.clear()
        self._scheduled.clear()

    def _check_open(self) -> None:
        if self._is_closed:
            raise NotInVirtualTime("The world is over: its loop is closed.")

    # --- tasks, futures, generators -----------------------------------------------------------

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, Result],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
    ) -> asyncio.Task[Result]:
        """A task of this loop, numbered in order of birth."""
        self._check_open()
        self._numbers += 1
        number = self._numbers
        return VirtualTask(
            coro,
            loop=self,
            number=number,
            name=name or f"task-{number}",
            context=context,
        )

    def get_task_factory(self) -> None:
        """There is none: the loop makes its own tasks."""

    def _close_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._generators.discard(generator)
        if not self._is_closed:
            self.call_soon(self.create_task, generator.aclose())

    async def shutdown_asyncgens(self) -> None:
        """Close the generators that were left half used."""
        for generator in list(self._generators):
            await generator.aclose()

    async def shutdown_default_executor(self, *_timeout_s: float) -> None:
        """There is none."""

    # --- errors -------------------------------------------------------------------------------

    def get_debug(self) -> bool:
        """Never: debug mode reads the wall clock."""
        return False

    def set_debug(self, enabled: bool) -> None:
        """Ignored; see get_debug."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Report as ``default_exception_handler`` does; nobody can put another in its place."""
        self.default_exception_handler(context)

    def get_exception_handler(self) -> None:
        """There is only the default."""

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Raise what a callback raised; log what only the garbage collector found."""
        error = context.get("exception")
        if "handle" in context and error is not None:
            raise error
        _LOG.error("%s", context.get("message"), exc_info=error)

    # --- what a world may not touch -----------------------------------------------------------

    run_in_executor = _refused("a thread")  # type: ignore[assignment]
    set_default_executor = _refused("a thread")
    getaddrinfo = getnameinfo = _refused("a name server")
    create_connection = create_server = create_datagram_endpoint = _refused("a socket")
    create_unix_connection = create_unix_server = connect_accepted_socket = _refused("a socket")
    sock_recv = sock_recv_into = sock_recvfrom = sock_recvfrom_into = _refused("a socket")
    sock_sendall = sock_sendto = sock_connect = sock_accept = sock_sendfile = _refused("a socket")
    start_tls = sendfile = _refused("a socket")
    add_reader = _refused("a file being watched")  # type: ignore[assignment]
    add_writer = _refused("a file being watched")  # type: ignore[assignment]
    remove_reader = remove_writer = _refused("a file being watched")
    connect_read_pipe = connect_write_pipe = _refused("a pipe")
    subprocess_exec = subprocess_shell = _refused("a process")
    add_signal_handler = _refused("a signal")  # type: ignore[assignment]
    remove_signal_handler = _refused("a signal")
    set_task_factory = _refused("a task factory")
    set_exception_handler = _refused("an exception handler")


def _number(task: asyncio.Task[Any]) -> int:
    return task.number if isinstance(task, VirtualTask) else 0


def _description(task: asyncio.Task[Any]) -> str:
    """The task's name and the innermost place at which it waits."""
    coroutine: Any = task.get_coro()
    place = ""
    while coroutine is not None and getattr(coroutine, "cr_frame", None) is not None:
        place = f" at {coroutine.cr_code.co_qualname} line {coroutine.cr_frame.f_lineno}"
        coroutine = coroutine.cr_await
    return task.get_name() + place


def run_virtual(
    main: Coroutine[Any, Any, Result],
    *,
    events_without_time_max: int = EVENTS_WITHOUT_TIME_MAX,
    observer: Observer | None = None,
) -> Result:
    """Run the coroutine on a virtual loop of its own and return its result.

    Whatever is still running at its end is cancelled. Raises what the coroutine raises, and
    Deadlock, Livelock or NotInVirtualTime for the loop itself.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        with asyncio.Runner(
            loop_factory=lambda: VirtualLoop(
                events_without_time_max=events_without_time_max, observer=observer
            )
        ) as runner:
            return runner.run(main)
    finally:
        if was_collecting:
            gc.enable()
