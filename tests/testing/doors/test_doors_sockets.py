"""What holds virtual time still on asyncio and trio: sockets with an end outside, and what is ready to be read."""

import os
import socket
import sys
import threading
import time

import anyio
import pytest
from outside import PATIENCE, WORK

from specter.testing import virtual_time


class Answering:
    """A TCP server in a thread of its own, that answers each line after some time."""

    def __init__(self, seconds):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = self.listening.getsockname()
        self.seconds = seconds
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        connection, _ = self.listening.accept()
        with connection, connection.makefile("rwb", buffering=0) as file:
            for line in file:
                time.sleep(self.seconds)
                file.write(line)


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not tell when a socket has sent last")
class TestSockets:
    async def test_who_waits_for_an_answer_from_outside_holds(self, ticking):
        server = Answering(4 * WORK)
        with server.listening:
            async with await anyio.connect_tcp(*server.address) as stream:
                for _ in range(3):
                    await stream.send(b"?\n")
                    with anyio.fail_after(60):
                        assert await stream.receive() == b"?\n"

        assert ticking.now == 0

    async def test_who_has_been_answered_holds_no_more(self, ticking):
        server = Answering(0)
        with server.listening:
            async with await anyio.connect_tcp(*server.address) as stream:
                await stream.send(b"?\n")
                await stream.receive()
                real = time.monotonic()
                await ticking.advance(3600)

        assert time.monotonic() - real < PATIENCE

    async def test_an_answer_that_does_not_come_is_given_up(self):
        server = Answering(3600)
        with server.listening, virtual_time(patience=0.5) as clock:
            async with await anyio.connect_tcp(*server.address) as stream:
                await stream.send(b"?\n")
                real = time.monotonic()
                with anyio.move_on_after(3600):
                    await stream.receive()

        assert 0.4 < time.monotonic() - real < 20
        assert clock.now == pytest.approx(3600, abs=60)

    async def test_both_ends_in_one_loop_need_no_hold(self, ticking):
        async def answer(stream):
            async with stream:
                async for data in stream:
                    await stream.send(data)

        real = time.monotonic()
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as t:
            t.start_soon(listener.serve, answer)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                for _ in range(20):
                    await stream.send(b"?")
                    await stream.receive()
                    await anyio.sleep(60)
            t.cancel_scope.cancel()

        assert ticking.now == pytest.approx(20 * 60, abs=3)
        assert time.monotonic() - real < 20 * 0.05 + PATIENCE


async def test_what_is_ready_is_seen_before_time_moves(ticking):
    for _ in range(10):
        read, write = os.pipe()
        os.write(write, b"ready")
        await ticking.advance(3)
        before = ticking.now
        await anyio.wait_readable(read)
        os.close(read)
        os.close(write)

        assert ticking.now == before
