"""What is built and what it brings along, in virtual environments of its own. Needs a package index."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from fresh import ROOT, checkout

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# An application that was written for specter-runtime 0.1 and has stayed with its companions.
OLD = ["flask==2.1.3", "werkzeug==2.0.3", "flask-socketio==5.3.6", "gevent==25.5.1"]
SERVE = """
import anyio, socketio
from quart import Quart
from specter import Controller, QueueService, boot, registry

class Work(QueueService):
    async def handle_item(self, item):
        self.set_state({"done": item})

class Site(Controller):
    name = "site"

    def build_routes(self, router):
        @router.route("/work", methods=["POST"])
        async def work():
            await registry.require("work").enqueue("a")
            await registry.require("work").join()
            return registry.require("work").get_state()

    def build_events(self, handler):
        handler.on("ask", lambda data: data)

app = Quart(__name__)
manager = boot(app, socketio.AsyncServer(async_mode="asgi"), services=[Work("work")], controllers=[Site()])

async def main():
    async with app.test_app() as running:
        answer = await running.test_client().post("/work")
        print((await answer.get_json())["done"], manager.health()["status"])

anyio.run(main)
"""


FROZEN = """
from gevent import monkey; monkey.patch_all()
import engineio.async_drivers.gevent  # engineio looks for it by name, as every frozen application knows
import flask, flask_socketio
from specter import QueueService, boot, current_backend
from specter.core.manager import ServiceManager

class Work(QueueService):
    def handle_item(self, item):
        self.set_state({"done": item})

app = flask.Flask("app")
work = Work("work")
manager = boot(app, flask_socketio.SocketIO(app, async_mode="gevent"), services=[work])
work.enqueue(1)
work.join()
print(current_backend(), work.get_state()["done"], ServiceManager.__module__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution as an index has it."""
    folder = tmp_path_factory.mktemp("build")
    python = environment(folder / "tools", "hatchling>=1.26")
    source = checkout(folder / "checkout")
    subprocess.run([python, "-m", "hatchling", "build", "-t", "sdist", "-d", folder], cwd=source, check=True)
    (sdist,) = folder.glob("*.tar.gz")
    subprocess.run([python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, sdist], check=True)
    return next(folder.glob("*.whl"))


def environment(folder: Path, *requirements: str | Path, constraints: list[str] | None = None) -> Path:
    """Make a virtual environment; returns its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    limits = folder / "constraints.txt"
    limits.write_text("\n".join(constraints or []))
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "-c", limits, *requirements], check=True)
    return python


def output(python: Path, *arguments: str) -> str:
    """What it prints, run outside of the checkout."""
    done = subprocess.run([python, *arguments], cwd=python.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def installed(python: Path) -> dict[str, str]:
    """``{distribution: version}``, names in lower case."""
    lines = output(python, "-m", "pip", "list", "--format=freeze").splitlines()
    return dict(line.lower().split("==") for line in lines)


def files(package: str) -> list[str]:
    """The files of a package, as git knows them."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", package]
    names = subprocess.check_output(listed, cwd=ROOT, text=True).splitlines()
    return [name for name in names if (ROOT / name).is_file()]


def test_the_wheel_has_all_of_both_packages_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert {"specter/py.typed", "specter_gevent/py.typed", "specter_gevent/core.py"} <= names
    assert names == {*files("specter"), *files("specter_gevent")}


def test_a_frozen_application_has_the_modules_that_nobody_imports(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "environment", f"{wheel}[gevent]", "pyinstaller>=6")
    app = tmp_path / "app.py"
    app.write_text(FROZEN)
    subprocess.run(
        [python.parent / "pyinstaller", "--log-level=ERROR", "--noconfirm", app], cwd=tmp_path, check=True, timeout=300
    )

    assert output(tmp_path / "dist" / "app" / "app") == "gevent 1 specter_gevent.manager"


def test_the_base_brings_anyio_alone(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path, wheel)

    assert installed(python).keys() <= {"anyio", "idna", "pip", "setuptools", "specter-runtime", "typing_extensions"}
    assert output(python, "-c", "import specter; print(specter.Service('a').health()['status'])") == "stopped"


def test_an_application_on_flask_2_keeps_its_companions(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path, f"{wheel}[gevent]", constraints=OLD)
    versions = installed(python)

    assert [f"{name}=={versions[name]}" for name in ("flask", "werkzeug", "flask-socketio", "gevent")] == OLD
    assert output(python, "-m", "pip", "check") == "No broken requirements found."
    assert output(python, "-c", "import specter; print(specter.current_backend())") == "gevent"


def test_the_oldest_companions_that_are_allowed_serve_an_application(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path, "uv")
    uv = [python, "-m", "uv", "pip", "install", "-q", "--python", python, "--resolution", "lowest-direct"]
    subprocess.run([*uv, f"{wheel}[quart]"], check=True)

    assert output(python, "-c", SERVE) == "a ok"


def test_the_command_works_where_quart_is_installed(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path, f"{wheel}[quart]")

    assert output(python.parent / "specter", "--version").endswith(installed(python)["specter-runtime"])
