"""The pytest plugin: loaded by itself, cheap, and no business of a project that does not use it."""

import pytest
from fresh import python
from inner_projects import run

from specter._testing import names


def test_it_can_be_turned_off(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_plain():
            pass

        def test_ours(specter_runtime):
            pass
        """
    )
    outcome = run(pytester, "-p", "no:specter")

    assert outcome.counts == {"passed": 1, "errors": 1}
    assert "fixture 'specter_runtime' not found" in outcome.text


HEAVY = """
import sys, pytest
before = set(sys.modules)
import specter._testing.plugin
new = set(sys.modules) - before
heavy = {"anyio", "asyncio", "flask", "gevent", "hypercorn", "logging", "quart", "socketio", "threading", "trio"}
print(sorted(name for name in new if name.partition(".")[0] in heavy), sorted(new))
import specter
print(specter._backend._taken, "specter.service" in new)
"""


def test_importing_it_imports_and_settles_nothing() -> None:
    heavy, settled = python(HEAVY).splitlines()

    assert heavy == "[] ['specter', 'specter._backend', 'specter._testing', 'specter._testing.plugin']"
    assert settled == "None False"


def test_a_run_that_uses_nothing_of_it_imports_no_runtime(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            import specter

            assert specter._backend._taken is None
            ours = {name for name in sys.modules if name.startswith("specter.") and "_testing" not in name}
            assert ours == {"specter._backend", "specter.sansio", "specter.sansio.leaks"}
            assert "quart" not in sys.modules
        """
    )

    assert run(pytester, subprocess=True).counts == {"passed": 1}


WITHOUT_PYTEST = f"""
import sys
sys.modules["pytest"] = sys.modules["_pytest"] = None  # an import of it raises ModuleNotFoundError
import anyio, specter.testing, specter_gevent.testing
from specter import Service, bus

for name in {sorted(names.MODULES)!r}:
    assert getattr(specter.testing, name) is not None
for name in specter_gevent.testing.__all__:
    assert getattr(specter_gevent.testing, name) is not None

async def main():
    with specter.testing.isolated():
        async with specter.testing.Harness() as harness, harness.running(Service("s")) as service:
            recorder = harness.record(bus)
            await service.emit("a")
            print(recorder.names)
        async with specter.testing.leaks() as found:
            bus.on("x", print)
        print([leak.kind for leak in found])

anyio.run(main)
"""


def test_the_harness_needs_no_pytest() -> None:
    assert python(WITHOUT_PYTEST) == "['a']\n['subscriptions']"


def test_a_distribution_announces_it() -> None:
    from importlib.metadata import entry_points

    (found,) = entry_points(group="pytest11", name="specter")
    assert found.value == "specter._testing.plugin"


@pytest.mark.parametrize("backend", ["asyncio", "gevent"])
def test_the_harness_is_that_of_the_backend(backend: str) -> None:
    code = "from specter import testing; import specter.testing; print(testing.__name__, specter.testing is testing)"

    package = "specter" if backend == "asyncio" else "specter_gevent"
    assert python(code, SPECTER_BACKEND=backend) == f"{package}.testing True"
