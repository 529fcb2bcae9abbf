"""The address that is served on."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from specter.serving.listener import Listener
from specter.serving.problem import Problem
from specter.serving.servers import reachable


def test_any_free_port_is_told() -> None:
    listener = Listener("127.0.0.1", 0)

    assert listener.url == f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
    listener.close()


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_address_of_ipv6_is_told_in_brackets() -> None:
    listener = Listener("::1", 0)

    assert listener.url == f"http://[::1]:{listener.port}"
    listener.close()


def test_a_port_that_is_taken_is_a_problem() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=f"port {port} is taken on 127.0.0.1: "):
            Listener("127.0.0.1", port)


def test_a_port_can_be_had_again_at_once() -> None:
    first = Listener("127.0.0.1", 0)
    first.listen()
    with socket.create_connection((first.host, first.port)) as client:
        accepted, _ = first.socket.accept()
        accepted.close()  # the server's side waits now until the kernel forgets the connection
        assert client.recv(1) == b""
    first.close()
    second = Listener("127.0.0.1", first.port)

    assert second.port == first.port
    second.close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_of_others_is_a_problem(host: str) -> None:
    with pytest.raises(Problem, match=f"host '{host}' is not an address of this machine"):
        Listener(host, 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may serve on every port")
def test_a_port_of_the_system_is_a_problem() -> None:
    with pytest.raises(Problem, match="port 80 needs more rights"):
        Listener("127.0.0.1", 80)


async def test_it_is_reachable_once_somebody_listens() -> None:
    listener = Listener("127.0.0.1", 0)
    waiting = asyncio.create_task(reachable(listener))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    listener.listen()
    await waiting
    listener.close()
