"""Flask's test client, with the application booted around its requests."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from flask.testing import FlaskClient

from specter._testing.blocks import PlainBlock
from specter._testing.given import told

from ._serving import Serving
from ._target import Target


def http(app: Any) -> HTTPClient:
    """
    Give a client for the requests of a test, with no port.

    Args:
        app: A Flask application, or a manager that has one.

    Returns:
        Flask's own test client. The application is booted by its first request, or by ``with http(app) as client:``;
        it is shut down by the end of that block, or by ``client.close()``, unless it was booted before.

    Raises:
        TypeError: There is no Flask application in *app*.
    """
    target = Target.of(app)
    if target.flask is None:
        raise TypeError(f"http() needs a Flask application or a manager with one, got {told(app)}")
    own: Any = target.flask.test_client_class or FlaskClient
    client_class: Any = HTTPClient if own is FlaskClient else type("HTTPClient", (HTTPClient, own), {})
    client: HTTPClient = client_class(target.flask, target.flask.response_class, use_cookies=True)
    client._target = target
    return client


class HTTPClient(PlainBlock, FlaskClient):
    """
    A `flask.testing.FlaskClient`, or one of the application's own ``test_client_class``, that boots the application.

    As in Flask, a block round it keeps the context of the last request.
    """

    _made = "http(...)"
    # Set right after it is made: whoever derives from Flask's client may take other arguments.
    _target: Target
    _serving: Serving | None = None

    def __enter__(self) -> Self:
        """Boot the application."""
        self._boot()
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Shut it down."""
        try:
            super().__exit__(kind, error, trace)
        finally:
            self.close()

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Make a request; see `werkzeug.test.Client.open`."""
        self._boot()
        return super().open(*args, **kwargs)

    def close(self) -> None:
        """Shut the application down, if this client has booted it and no other one needs it. May be called again."""
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.leave()

    def _boot(self) -> None:
        if self._serving is None:
            self._serving = Serving.join(self._target)
