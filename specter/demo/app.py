"""
The application: start reading here.

    Folder --folder:changed--> Hasher --file:read--> Catalog --catalog:changed--> its Cache
                          \\--> Journal            Usage (a process)              Pulse (what runs)

Each service writes what it knows to the board, a Model; the Dashboard sends what changed there to the browsers.
"""

from __future__ import annotations

import logging
from pathlib import Path

import socketio
from quart import Quart

from specter import ServiceManager, boot
from specter.demo.board import create_board
from specter.demo.catalog import Catalog
from specter.demo.dashboard import Dashboard, guard
from specter.demo.folder import Folder
from specter.demo.hasher import Hasher
from specter.demo.journal import Journal
from specter.demo.pulse import Pulse
from specter.demo.usage import Usage


def create_app(root: Path, host: str = "127.0.0.1") -> ServiceManager:
    """
    Put the demo together.

    Args:
        root: The folder to show, an absolute path.
        host: The address that will be served.

    Returns:
        The manager of the application; its ``asgi`` is what a server serves.
    """
    # It says at info that something has changed, each time.
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    app = Quart("specter.demo", static_url_path="/static")
    guard(app, host)
    board = create_board(root)
    folder = Folder(root, board)
    services = [folder, Hasher(folder, board), Catalog(board), Journal(board), Usage(root, board), Pulse(board)]
    sio = socketio.AsyncServer(async_mode="asgi")
    return boot(app, sio, services=services, controllers=[Dashboard(board, host)])
