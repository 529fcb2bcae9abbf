"""The command line: `specter run`, `specter demo`, `specter new`."""

from __future__ import annotations

import math
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

try:
    import click
except ModuleNotFoundError:
    # The base installation, which comes with the command but without what it needs.
    raise SystemExit("Error: the command line needs click: pip install 'specter-runtime[quart]'") from None

from specter import __version__, use_backend
from specter._backend import take
from specter.serving.command import serve
from specter.serving.options import GRACEFUL_TIMEOUT, SHUTDOWN_TIMEOUT, Options
from specter.serving.problem import Problem
from specter.serving.source import patches_itself

if TYPE_CHECKING:
    from specter._backend import Backend

_SERVERS = ["hypercorn", "uvicorn", "granian"]


class _Seconds(click.FloatRange):
    """A time; a number to Python is also what no clock ever shows."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds = float(super().convert(value, param, ctx))
        if not math.isfinite(seconds):
            self.fail(f"{value} is not a number of seconds", param, ctx)
        return seconds


@click.group(invoke_without_command=True)
@click.version_option(__version__, message="specter %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """A service runtime for Python web applications."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@click.argument("target", metavar="MODULE:APP")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: a free one.")
@click.option("--server", type=click.Choice(_SERVERS), help="The ASGI server. Default: hypercorn; gevent has its own.")
@click.option(
    "--backend",
    type=click.Choice(["asyncio", "gevent"]),
    help="The runtime that `specter` means. Default: SPECTER_BACKEND, or what the application shows.",
)
@click.option(
    "--graceful-timeout",
    type=_Seconds(0),
    help="Seconds that requests and socket handlers may go on at the end, half of what is left at most. "
    f"Default: the manager's own, or {GRACEFUL_TIMEOUT:g}.",
)
@click.option(
    "--shutdown-timeout",
    type=_Seconds(0, min_open=True),
    help=f"Seconds from the signal to the end. Default: the manager's own, or {SHUTDOWN_TIMEOUT:g}.",
)
@click.option("--reload", is_flag=True, help="Start anew when a Python file changes.")
def run(target: str, backend: Backend | None, reload: bool, **options: Any) -> int:
    """
    Serve a Quart app, an ASGI app or, on gevent, a Flask app, or the manager of one, until SIGTERM or Ctrl-C.

    MODULE:APP is found from the current folder on; MODULE:FACTORY() is called. At the end sockets are disconnected
    first, requests and handlers in flight may finish, then the services stop. A second signal ends it at once.

    Exit codes: 0, 1 if something failed or had to be abandoned, 2 if the command line is wrong, 128 + the signal if it
    ended at once.
    """
    chosen = Options(target, backend=_choose(backend, target), **options)
    if reload:
        from specter.serving.reload import run_reloading

        return run_reloading(chosen)

    def find() -> Any:
        from specter.serving.load import load

        package = "specter" if chosen.backend == "asyncio" else "specter_gevent"
        return load(target, import_module(f"{package}.serving.application").servable)

    return serve(find, chosen)


@cli.command()
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve on.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Default: a free one.")
def demo(folder: Path, host: str, port: int) -> int:
    """Show what happens in FOLDER (the current one) on a page in the browser, live."""
    _choose("asyncio")

    def find() -> Any:
        try:
            from specter.demo.app import create_app
        except ModuleNotFoundError as error:
            raise Problem(f"the demo needs the package {error.name!r}: pip install 'specter-runtime[demo]'") from error
        return create_app(folder.resolve(), host)

    return serve(find, Options("The demo", host, port))


@cli.command()
@click.argument("name")
def new(name: str) -> None:
    """Write a small application, with a test that passes, into a new folder NAME."""
    from specter._new import create

    try:
        folder = create(name, Path.cwd())
    except (ValueError, OSError) as error:
        raise Problem(str(error)) from error
    click.echo(f"{folder.name} is written: cd {folder.name}, then read README.md")


def main() -> NoReturn:
    """Run the command line, and leave with its exit code. What is wrong in it is one line, and exit code 2."""
    try:
        code = cli.main(prog_name="specter", standalone_mode=False)
    except click.Abort:
        code = 130  # Ctrl-C, before anything had begun
    except click.ClickException as error:
        code = _wrong(error.format_message(), error.exit_code)
    except Problem as error:
        code = _wrong(str(error))
    sys.exit(code)


def _choose(backend: Backend | None, target: str = "") -> Backend:
    """Settle the runtime before anything of the application is imported."""
    try:
        if backend is None and not os.environ.get("SPECTER_BACKEND"):
            # A patched process is on gevent, and one that is patched when the server is there already is so too late.
            backend = "gevent" if patches_itself(target) else None
        if backend is not None:
            use_backend(backend)
        return take("specter run")
    except (ImportError, ValueError) as error:
        raise Problem(str(error)) from error


def _wrong(line: str, code: int = 2) -> int:
    click.echo(f"Error: {' '.join(line.split())}", err=True)
    return code
