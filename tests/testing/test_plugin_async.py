"""Async tests and fixtures run without configuration, on the event loop that the project has chosen."""

import pytest
from inner_projects import but, run


def test_async_tests_and_fixtures_run_without_configuration(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import anyio
        import pytest
        import sniffio
        from hypothesis import given, strategies

        @pytest.fixture
        async def number():
            await anyio.sleep(0)
            return 1

        @pytest.fixture
        async def group():
            async with anyio.create_task_group() as group:
                yield group
                group.cancel_scope.cancel()

        async def test_function(number, group):
            group.start_soon(anyio.sleep_forever)
            assert number == 1

        class TestClass:
            async def test_method(self, number):
                assert sniffio.current_async_library() == "asyncio"

        @pytest.mark.parametrize("value", [1, 2])
        async def test_parameters(value):
            assert value

        @given(strategies.integers())
        async def test_property(value):
            await anyio.sleep(0)
        """
    )
    outcome = run(pytester, "-v", plugins=but("no:hypothesispytest"))

    assert outcome.counts == {"passed": 5}, outcome.text
    # An older pytest cannot hide the name of the one backend.
    name = "test_function" if hasattr(pytest, "HIDDEN_PARAM") else "test_function[asyncio]"
    assert f"::{name} PASSED" in outcome.text


def test_the_backend_of_the_project_is_that_of_its_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        import sniffio

        @pytest.fixture(params=["asyncio", "trio"])
        def anyio_backend(request):
            return request.param

        async def test_library(anyio_backend_name):
            assert sniffio.current_async_library() == anyio_backend_name

        async def test_compared(anyio_backend, specter_runtime):
            assert anyio_backend in ("asyncio", "trio")
            assert (sniffio.current_async_library() == "trio") == (anyio_backend == "trio")
            assert f"{anyio_backend}" == sniffio.current_async_library()
        """
    )

    assert run(pytester, subprocess=True).counts == {"passed": 4}


def test_loops_that_the_project_has_chosen_are_left_to_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import asyncio
        import pytest
        import warnings

        class Loop(asyncio.SelectorEventLoop):
            pass

        def pytest_configure():
            with warnings.catch_warnings(action="ignore"):  # Python 3.14 does not like them any more

                class Policy(asyncio.DefaultEventLoopPolicy):
                    def new_event_loop(self):
                        return Loop()

                asyncio.set_event_loop_policy(Policy())

        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        """
    )
    pytester.makepyfile(
        """
        import asyncio

        async def test_loop(harness):
            assert type(asyncio.get_running_loop()).__name__ == "Loop"

        async def test_clock(virtual_clock):
            await asyncio.sleep(60)
            assert virtual_clock.now == 60
        """
    )

    assert run(pytester, subprocess=True).counts == {"passed": 2}


def test_who_imports_the_harness_needs_no_fixture_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import anyio
        from specter.testing import virtual_time

        async def test_clock():
            with virtual_time() as clock:
                await anyio.sleep(3600)
                assert clock.now == 3600
        """
    )

    assert run(pytester, subprocess=True).counts == {"passed": 1}


def test_virtual_time_where_nobody_runs_the_test_says_why(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_plain(virtual_clock):
            pass

        @pytest.mark.asyncio
        async def test_marked(virtual_clock):
            pass
        """
    )
    pytester.makeini("[pytest]\nmarkers = asyncio")
    outcome = run(pytester)

    needs = "virtual_clock needs an event loop, and"
    assert f"{needs} test_plain is a plain test: make it `async def`" in outcome.section("test_plain")
    assert f"{needs} test_marked is run by nobody: it has the mark of a plugin" in outcome.section("test_marked")


HANGING = """
import anyio
import pytest

@pytest.fixture
def anyio_backend():
    return "trio"

@pytest.fixture
async def group():
    async with anyio.create_task_group() as group:
        yield group

async def fail():
    raise ValueError("a task has failed")

async def test_fails(group, specter_runtime):
    group.start_soon(fail)
    await anyio.sleep(5)

async def test_runs_after_it(specter_runtime):
    await anyio.sleep(0)
"""


def test_a_failed_task_group_of_a_fixture_does_not_hang_the_run_on_trio(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(HANGING)
    outcome = run(pytester, subprocess=True)

    assert "::test_fails cannot go on: the task that runs its async fixtures on trio has ended" in outcome.text
    assert outcome.counts["passed"] == 1, outcome.text
