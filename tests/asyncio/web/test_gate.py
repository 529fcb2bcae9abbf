"""The gate: what passes, what is turned away, and how a call is ended."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from specter.serving.asgi import ASGIApp, Message
from specter.serving.gate import Gate

Sent = list[Message]


class Client:
    """One call, made as a server makes it."""

    def __init__(self, gate: ASGIApp, **scope: Any) -> None:
        self.sent: Sent = []
        self.scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/", "query_string": b"", **scope}
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.task = asyncio.ensure_future(self._run(gate))

    async def _run(self, gate: ASGIApp) -> None:
        await gate(self.scope, self.incoming.get, self._send)

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


def streaming(content_type: bytes) -> ASGIApp:
    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Type", content_type)]})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        assert (await receive())["type"] == "http.disconnect"

    return stream


async def listening(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def test_an_open_gate_passes_calls_on() -> None:
    client = Client(Gate(answer))
    await client.task

    assert client.status == 200
    assert client.sent[-1]["body"] == b"done"


async def test_a_closed_gate_answers_503_and_closes_the_connection() -> None:
    gate = Gate(answer)
    gate.close()
    client = Client(gate)
    await client.task

    assert client.status == 503
    assert (b"connection", b"close") in client.sent[0]["headers"]
    assert client.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


async def test_a_refusal_over_http_2_has_no_connection_field() -> None:
    gate = Gate(answer)
    gate.close()
    client = Client(gate, http_version="2")
    await client.task

    assert client.status == 503
    assert not [name for name, _ in client.sent[0]["headers"] if name == b"connection"]


async def test_a_closed_gate_refuses_websockets() -> None:
    gate = Gate(listening)
    gate.close()
    client = Client(gate, type="websocket")
    client.incoming.put_nowait({"type": "websocket.connect"})
    await client.task

    assert client.sent == [{"type": "websocket.close", "code": 1012}]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (b"EIO=4&transport=polling&sid=abc", 200),
        (b"EIO=4&transport=polling", 503),
        (b"sid=abc", 503),
    ],
)
async def test_a_closed_gate_lets_known_socket_clients_fetch_their_goodbye(query: bytes, status: int) -> None:
    gate = Gate(answer)
    gate.close()
    client = Client(gate, query_string=query)
    await client.task

    assert client.status == status


async def test_a_gate_that_is_opened_again_passes_calls_on() -> None:
    gate = Gate(answer)
    gate.close()
    gate.open()
    client = Client(gate)
    await client.task

    assert client.status == 200


async def test_the_lifespan_passes_a_closed_gate() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    gate = Gate(app)
    gate.close()
    await Client(gate, type="lifespan").task

    assert seen == ["lifespan"]


async def test_each_call_gets_a_copy_of_the_state_of_the_lifespan() -> None:
    states = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        states.append(scope["state"])
        scope["state"]["own"] = 1

    gate = Gate(app)
    gate.state = {"pool": 5}
    await Client(gate).task
    await Client(gate).task

    assert states == [{"pool": 5, "own": 1}] * 2
    assert gate.state == {"pool": 5}


async def test_a_stream_that_is_ended_is_completed() -> None:
    gate = Gate(streaming(b"text/event-stream; charset=utf-8"))
    client = Client(gate)
    await settle()
    (call,) = gate.calls()
    assert call.stream

    call.end()
    await client.task

    assert client.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert gate.calls() == []


async def test_a_response_of_another_type_is_no_stream() -> None:
    gate = Gate(streaming(b"text/plain"))
    client = Client(gate)
    await settle()
    (call,) = gate.calls()

    assert not call.stream
    assert call.request

    call.end()
    await client.task


async def test_a_request_that_is_ended_before_its_answer_began_gets_503() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    gate = Gate(app)
    client = Client(gate)
    await settle()
    gate.calls()[0].end()
    await client.task

    assert client.status == 503


async def test_a_websocket_that_is_ended_is_closed_for_a_restart() -> None:
    gate = Gate(listening)
    client = Client(gate, type="websocket")
    client.incoming.put_nowait({"type": "websocket.connect"})
    await settle()
    gate.calls()[0].end()
    await client.task

    assert client.sent == [{"type": "websocket.accept"}, {"type": "websocket.close", "code": 1012}]


async def test_an_answer_that_is_complete_is_not_completed_again() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answer(scope, receive, send)
        await receive()

    gate = Gate(app)
    client = Client(gate)
    await settle()
    gate.calls()[0].end()
    await client.task

    assert [message["type"] for message in client.sent] == ["http.response.start", "http.response.body"]


async def test_a_cancellation_from_elsewhere_goes_on() -> None:
    gate = Gate(listening)
    client = Client(gate, type="websocket")
    await settle()
    client.task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await client.task


async def test_a_cancellation_from_elsewhere_counts_beside_the_end() -> None:
    gate = Gate(listening)
    client = Client(gate, type="websocket")
    await settle()
    gate.calls()[0].end()
    client.task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await client.task


async def test_a_time_limit_round_receive_is_kept() -> None:
    outcome: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            async with asyncio.timeout(0):
                await receive()
        except TimeoutError:
            outcome.append("timed out")
        outcome.append((await receive())["type"])

    gate = Gate(app)
    client = Client(gate)
    await settle()
    gate.calls()[0].end()
    await client.task

    assert outcome == ["timed out", "http.disconnect"]


async def test_an_error_of_an_ended_call_is_logged_and_completes_it(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()
        raise ValueError("the client left")

    gate = Gate(app)
    client = Client(gate)
    await settle()
    gate.calls()[0].end()
    await client.task

    assert client.sent[-1]["more_body"] is False
    assert "the client left" in caplog.text


async def test_an_error_of_any_other_call_is_the_servers() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await Client(Gate(app)).task


@pytest.mark.parametrize("happens", ["ends", "begins to answer"])
async def test_a_change_is_told(happens: str) -> None:
    go = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if happens == "begins to answer":
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await go.wait()

    gate = Gate(app)
    waiting = asyncio.ensure_future(gate.changed())
    client = Client(gate)
    await settle()
    assert waiting.done() == (happens == "begins to answer")

    go.set()
    await client.task
    await waiting
