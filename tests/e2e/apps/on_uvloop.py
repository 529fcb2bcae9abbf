"""`everything`, on a loop of uvloop: that is the application's own choice."""

import asyncio

import uvloop

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

from everything import asgi as asgi  # noqa: E402
