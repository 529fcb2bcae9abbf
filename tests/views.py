"""Views of Quart, and what an application answers with them."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from quart import Quart, Response


async def answer(app: Quart, view: Any, **options: Any) -> Response:
    """What *app* answers with this view."""
    app.add_url_rule("/it", "it", view, methods=["GET", "POST"])
    response: Response = await app.test_client().open("/it", **options)
    return response


async def body(response: Response) -> Any:
    """What is in an answer that is JSON."""
    assert response.mimetype == "application/json", await response.get_data()
    return await response.get_json()


class Views:
    """The same view as a plain function and as a coroutine function."""

    @staticmethod
    def plain(fn: Callable[[], Any]) -> Callable[..., Any]:
        def view() -> Any:
            return fn()

        return view

    @staticmethod
    def coroutine(fn: Callable[[], Any]) -> Callable[..., Any]:
        async def view() -> Any:
            await asyncio.sleep(0)
            return fn()

        return view


both = pytest.mark.parametrize("kind", [Views.plain, Views.coroutine], ids=["plain", "coroutine"])


Kind = Callable[[Callable[[], Any]], Callable[..., Any]]


def raising(error: BaseException) -> Callable[[], Any]:
    """A view that raises *error*."""

    def fn() -> None:
        raise error

    return fn
