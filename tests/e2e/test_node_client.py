"""The npm package ``socket.io-client`` under Node, against a server of ours."""

import json
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from e2e.served import Served
from npm import Lines, start_node

HERE = Path(__file__).parent


def findings(lines: Lines, last: str) -> dict[str, Any]:
    """What the client tells, as far as the finding named *last*."""
    found: dict[str, Any] = {}
    while last not in found:
        name, value = json.loads(lines.next())
        found[name] = value
    return found


@pytest.mark.parametrize(
    "target", [("talk:asgi",), ("flask_talk:app", "--backend", "gevent")], ids=["asyncio", "gevent"]
)
@pytest.mark.parametrize("transport", ["websocket", pytest.param("polling", marks=pytest.mark.slow)])
def test_a_browsers_client_is_served_and_finds_the_next_process(transport: str, target: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    run = ("run", *target, "--port", port, "--graceful-timeout", "0.5")
    with Served(*run, folder=HERE / "apps") as server:
        client = start_node(HERE / "talk.mjs", server.url, transport)
        lines = Lines(client)
        try:
            found = findings(lines, "ready")
            code = server.stop(signal.SIGTERM)
            ended = findings(lines, "end")
            with Served(*run, folder=HERE / "apps"):
                again = findings(lines, "again")
                assert client.wait(10) == 0
        finally:
            client.kill()
            lines.close()

    assert found == {
        "transport": transport,
        "ack": 5,
        "own sid": True,
        "nested": {"text": "ünïcode", "list": [1, [None, True]], "empty": {}},
        "bytes": [0, 1, 255],
        "error": None,
        "unknown": "operation has timed out",
        "broadcast": ["hello", True],
        "refusal": "wrong token",
        "ready": None,
    }
    # Told by the server, and free to come back; the handler that was cut off has answered nothing.
    assert ended == {"end": ["transport close", True]}
    assert again == {"again": 2}
    assert code == 0
