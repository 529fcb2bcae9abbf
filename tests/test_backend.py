"""Which runtime `specter` means. Each test has interpreters of its own: the choice is made once in a process."""

from pathlib import Path

import pytest
from fresh import python

ASK = "import specter; print(specter.current_backend())"
CATCH = """
import sys
try:
    {}
except (ImportError, ValueError, RuntimeError, AttributeError) as error:
    print(type(error).__name__, error)
"""


def error_of(statement: str, *flags: str, folders: list[Path] | None = None, **environ: str) -> str:
    return python(CATCH.format(statement), *flags, folders=folders or [], **environ)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with empty packages in place of gevent's, to be used with `-S`: nothing else is installed."""
    for package in ("gevent", "flask_socketio", "specter_gevent"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    return tmp_path


# The first name decides: use_backend, environment, patched process, what is installed.


def test_asyncio_is_the_answer_when_nothing_asks_for_gevent() -> None:
    assert python(ASK, "-S") == "asyncio"


def test_gevent_and_flask_socketio_without_quart_mean_gevent(bare: Path) -> None:
    assert python(ASK, "-S", folders=[bare]) == "gevent"


@pytest.mark.parametrize("package", ["gevent", "flask_socketio"])
def test_one_of_gevent_and_flask_socketio_alone_does_not_mean_gevent(bare: Path, package: str) -> None:
    (bare / package / "__init__.py").unlink()
    (bare / package).rmdir()

    assert python(ASK, "-S", folders=[bare]) == "asyncio"


def test_quart_beside_gevent_means_asyncio(bare: Path) -> None:
    (bare / "quart.py").touch()

    assert python(ASK, "-S", folders=[bare]) == "asyncio"


def test_what_is_installed_is_found_without_importing_it(bare: Path) -> None:
    code = "import sys; print([name for name in ('gevent', 'flask_socketio', 'specter_gevent') if name in sys.modules])"

    assert python(f"{ASK}; {code}", "-S", folders=[bare]) == "gevent\n[]"


def test_a_patched_process_means_gevent_even_beside_quart() -> None:
    assert python(f"from gevent import monkey; monkey.patch_all(); {ASK}") == "gevent"
    assert python(f"from gevent import monkey; monkey.patch_socket(); {ASK}") == "gevent"


def test_a_process_that_merely_imported_gevent_is_not_patched() -> None:
    assert python(f"import gevent.monkey; {ASK}") == "asyncio"


def test_patching_between_the_import_and_the_first_name_counts() -> None:
    code = "import specter; from gevent import monkey; monkey.patch_all(); print(specter.current_backend())"

    assert python(code) == "gevent"


def test_the_environment_beats_a_patched_process() -> None:
    assert python(f"from gevent import monkey; monkey.patch_all(); {ASK}", SPECTER_BACKEND="asyncio") == "asyncio"


def test_the_environment_beats_what_is_installed(bare: Path) -> None:
    assert python(ASK, "-S", folders=[bare], SPECTER_BACKEND="asyncio") == "asyncio"


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert python(ASK, "-S", SPECTER_BACKEND="") == "asyncio"


def test_use_backend_beats_the_environment(bare: Path) -> None:
    code = "import specter; specter.use_backend({!r}); print(specter.current_backend())"

    assert python(code.format("asyncio"), "-S", folders=[bare], SPECTER_BACKEND="gevent") == "asyncio"
    assert python(code.format("gevent"), "-S", folders=[bare], SPECTER_BACKEND="asyncio") == "gevent"


# Switching.


def test_until_a_name_is_taken_the_last_call_counts(bare: Path) -> None:
    code = "specter.use_backend('gevent'); specter.use_backend('asyncio'); print(specter.current_backend())"

    assert python(f"import specter; {code}", "-S", folders=[bare]) == "asyncio"


def test_asking_does_not_settle_the_choice(bare: Path) -> None:
    code = "specter.current_backend(); dir(specter); specter.__all__; specter.use_backend('asyncio')"

    assert python(f"import specter; {code}; print(specter.current_backend())", "-S", folders=[bare]) == "asyncio"


def test_switching_after_a_name_was_handed_out_is_an_error_that_says_so(bare: Path) -> None:
    error = error_of("import specter; specter.SchemaError; specter.use_backend('gevent')", folders=[bare])

    assert error == (
        "RuntimeError use_backend('gevent') comes too late: specter.SchemaError was handed out for 'asyncio' already, "
        "because nothing asks for gevent; call it before the first import from specter, or set SPECTER_BACKEND=gevent"
    )


def test_choosing_what_was_chosen_is_no_switch() -> None:
    code = "import specter; specter.SchemaError; specter.use_backend('asyncio'); print(specter.current_backend())"

    assert python(code) == "asyncio"


@pytest.mark.parametrize("path", ["http", "router"])
def test_a_module_of_both_runtimes_settles_the_choice(bare: Path, path: str) -> None:
    error = error_of(f"import specter; __import__('specter.{path}'); specter.use_backend('gevent')", folders=[bare])

    assert f"comes too late: specter.{path} was handed out for 'asyncio'" in error


# Wrong values.


@pytest.mark.parametrize("value", ["trio", "Gevent", "", None, 3])
def test_use_backend_refuses_other_values(value: object) -> None:
    error = error_of(f"import specter; specter.use_backend({value!r})")

    assert error == f"ValueError backend must be 'asyncio' or 'gevent', got {value!r}"


@pytest.mark.parametrize(
    "statement", ["import specter; specter.Service", "import specter.core.bus", "import specter.http"]
)
def test_a_wrong_variable_is_named_with_its_value(statement: str) -> None:
    error = error_of(statement, SPECTER_BACKEND="trio")

    assert error == "ValueError SPECTER_BACKEND must be 'asyncio' or 'gevent', got 'trio'"


def test_gevent_that_is_not_installed_names_the_extra(bare: Path) -> None:
    (bare / "gevent" / "__init__.py").unlink()
    (bare / "gevent").rmdir()
    statements = {
        "import specter; specter.use_backend('gevent')": "use_backend('gevent') was called",
        "import os; os.environ['SPECTER_BACKEND'] = 'gevent'; import specter; specter.Service": (
            "the environment has SPECTER_BACKEND=gevent"
        ),
    }

    for statement, reason in statements.items():
        assert error_of(statement, "-S", folders=[bare]) == (
            f"ImportError specter is on gevent here, because {reason}, and gevent is not installed: "
            "pip install 'specter-runtime[gevent]', or set SPECTER_BACKEND=asyncio"
        )


def test_a_failed_choice_can_be_mended() -> None:
    code = """
import specter
try:
    specter.SchemaError
except ImportError:
    specter.use_backend("asyncio")
print(specter.SchemaError.__name__)
"""
    assert python(code, "-S", SPECTER_BACKEND="gevent") == "SchemaError"


# The paths of 0.1.x on asyncio.


@pytest.mark.parametrize(
    "statement",
    [
        "import specter.core",
        "from specter import core",
        "import specter.core.bus",
        "from specter.core import registry",
        "from specter.core.lifecycle import Service",
        "import specter.boot",
        "import importlib; importlib.import_module('specter.core.manager')",
    ],
)
def test_an_old_path_on_asyncio_is_refused_with_the_name_of_the_switch(statement: str) -> None:
    error = error_of(statement)

    assert error.startswith("WrongPath specter.")
    assert "is a path of specter-runtime 0.1" in error
    assert "call specter.use_backend('gevent') before the first import from specter, or set SPECTER_BACKEND" in error


def test_a_refused_path_leaves_the_choice_open(bare: Path) -> None:
    code = """
import specter
try:
    import specter.core
except ImportError:
    specter.use_backend("gevent")
print(specter.current_backend())
"""
    assert python(code, "-S", folders=[bare], SPECTER_BACKEND="asyncio") == "gevent"


def test_names_of_asyncio_alone_are_missing_on_gevent(bare: Path) -> None:
    error = error_of("import specter; specter.Runtime", "-S", folders=[bare], SPECTER_BACKEND="gevent")
    code = "import specter; print({'Runtime', 'current_sid'} & {*specter.__all__})"

    assert error == "AttributeError specter.Runtime exists on asyncio alone, and specter is on gevent here"
    assert python(code, "-S", folders=[bare], SPECTER_BACKEND="gevent") == "set()"


# What the switch costs others.


def test_reloading_the_package_adds_no_second_finder() -> None:
    count = "sum(type(finder).__name__ == 'OldPaths' for finder in sys.meta_path)"

    assert python(f"import importlib, sys, specter; importlib.reload(specter); print({count})") == "1"
