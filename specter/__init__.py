"""
A service runtime for Python web applications: services own what they start, and nothing outlives them.

Importing this package is cheap. A public name is imported when it is first used, from the runtime that
`current_backend` tells: this package's own modules on asyncio, `specter_gevent` on gevent.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from . import _backend
from ._backend import current_backend as current_backend
from ._backend import use_backend as use_backend

if TYPE_CHECKING:
    from .cache import Cache as Cache
    from .cache import create_cache as create_cache
    from .controller import Controller as Controller
    from .event_bus import EventBus as EventBus
    from .event_bus import bus as bus
    from .handler import Handler as Handler
    from .http import HTTPError as HTTPError
    from .http import expect_json as expect_json
    from .http import json_endpoint as json_endpoint
    from .http import require_fields as require_fields
    from .manager import ServiceManager as ServiceManager
    from .manager import boot as boot
    from .model import Model as Model
    from .model import create_model as create_model
    from .operation import Operation as Operation
    from .process import ManagedProcess as ManagedProcess
    from .process import start_process as start_process
    from .queue_service import QueueService as QueueService
    from .router import Router as Router
    from .router import route as route
    from .runtime import Runtime as Runtime
    from .sansio.errors import OperationError as OperationError
    from .sansio.errors import SchemaError as SchemaError
    from .sansio.errors import ServiceError as ServiceError
    from .sansio.errors import WatcherError as WatcherError
    from .sansio.outcome import Outcome as Outcome
    from .schema import Field as Field
    from .schema import Schema as Schema
    from .service import Service as Service
    from .service_registry import SPECTERRegistry as SPECTERRegistry
    from .service_registry import registry as registry
    from .socket_ingress import SocketIngress as SocketIngress
    from .socket_ingress import current_sid as current_sid
    from .store import Store as Store
    from .store import create_store as create_store
    from .watcher import Watcher as Watcher

__version__ = "1.0.0.dev0"

# The public name: the module of this package that has it on asyncio.
_MODULES = {
    "Cache": "cache",
    "Controller": "controller",
    "EventBus": "event_bus",
    "Field": "schema",
    "HTTPError": "http",
    "Handler": "handler",
    "ManagedProcess": "process",
    "Model": "model",
    "Operation": "operation",
    "OperationError": "sansio.errors",
    "Outcome": "sansio.outcome",
    "QueueService": "queue_service",
    "Router": "router",
    "Runtime": "runtime",
    "SPECTERRegistry": "service_registry",
    "Schema": "schema",
    "SchemaError": "sansio.errors",
    "Service": "service",
    "ServiceError": "sansio.errors",
    "ServiceManager": "manager",
    "SocketIngress": "socket_ingress",
    "Store": "store",
    "Watcher": "watcher",
    "WatcherError": "sansio.errors",
    "boot": "manager",
    "bus": "event_bus",
    "create_cache": "cache",
    "create_model": "model",
    "create_store": "store",
    "current_sid": "socket_ingress",
    "expect_json": "http",
    "json_endpoint": "http",
    "registry": "service_registry",
    "require_fields": "http",
    "route": "router",
    "start_process": "process",
}
_ASYNCIO_ONLY = frozenset({"Runtime", "current_sid"})
# What 0.1.x imported along with itself, so that `specter.core.bus` needs no import of its own.
_GEVENT_MODULES = frozenset({"core", "http", "router"})


def __getattr__(name: str) -> object:
    if name == "__all__":
        return _public_names()
    if name in _MODULES:
        backend = _backend.take(f"specter.{name}")
        if backend == "asyncio" or name not in _ASYNCIO_ONLY:
            value = globals()[name] = _load(name, backend)
            return value
        raise AttributeError(f"specter.{name} exists on asyncio alone, and specter is on {backend} here", name=name)
    if name in _GEVENT_MODULES and current_backend() == "gevent":
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_public_names()})


def _public_names() -> list[str]:
    return _names_on(current_backend())


def _names_on(backend: _backend.Backend) -> list[str]:
    names = {*_MODULES, "__version__", "current_backend", "use_backend"}
    return sorted(names if backend == "asyncio" else names - _ASYNCIO_ONLY)


def _load(name: str, backend: _backend.Backend) -> object:
    """Import what *name* means on *backend*."""
    module = f"{__name__}.{_MODULES[name]}" if backend == "asyncio" else "specter_gevent"
    try:
        value: object = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise _backend.missing_extra(f"{__name__}.{name}", backend, error) from error
    # Its `__module__` stays the file: inspect.getsource and typing.get_type_hints, of subclasses too, look there.
    return value


class _Package(ModuleType):
    """
    A package whose public names no import can replace.

    `import specter.boot`, a path of 0.1.x, would put that module where the function `boot` stands.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _MODULES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


if not any(isinstance(finder, _backend.OldPaths) for finder in sys.meta_path):
    sys.meta_path.insert(0, _backend.OldPaths())
sys.modules[__name__].__class__ = _Package
