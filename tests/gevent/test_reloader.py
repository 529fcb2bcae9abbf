"""Flask's reloader has the application in two processes, and in one of them alone it runs."""

import os
import subprocess
import sys
from contextlib import contextmanager

import click
import pytest
from fresh import ROOT

from specter_gevent._reloader import is_watching

PATIENCE = 60

# Each process writes down what happens in it. The one that serves ends when it has booted, and the other with it.
APPLICATION = """
from gevent import monkey
monkey.patch_all()

import logging, os, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)

from flask import Flask
from flask_socketio import SocketIO
from specter import Service, boot, registry

def note(what):
    with open("log", "a") as log:
        log.write(f"{what} in the {'serving' if 'WERKZEUG_RUN_MAIN' in os.environ else 'watching'} process\\n")

class Part(Service):
    def on_start(self):
        note("starts")

    def on_stop(self):
        note("stops")

app = Flask(__name__)
server = SocketIO(app, async_mode="gevent")
manager = boot(app, server, services=[Part("part")])
assert registry.require("part") and registry.require("service_manager") is manager
assert manager.booted or "WERKZEUG_RUN_MAIN" not in os.environ
if "WERKZEUG_RUN_MAIN" in os.environ:
    os._exit(0)

if __name__ == "__main__":
    server.run(app, port=0, debug=True)
"""


@pytest.fixture
def run(tmp_path):
    """What happened, and what was logged, in both processes that a command starts."""
    (tmp_path / "application.py").write_text(APPLICATION)

    def run(*command, **environ):
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("SPECTER_", "FLASK", "WERK"))}
        environ |= {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env=clean | environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return (tmp_path / "log").read_text().splitlines(), done.stderr

    return run


SERVES = "starts in the serving process"
NOT_HERE = "DEBUG:specter.core.manager:[SPECTER] Flask's reloader boots the application in another process: "


def test_flask_run_boots_in_the_process_that_serves_alone(run):
    log, said = run("-m", "flask", "run", "--port", "0", "--reload", FLASK_APP="application")

    assert log == [SERVES]
    assert said.count(f"{NOT_HERE}nothing is booted in this one") == 1


def test_an_application_that_runs_itself_is_shut_down_before_the_other_process_begins(run):
    log, said = run("application.py")

    assert log == ["starts in the watching process", "stops in the watching process", SERVES]
    assert said.count(f"{NOT_HERE}it is shut down in this one") == 1


@pytest.fixture
def command(monkeypatch):
    """As if the application were imported within a command of Flask."""

    @contextmanager
    def command(name, **options):
        monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
        with click.Context(click.Command(name), info_name=name) as context:
            context.params.update(options)
            yield

    return command


@pytest.mark.parametrize(
    ("name", "options", "environ", "watches"),
    [
        ("run", {"reload": True}, {}, True),
        ("run", {"reload": None}, {"FLASK_DEBUG": "1"}, True),
        ("run", {"reload": None}, {}, False),
        ("run", {"reload": False}, {"FLASK_DEBUG": "1"}, False),
        ("run", {"reload": True}, {"WERKZEUG_RUN_MAIN": "true"}, False),
        ("routes", {}, {"FLASK_DEBUG": "1"}, False),
    ],
)
def test_the_process_that_watches_is_told_by_flask_s_command(command, monkeypatch, name, options, environ, watches):
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    with command(name, **options):
        assert is_watching() is watches


@pytest.mark.parametrize(
    "environ", [{}, {"FLASK_DEBUG": "1"}, {"FLASK_DEBUG": "1", "FLASK_RUN_FROM_CLI": "true"}], ids=repr
)
def test_without_a_command_of_flask_nothing_watches(monkeypatch, environ):
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)

    assert not is_watching()
