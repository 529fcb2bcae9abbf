"""gevent's own server, as `specter run` has it."""

import socket
import sys

from gevent import socket as gevent_socket

from specter.serving.listener import Listener
from specter_gevent.serving.server import Server


def connection():
    """The socket of the call in which the caller runs."""
    frame = sys._getframe()
    while not hasattr(frame.f_locals.get("self"), "socket"):
        frame = frame.f_back
    return frame.f_locals["self"].socket


def test_head_and_body_go_out_without_a_delay():
    found = []

    def app(environ, start_response):
        found.append(connection().getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        start_response("200 OK", [("Connection", "close")])
        return [b"hello"]

    with Listener("127.0.0.1", 0) as listener:
        server = Server(app, listener)
        server.start()
        with gevent_socket.create_connection(listener.socket.getsockname()) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            answer = client.makefile("rb").read()
        server.stop(1)

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert found
    assert all(found)
