"""
The gevent twin of `specter`: the same services, on greenlets.

Applications import `specter`, which gives these names where it is on gevent. As there, a name is imported when it is
first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from specter import _MODULES, _backend, _names_on
from specter import __version__ as __version__
from specter import current_backend as current_backend
from specter import use_backend as use_backend

if TYPE_CHECKING:
    from specter.sansio.errors import OperationError as OperationError
    from specter.sansio.errors import SchemaError as SchemaError
    from specter.sansio.errors import ServiceError as ServiceError
    from specter.sansio.errors import WatcherError as WatcherError
    from specter.sansio.outcome import Outcome as Outcome

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
    from .schema import Field as Field
    from .schema import Schema as Schema
    from .service import Service as Service
    from .service_registry import SPECTERRegistry as SPECTERRegistry
    from .service_registry import registry as registry
    from .socket_ingress import SocketIngress as SocketIngress
    from .store import Store as Store
    from .store import create_store as create_store
    from .watcher import Watcher as Watcher

__all__ = _names_on("gevent")


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    value = globals()[name] = _load(name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _load(name: str) -> object:
    """Import what *name* means here."""
    module = _MODULES[name]
    # Rules have one place for both runtimes.
    package = "specter" if module.startswith("sansio.") else __name__
    try:
        value = getattr(import_module(f"{package}.{module}"), name)
    except ModuleNotFoundError as error:
        raise _backend.missing_extra(f"{__name__}.{name}", "gevent", error) from error
    # Not at the top: whoever imports this package alone needs no logging.
    import_module(f"{__name__}._old_loggers").join()
    return value
