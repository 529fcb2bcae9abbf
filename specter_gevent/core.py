"""
The package `specter.core` of 0.1.x, whose modules are those of this package by other names.

`specter.core.bus` is a module there, as opposed to `specter.bus`, so it cannot be this package itself.
"""

from __future__ import annotations

from importlib import import_module

from specter._backend import OLD_PATHS
from specter.sansio.errors import OperationError as OperationError
from specter.sansio.outcome import Outcome as Outcome

from .model import Model as Model
from .model import create_model as create_model
from .operation import Operation as Operation
from .process import ManagedProcess as ManagedProcess
from .process import start_process as start_process
from .queue_service import QueueService as QueueService
from .service import Service as Service
from .store import Store as Store
from .store import create_store as create_store

__all__ = [
    "ManagedProcess",
    "Model",
    "Operation",
    "OperationError",
    "Outcome",
    "QueueService",
    "Service",
    "Store",
    "create_model",
    "create_store",
    "start_process",
]
# A package to the import system, without files of its own.
__path__: list[str] = []


def __getattr__(name: str) -> object:
    if f"core.{name}" in OLD_PATHS:
        return import_module(OLD_PATHS[f"core.{name}"])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
