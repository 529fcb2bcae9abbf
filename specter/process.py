"""Child processes that are stopped, reaped and read to their end, and that never outlive their application."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from functools import partial
from inspect import isawaitable
from types import TracebackType
from typing import Any, Self

import anyio
import anyio.lowlevel

from ._calls import name_of
from ._deadline import time_left
from ._process_child import Child
from ._process_output import close_now
from ._process_pipes import LineIteration, Pipe
from ._process_stop import run_whole, stop_child
from ._process_wait import kill_and_reap, wait
from ._shield import wait_regardless
from .runtime import Runtime
from .sansio.duration import limit
from .sansio.ownership import require_callable, require_owner
from .sansio.process import StopTimes
from .sansio.service import checked_name
from .service import Service
from .task import Task

log = logging.getLogger(__name__)

_STREAMS = ("stdout", "stderr")

_NO_RUNTIME = """\
{} cannot be watched: there is no runtime to read it in. Either
    async with Runtime(): ...                     # around it, or start the process in a service, or
    async for line in process.lines({!r}): ...    # read it here"""


class ManagedProcess:
    """
    A child process: started, watched, stopped, and started again.

    Start it in a service (`Service.start_process`) or with ``owner=``, and it stops with that. ``async with`` stops it
    at the end of the block. When the application dies, even by SIGKILL, the child is killed.

    Args:
        name: For logs.
        terminate_timeout: How long `stop` waits after SIGTERM. Seconds, 0 or more.
        kill_timeout: How long `stop` waits after SIGKILL. Seconds, 0 or more.
        kill_group: Start a process group, and end everything in it with the child. Its session is a new one then:
            Ctrl-C in a terminal reaches the application alone.

    Attributes:
        name: As given.
        terminate_timeout: As given.
        kill_timeout: As given.
        kill_group: As given.
    """

    def __init__(
        self, name: str, *, terminate_timeout: float = 5.0, kill_timeout: float = 1.0, kill_group: bool = True
    ) -> None:
        self.name = checked_name(name, "process")
        self.terminate_timeout = _seconds(terminate_timeout, "terminate_timeout")
        self.kill_timeout = _seconds(kill_timeout, "kill_timeout")
        self.kill_group = kill_group
        self._child: Child | None = None
        # Nothing is left of the child: no process, no reader, no open stream.
        self._released = True
        self._pipes: dict[str, Pipe] = {}
        self._owners: list[Any] = []
        # Set when the stop that runs is done; None while none runs.
        self._stopped: anyio.Event | None = None
        # Counts the calls of stop: a start that waits meanwhile must not go on.
        self._stops = 0

    def __repr__(self) -> str:
        return f"<ManagedProcess {self.name!r} {f'pid {self.pid}' if self.running else 'not running'}>"

    @property
    def process(self) -> subprocess.Popen[Any] | None:
        """What `subprocess.Popen` gave, also after its end; `None` before the first start. Write to its ``stdin``."""
        return self._child.popen if self._child else None

    @property
    def running(self) -> bool:
        """Whether the child itself lives."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int | None:
        """The process id, also after the end; `None` before the first start."""
        return self._child.popen.pid if self._child else None

    @property
    def returncode(self) -> int | None:
        """The return code, negative for a signal; `None` while the child runs and before the first start."""
        return self.poll()

    def poll(self) -> int | None:
        """Reap the child if it has ended. Returns what `returncode` is."""
        return self._child.poll() if self._child else None

    async def start(self, args: Any, *, owner: Any = None, kill_group: bool | None = None, **popen: Any) -> Self:
        """
        Start the child.

        Args:
            args: As `subprocess.Popen` takes them.
            owner: Stops the process when it stops itself; anything with ``add_cleanup``.
            kill_group: Overrides the attribute, for this start.
            popen: More keyword arguments for `subprocess.Popen`.

        Returns:
            The process.

        Raises:
            RuntimeError: It runs already, or was stopped while it started.
            TypeError: *owner* cannot own.
            OSError: The program cannot be started.
        """
        if owner is not None:
            require_owner(owner)
        if self.running and self._stopped is None:
            raise self._runs_already()
        stops = self._stops
        await anyio.lowlevel.checkpoint()
        await self._stop_once()  # what is left of an earlier child
        if not self._released:
            raise self._runs_already()
        if stops != self._stops:
            raise RuntimeError(f"process {self.name!r} was stopped while it started")
        self._child = child = Child.start(args, self.kill_group if kill_group is None else kill_group, popen)
        self._released = False
        self._pipes, self._owners = {}, []
        try:
            self.attach(owner)
            self._mind(child)
        except BaseException:
            await self.stop()
            raise
        return self

    def attach(self, owner: Any) -> Self:
        """
        Have the process stopped when *owner* stops. `None` is ignored.

        Raises:
            TypeError: *owner* has no ``add_cleanup``.
        """
        if owner is not None:
            require_owner(owner)
            owner.add_cleanup(self.stop)
            self._owners.append(owner)
        return self

    def watch_stream(
        self,
        stream_name: str,
        fn: Callable[[Any], Any],
        *,
        chunk_size: int | None = None,
        strip: bool = True,
        label: str | None = None,
        close_on_exit: bool = False,
    ) -> Task:
        """
        Hand what the child writes to *fn*, line by line.

        Args:
            stream_name: ``stdout`` or ``stderr``; the process was started with a PIPE for it.
            fn: Plain or a coroutine function of one line, or chunk; text if the process was started with ``text`` or
                ``encoding``, else bytes. The next line waits until it is done. An error in it is logged.
            chunk_size: Give chunks of this size instead (characters or bytes); the last may be shorter.
            strip: Take the ending off each line.
            label: A name for logs.
            close_on_exit: Close the stream when the watching ends.

        Returns:
            The task that reads, in the runtime around the caller. `stop` lets it read to the end.

        Raises:
            ValueError: The stream is no PIPE or closed, or *chunk_size* is less than 1.
            RuntimeError: The process was not started, the stream is read already, or there is no runtime.
        """
        require_callable(fn, "the handler of a stream")
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"chunk_size must be 1 or more, got {chunk_size!r}")
        pipe = self._pipe(stream_name)
        pipe.require_free()
        if pipe.closed:
            raise ValueError(f"{pipe.name} is closed")
        runtime = Runtime.current()
        if runtime is None:
            raise RuntimeError(_NO_RUNTIME.format(pipe.name, stream_name))
        pipe.items.split(chunk_size, bare=strip)
        task = runtime.start_task(self._read, pipe, fn, close_on_exit, label=label or f"{stream_name} of {self.name}")
        pipe.reader = task
        return task

    def follow_output(
        self,
        *,
        stdout_handler: Callable[[Any], Any] | None = None,
        stderr_handler: Callable[[Any], Any] | None = None,
        stdout_label: str = "stdout",
        stderr_label: str = "stderr",
    ) -> list[Task]:
        """Watch stdout, stderr, or both: those that have a handler. Returns the tasks; see `watch_stream`."""
        wanted = (("stdout", stdout_handler, stdout_label), ("stderr", stderr_handler, stderr_label))
        return [self.watch_stream(stream, fn, label=label) for stream, fn, label in wanted if fn is not None]

    def lines(self, stream_name: str = "stdout", *, strip: bool = True) -> LineIteration:
        """
        Iterate over the lines that the child writes: ``async for line in process.lines("stdout")``.

        The iteration ends with the stream. One that was left early misses nothing: the next one, or `watch_stream`,
        goes on where it stopped. Needs no runtime.

        Args:
            stream_name: ``stdout`` or ``stderr``; the process was started with a PIPE for it.
            strip: Take the ending off each line.

        Raises:
            ValueError: The stream is no PIPE.
            RuntimeError: The process was not started, or the stream is read already.
        """
        pipe = self._pipe(stream_name)
        pipe.require_free()
        return LineIteration(pipe, strip)

    async def wait(self, timeout: float | None = None) -> int:
        """
        Wait until the child has ended. Lines may still be on their way to their handlers; `stop` waits for them.

        Args:
            timeout: Seconds; `None` waits for ever.

        Returns:
            The return code, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: It still runs.
            RuntimeError: It was not started.
        """
        child = self._require_child()
        try:
            with anyio.fail_after(limit(timeout)):
                return await wait(child)
        except TimeoutError:
            raise subprocess.TimeoutExpired(child.popen.args, timeout or 0) from None

    async def stop(self, timeout: float | None = None) -> Self:
        """
        End the child and its group, reap it, read its output to the end, and close its streams.

        SIGTERM, then SIGKILL after *timeout*; handlers get the last lines within a bounded time. Does nothing if
        nothing is left. Concurrent calls wait for the one stop; a call from a handler does not wait for that handler.
        Shielded: a caller that is cancelled hears of it when the stop is done. Within the stop of a service it ends
        before the deadline of that.

        Args:
            timeout: Seconds to wait after SIGTERM; `terminate_timeout` if not given.

        Returns:
            The process.
        """
        self._stops += 1
        await self._stop_once(None if timeout is None else _seconds(timeout, "timeout"))
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _require_child(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"process {self.name!r} was not started")
        return self._child

    def _runs_already(self) -> RuntimeError:
        return RuntimeError(f"process {self.name!r} runs already: stop it first")

    def _pipe(self, stream_name: str) -> Pipe:
        process = self._require_child().popen
        if stream_name not in self._pipes:
            stream = getattr(process, stream_name, None) if stream_name in _STREAMS else None
            if stream is None:
                wanted = (
                    "it has stdout and stderr" if stream_name not in _STREAMS else f"start it with {stream_name}=PIPE"
                )
                raise ValueError(f"process {self.name!r} has no stream {stream_name!r} to read: {wanted}")
            self._pipes[stream_name] = Pipe(stream, f"{stream_name} of {self.name!r}", self._settle)
        return self._pipes[stream_name]

    async def _read(self, pipe: Pipe, fn: Callable[[Any], Any], close_on_exit: bool) -> None:
        try:
            while await pipe.fill():
                await self._hand_over(pipe, fn)
        finally:
            if close_on_exit:
                pipe.close()
            pipe.leave()

    async def _hand_over(self, pipe: Pipe, fn: Callable[[Any], Any]) -> None:
        """Hand on what one read gave, in one loop: twice as fast as item by item."""
        trim = pipe.items.trim
        items = iter(pipe.items.take_all())
        try:
            for item in items:
                try:
                    result = fn(item if trim is None else trim(item))
                    if result is not None and isawaitable(result):
                        await result
                except Exception:
                    log.exception("handler %s of %s failed", name_of(fn), pipe.name)
        finally:
            pipe.items.put_back(items)

    def _mind(self, child: Child) -> None:
        """Reap the child when it ends, whether anybody waits for it or not. Without a runtime `poll` and `wait` do."""
        runtime = Runtime.current()
        if runtime is not None:
            runtime.start_task(self._see_to_end, child, label=f"end of {self.name}")

    async def _see_to_end(self, child: Child) -> None:
        await wait(child)
        self._settle()

    def _settle(self) -> None:
        """Release what is held for the child if nothing is left of it: its owners may live, and start, much longer."""
        if self._released or self._stopped is not None:
            return
        child = self._require_child()
        streams = [(getattr(child.popen, name, None), self._pipes.get(name)) for name in _STREAMS]
        if all(_at_end(stream, pipe) for stream, pipe in streams) and child.gone():
            self._release()

    def _release(self) -> None:
        child = self._require_child()
        self._released = child.gone()  # what could not be ended may be stopped once more
        process = child.popen
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                close_now(stream, self.name)
        for owner in self._owners:
            if isinstance(owner, Service):
                owner._forget_cleanup(self.stop)
        self._owners = []

    async def _stop_once(self, timeout: float | None = None) -> None:
        readers = [pipe.reader for pipe in self._pipes.values() if isinstance(pipe.reader, Task)]
        if self._stopped is not None:
            if Task.current() not in readers:
                await wait_regardless(self._stopped)
        elif not self._released:
            self._stopped = anyio.Event()
            times = StopTimes(self.terminate_timeout if timeout is None else timeout, self.kill_timeout)
            await run_whole(partial(self._stop, times.within(time_left()), readers), f"stop of process {self.name}")

    async def _stop(self, times: StopTimes, readers: list[Task]) -> None:
        child = self._require_child()
        try:
            await stop_child(child, self.name, times, readers)
        except Exception:
            log.exception("stop of process %r failed", self.name)
        except BaseException:  # the event loop itself ends
            kill_and_reap(child)
            raise
        finally:
            for pipe in self._pipes.values():
                pipe.finish()
            self._release()
            stopped, self._stopped = self._stopped, None
            if stopped is not None:
                stopped.set()


async def start_process(
    name: str, args: Any, *, owner: Any = None, kill_group: bool = True, **popen: Any
) -> ManagedProcess:
    """
    Start a child process.

    Args:
        name: For logs.
        args: As `subprocess.Popen` takes them.
        owner: Stops the process when it stops itself; anything with ``add_cleanup``.
        kill_group: Start a process group, and end everything in it with the child.
        popen: More keyword arguments for `subprocess.Popen`.

    Returns:
        The process, started.

    Raises:
        TypeError: *owner* cannot own.
        OSError: The program cannot be started.
    """
    return await ManagedProcess(name, kill_group=kill_group).start(args, owner=owner, **popen)


def _seconds(value: float, what: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{what} must be a number of seconds, got {value!r}")
    if not value >= 0:
        raise ValueError(f"{what} must be 0 seconds or more, got {value!r}")
    return value


def _at_end(stream: Any, pipe: Pipe | None) -> bool:
    return stream is None or (pipe.at_end if pipe is not None else stream.closed)
