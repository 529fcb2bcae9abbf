"""
A harness for tests of applications: boot, virtual time, clients, probes, and what a test left behind.

Works with every test runner and with none. With pytest, a plugin gives the same as fixtures and needs no import.
On gevent this is the module `specter_gevent.testing`. A name is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from specter._testing import names

if TYPE_CHECKING:
    from specter.sansio.errors import Disconnected as Disconnected
    from specter.sansio.errors import LeakError as LeakError
    from specter.sansio.errors import PacketError as PacketError
    from specter.sansio.errors import Refused as Refused
    from specter.sansio.leaks import Leak as Leak

    from ._backend import Backend as Backend
    from ._cancel_everywhere import cancel_everywhere as cancel_everywhere
    from ._clock import VirtualClock as VirtualClock
    from ._clock import backend_options as backend_options
    from ._clock import loop_factory as loop_factory
    from ._clock import virtual_time as virtual_time
    from ._eventually import eventually as eventually
    from ._faults import Hang as Hang
    from ._faults import fail as fail
    from ._faults import hang as hang
    from ._harness import Harness as Harness
    from ._http_client import HTTPClient as HTTPClient
    from ._http_client import http as http
    from ._isolation import isolated as isolated
    from ._leaks import leaks as leaks
    from ._leaks import no_leaks as no_leaks
    from ._recorder import Recorder as Recorder
    from ._recorder import record as record
    from ._running import running as running
    from ._socket_client import SocketClient as SocketClient
    from ._socket_client import socket as socket

__all__ = names.names_on("asyncio")


def __getattr__(name: str) -> object:
    value = globals()[name] = names.load(name, __name__, "asyncio")
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
