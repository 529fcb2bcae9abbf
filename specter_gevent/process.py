"""Child processes that are stopped, reaped and read to their end, and that never outlive their application."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import subprocess
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

import gevent
from gevent import Greenlet, Timeout
from gevent.event import Event
from gevent.hub import get_hub, getcurrent
from gevent.lock import BoundedSemaphore

from specter._process_child import Child
from specter._process_output import close_now
from specter.sansio.callables import require_plain
from specter.sansio.ownership import require_callable
from specter.sansio.process import StopTimes

from ._deadline import time_left
from ._limit import within
from ._process_child import WatchedChild
from ._process_pipes import LineIteration, Pipe, Substitute
from ._process_start import start_child
from ._process_stop import run_whole, stop_child
from ._process_wait import wait
from .service import Service

logger = logging.getLogger("specter.core.process")

# In the order in which they are closed.
_STREAMS = ("stdout", "stderr", "stdin")

# What still stands in the buffer of a stdin that nobody reads is dropped then. Seconds.
_FLUSH_TIMEOUT = 0.1


class _Run:
    """One child, from its start to the end of its stop."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.pipes: dict[str, Pipe | Substitute] = {}
        self.owners: list[Any] = []
        # Set when its stop is done; None before that begins.
        self.stopped: Event | None = None

    @property
    def readers(self) -> set[Any]:
        """Greenlets that watch a stream of it."""
        return {reader for pipe in self.pipes.values() for reader in pipe.readers}


class ManagedProcess:
    """
    A child process: started, watched, stopped, and started again.

    Start it in a service (`Service.start_process`) or with ``owner=``, and it stops with that. ``with`` stops it at the
    end of the block. When the application dies, even by SIGKILL, the child is killed.

    Args:
        name: For logs.
        terminate_timeout: How long `stop` waits after SIGTERM. Seconds; `None` for ever.
        kill_timeout: How long `stop` waits after SIGKILL. Seconds; `None` for ever.
        kill_group: Start a process group, and end everything in it with the child. Its session is a new one then:
            Ctrl-C in a terminal reaches the application alone.

    Attributes:
        name: As given.
        terminate_timeout: As given.
        kill_timeout: As given.
        kill_group: As given.
    """

    def __init__(
        self,
        name: str,
        *,
        terminate_timeout: float | None = 5.0,
        kill_timeout: float | None = 1.0,
        kill_group: bool = False,
    ) -> None:
        self.name = name
        self.terminate_timeout = terminate_timeout
        self.kill_timeout = kill_timeout
        self.kill_group = kill_group
        # Held while a child is started: gevent's Popen waits.
        self._lock = BoundedSemaphore(1)
        self._readers: set[Any] = set()
        # What was started and not stopped.
        self._specter_run: _Run | None = None
        # What was started last.
        self._specter_last: _Run | None = None

    def __repr__(self) -> str:
        return f"<ManagedProcess {self.name!r} {f'pid {self.pid}' if self.running else 'not running'}>"

    @property
    def process(self) -> Any:
        """What `subprocess.Popen` gave; `None` before a start and after a stop. Write to its ``stdin``."""
        return self._specter_run.child.popen if self._specter_run else None

    @process.setter
    def process(self, popen: Any) -> None:
        self._specter_run = self._specter_last = None if popen is None else _Run(WatchedChild(popen))
        self._specter_mind(self._specter_run)

    @property
    def running(self) -> bool:
        """Whether the child itself lives."""
        return self._specter_run is not None and self._specter_run.child.poll() is None

    @property
    def pid(self) -> int | None:
        """The process id; `None` before a start and after a stop."""
        return self.process.pid if self._specter_run else None

    @property
    def returncode(self) -> int | None:
        """The return code, negative for a signal; `None` while the child runs and before the first start."""
        if self._specter_last is None:
            return None
        child = self._specter_last.child
        code: int | None = child.poll() if child.real else child.popen.returncode
        return code

    def poll(self) -> int | None:
        """Reap the child if it has ended. Returns what `returncode` is."""
        return self._specter_last.child.poll() if self._specter_last else None

    def start(self, args: Any, *, owner: Any = None, kill_group: bool | None = None, **popen_kwargs: Any) -> Self:
        """
        Start the child.

        Args:
            args: As `subprocess.Popen` takes them.
            owner: Stops the process when it stops itself; anything with ``add_cleanup``.
            kill_group: Overrides the attribute, for this start.
            popen_kwargs: More keyword arguments for `subprocess.Popen`.

        Returns:
            The process.

        Raises:
            RuntimeError: It runs already.
            TypeError: *owner* cannot own.
            OSError: The program cannot be started.
        """
        self._validate_owner(owner)
        with self._lock:
            if self.running:
                raise RuntimeError(f"[SPECTER:process] '{self.name}' is already running")
            if self._specter_run is not None and self._specter_run.child.real and not self._specter_run.child.gone():
                self._specter_stop_run(self._specter_run)  # the group of an earlier child
            child = start_child(args, self.kill_group if kill_group is None else kill_group, popen_kwargs)
            self._specter_run = self._specter_last = _Run(child)
        try:
            self.attach(owner)
        except BaseException:
            self.stop()
            raise
        self._specter_mind(self._specter_last)
        return self

    def attach(self, owner: Any) -> Self:
        """
        Have the process stopped when *owner* stops. `None` is ignored.

        Raises:
            TypeError: *owner* has no ``add_cleanup``.
        """
        if owner is not None:
            self._validate_owner(owner)
            owner.add_cleanup(self.stop)
            if self._specter_run is not None:
                self._specter_run.owners.append(owner)
        return self

    def watch_stream(
        self,
        stream_name: str,
        handler: Callable[[Any], Any],
        *,
        chunk_size: int | None = None,
        strip: bool = True,
        label: str | None = None,
        close_on_exit: bool = False,
    ) -> Greenlet[..., Any]:
        """
        Hand what the child writes to *handler*, line by line.

        Args:
            stream_name: ``stdout`` or ``stderr``; the process was started with a PIPE for it.
            handler: A plain function of one line, or chunk; text if the process was started with ``text`` or
                ``encoding``, else bytes. The next line waits until it is done. An error in it is logged.
            chunk_size: Give chunks of this size instead (characters or bytes); the last may be shorter, and without a
                buffer (``bufsize=0``) each. 0 is none.
            strip: Take the ending off each line of text.
            label: A name for logs.
            close_on_exit: Close the stream when the watching ends.

        Returns:
            The greenlet that reads. `stop` lets it read to the end.

        Raises:
            ValueError: The stream is no PIPE or closed.
            TypeError: *handler* cannot be called, or is a coroutine function.
            RuntimeError: The process was not started, or was stopped.
        """
        require_callable(handler, "the handler of a stream")
        require_plain(handler, "the handler of a stream")
        run = self._specter_require_run(self._specter_run)
        pipe = self._specter_pipe(run, stream_name)
        pipe.split(chunk_size or None)
        bare = strip and not chunk_size
        label = label or f"{stream_name}_reader"

        def _reader() -> None:
            try:
                self._specter_read(pipe, handler, bare, label)
            finally:
                if close_on_exit:
                    _quietly(pipe.close, pipe.name)

        reader = gevent.spawn(_reader)
        # Before the link: a reader that has ended already calls it at once.
        self._readers.add(reader)
        pipe.readers.add(reader)
        reader.rawlink(partial(self._specter_reader_ended, run, pipe))
        return reader

    def follow_output(
        self,
        *,
        stdout_handler: Callable[[Any], Any] | None = None,
        stderr_handler: Callable[[Any], Any] | None = None,
        stdout_label: str = "stdout",
        stderr_label: str = "stderr",
    ) -> list[Greenlet[..., Any]]:
        """Watch stdout, stderr, or both: those that have a handler. Returns the greenlets; see `watch_stream`."""
        wanted = (("stdout", stdout_handler, stdout_label), ("stderr", stderr_handler, stderr_label))
        return [self.watch_stream(stream, fn, label=label) for stream, fn, label in wanted if fn is not None]

    def lines(self, stream_name: str = "stdout", *, strip: bool = True) -> LineIteration:
        """
        Iterate over the lines that the child writes: ``for line in process.lines("stdout")``.

        The iteration ends with the stream. One that was left early misses nothing: the next one, or `watch_stream`,
        goes on where it stopped.

        Args:
            stream_name: ``stdout`` or ``stderr``; the process was started with a PIPE for it.
            strip: Take the ending off each line.

        Raises:
            ValueError: The stream is no PIPE.
            RuntimeError: The process was not started, or the stream is read already.
        """
        run = self._specter_require_run(self._specter_last)
        pipe = self._specter_pipe(run, stream_name)
        pipe.require_free()
        pipe.split(None)
        return LineIteration(pipe, strip, partial(self._specter_settle, run))

    def wait(self, timeout: float | None = None) -> int:
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
        child = self._specter_require_run(self._specter_last).child
        if not child.real:
            return child.popen.wait(timeout=timeout)  # type: ignore[no-any-return]
        with within(timeout):
            return wait(child)
        raise subprocess.TimeoutExpired(child.popen.args, timeout or 0)

    def stop(self, timeout: float | None = None) -> Self:
        """
        End the child and its group, reap it, read its output to the end, and close its streams.

        SIGTERM, then SIGKILL after *timeout*; handlers get the last lines within a bounded time. Does nothing if
        nothing is left. Concurrent calls wait for the one stop; a call from a handler does not wait for that handler.
        A caller that is killed leaves at once, and the stop goes on.

        Args:
            timeout: Seconds to wait after SIGTERM; `terminate_timeout` if not given, or 0.

        Returns:
            The process.
        """
        with self._lock:
            run, last = self._specter_run, self._specter_last
            self._specter_run = None
            if run is not None:
                run.stopped = Event()
        if run is not None:
            self._specter_stop_run(run, timeout)
        elif last is not None and last.stopped is not None and getcurrent() not in last.readers:
            last.stopped.wait()
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _specter_require_run(self, run: _Run | None) -> _Run:
        if run is None:
            raise RuntimeError(f"[SPECTER:process] '{self.name}' has not been started")
        return run

    def _validate_owner(self, owner: Any) -> None:
        if owner is not None and not callable(getattr(owner, "add_cleanup", None)):
            raise TypeError(
                f"[SPECTER:process] owner for '{self.name}' must expose add_cleanup(). Got {type(owner).__name__}."
            )

    def _specter_pipe(self, run: _Run, stream_name: str) -> Pipe | Substitute:
        real = run.child.real
        if stream_name not in run.pipes:
            readable = not real or stream_name != "stdin"
            stream = getattr(run.child.popen, stream_name, None) if readable else None
            if stream is None:
                raise ValueError(f"[SPECTER:process] '{self.name}' has no stream '{stream_name}'")
            name = f"{stream_name} of {self.name!r}"
            if real and stream.closed:
                raise ValueError(f"{name} is closed")
            kind = Pipe if real else Substitute
            run.pipes[stream_name] = kind(stream, name)
        return run.pipes[stream_name]

    def _specter_read(self, pipe: Pipe | Substitute, handler: Callable[[Any], Any], strip: bool, label: str) -> None:
        # One by one, since the handler may kill its reader, and in one loop, since most handlers take less than a call.
        ready = pipe.ready
        while pipe.fill():
            while ready:
                item = ready.popleft()
                try:
                    handler(item.rstrip("\r\n") if strip and isinstance(item, str) else item)
                except (Exception, Timeout) as error:
                    logger.error(
                        "[SPECTER:process] Reader error in '%s' (%s): %s", self.name, label, error, exc_info=True
                    )

    def _specter_reader_ended(self, run: _Run, pipe: Pipe | Substitute, reader: Any) -> None:
        self._readers.discard(reader)
        pipe.readers.discard(reader)
        self._specter_settle(run)

    def _specter_mind(self, run: _Run | None) -> None:
        """Reap the child when it ends, whether anybody waits for it or not."""
        if run is not None and run.child.real:
            Greenlet(self._specter_see_to_end, run).start()

    def _specter_see_to_end(self, run: _Run) -> None:
        wait(run.child, keeps_hub=False)
        self._specter_settle(run)

    def _specter_settle(self, run: _Run) -> None:
        """Release what is held for the child if nothing is left of it: its owners may live, and start, much longer."""
        child = run.child
        if run.stopped is not None or not child.real or not child.gone():
            return
        streams = [(getattr(child.popen, name), run.pipes.get(name)) for name in ("stdout", "stderr")]
        if all(_at_end(stream, pipe) for stream, pipe in streams):
            self._specter_release(run)

    def _specter_release(self, run: _Run) -> None:
        for owner in run.owners:
            if isinstance(owner, Service):
                owner._specter_forget_cleanup(self.stop)
        run.owners = []

    def _specter_stop_run(self, run: _Run, timeout: float | None = None) -> None:
        times = StopTimes(_seconds(timeout or self.terminate_timeout), _seconds(self.kill_timeout))
        if getcurrent() is get_hub():
            self._specter_end_at_once(run)
        else:
            run_whole(partial(self._specter_stop, run, times.within(time_left())))

    def _specter_stop(self, run: _Run, times: StopTimes) -> None:
        try:
            stop_child(run.child, self.name, times, list(run.readers))
        except Exception:
            logger.warning("stop of process %r failed", self.name, exc_info=True)
        except BaseException:
            run.child.kill()
            raise
        finally:
            if self._specter_run is None and run.child.real and not run.child.gone():
                self._specter_run = run  # what could not be ended may be stopped once more
            self._specter_end(run)

    def _specter_end_at_once(self, run: _Run) -> None:
        """Stop where nothing can wait: Python's own signal handlers run in the hub while everything else waits."""
        try:
            run.child.terminate()
            run.child.kill()
        finally:
            self._specter_end(run)

    def _specter_end(self, run: _Run) -> None:
        child = run.child
        for name in _STREAMS:
            pipe, stream = run.pipes.get(name), getattr(child.popen, name, None)
            if pipe is not None:
                _quietly(pipe.finish, name)
            elif stream is not None:
                _quietly(partial(_close, stream, self.name) if child.real else stream.close, name)
        self._specter_release(run)
        if run.stopped is not None:
            run.stopped.set()


def start_process(
    name: str, args: Any, *, owner: Any = None, kill_group: bool = False, **popen_kwargs: Any
) -> ManagedProcess:
    """
    Start a child process.

    Args:
        name: For logs.
        args: As `subprocess.Popen` takes them.
        owner: Stops the process when it stops itself; anything with ``add_cleanup``.
        kill_group: Start a process group, and end everything in it with the child.
        popen_kwargs: More keyword arguments for `subprocess.Popen`.

    Returns:
        The process, started.

    Raises:
        TypeError: *owner* cannot own.
        OSError: The program cannot be started.
    """
    process = ManagedProcess(name)
    process.kill_group = kill_group
    process.start(args, owner=owner, **popen_kwargs)
    return process


def _seconds(value: float | None) -> float:
    return math.inf if value is None else value


def _at_end(stream: Any, pipe: Pipe | Substitute | None) -> bool:
    return stream is None or (pipe.at_end if pipe is not None else stream.closed)


def _close(stream: Any, name: str) -> None:
    """Close a stream of a child. What cannot be written any more is dropped."""
    if not stream.closed and stream.writable() and not _flush(stream):
        # gevent's own files wait for room even in a pipe that must not block, and once more for each of their layers.
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno(), inheritable=False)
    close_now(stream, name)


def _flush(stream: Any) -> bool:
    """Write what stands in the buffers of *stream*. False if there was no room for it in time."""
    os.set_blocking(stream.fileno(), False)
    with within(_FLUSH_TIMEOUT):
        with contextlib.suppress(Exception):  # which closing raises once more
            stream.flush()
        return True
    return False


def _quietly(close: Callable[[], object], name: str) -> None:
    """Close a stream."""
    try:
        close()
    except Exception as error:
        logger.debug("%s was not closed: %s", name, error)
