"""The command line itself: what it lists, and what it refuses before anything begins."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from specter import cli


class Left:
    """How a command line ended."""

    def __init__(self, code: object, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def specter(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    """Run `specter` with arguments, in this process."""

    def specter(*args: str) -> Left:
        monkeypatch.setattr(sys, "argv", ["specter", *args])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return Left(left.value.code, *capsys.readouterr())

    return specter


def test_the_version_is_told(specter) -> None:
    left = specter("--version")

    assert re.fullmatch(r"specter \d+\.\d+\.\d+\S*\n", left.out)
    assert left.code == 0


def test_the_package_is_the_command_line_too() -> None:
    told = subprocess.run([sys.executable, "-m", "specter", "fly"], capture_output=True, text=True, timeout=20)

    assert (told.returncode, told.stdout, told.stderr) == (2, "", "Error: No such command 'fly'.\n")


@pytest.mark.parametrize("args", [(), ("--help",)], ids=["nothing", "help"])
def test_the_commands_are_listed(specter, args: tuple[str, ...]) -> None:
    left = specter(*args)

    assert [name for name in ("run", "demo", "new") if f"\n  {name} " not in left.out] == []
    assert not left.code


def test_the_options_are_explained(specter) -> None:
    left = specter("run", "--help")
    options = re.findall(r"^  (--[a-z-]+)", left.out, re.MULTILINE)

    assert options == [
        "--host",
        "--port",
        "--server",
        "--backend",
        "--graceful-timeout",
        "--shutdown-timeout",
        "--reload",
        "--help",
    ]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["run"], "Missing argument 'MODULE:APP'"),
        (["run", "app:app", "--port", "65536"], "65536 is not in the range"),
        (["run", "app:app", "--port", "http"], "'http' is not a valid integer"),
        (["run", "app:app", "--server", "apache"], "'apache' is not one of 'hypercorn', 'uvicorn', 'granian'"),
        (["run", "app:app", "--shutdown-timeout", "0"], "0.0 is not in the range x>0"),
        (["run", "app:app", "--shutdown-timeout", "inf"], "inf is not a number of seconds"),
        (["run", "app:app", "--graceful-timeout", "nan"], "nan is not a number of seconds"),
        (["run", "app:app", "--graceful-timeout", "-1"], "-1.0 is not in the range x>=0"),
        (["run", "app:app", "--backend", "twisted"], "'twisted' is not one of 'asyncio', 'gevent'"),
        (["run", "app:app", "--speed", "9"], "No such option"),
        (["demo", "nowhere"], "'nowhere' does not exist"),
        (["new"], "Missing argument 'NAME'"),
        (["fly"], "No such command 'fly'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_one_line(specter, args: list[str], says: str) -> None:
    left = specter(*args)

    assert (left.code, left.out) == (2, "")
    assert len(left.err.splitlines()) == 1
    assert says in left.err


def test_a_wrong_switch_in_the_environment_is_one_line(specter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specter._backend._taken", None)
    monkeypatch.setenv("SPECTER_BACKEND", "twisted")
    left = specter("run", "app:app")

    assert left.code == 2
    assert left.err == "Error: SPECTER_BACKEND must be 'asyncio' or 'gevent', got 'twisted'\n"
