"""What is no leak: what was there before, ends in time, is allowed by a mark, or is not looked at by an option."""

import pytest
from inner_projects import run


@pytest.mark.parametrize("kind", ["async def", "def"])
def test_a_file_that_only_waits_to_be_collected_is_no_leak(pytester: pytest.Pytester, kind: str) -> None:
    pytester.makepyfile(
        f"""
        import gc
        import os

        class Node:
            def __init__(self):
                self.itself, self.fd = self, os.open(__file__, os.O_RDONLY)

            def __del__(self):
                os.close(self.fd)

        held = []

        def let_go(phase, info):  # after the first look, which collects
            if phase == "stop" and info["generation"] == 2:
                gc.callbacks.remove(let_go)
                held.clear()

        {kind} test_circle(specter_runtime):
            held.append(Node())
            gc.callbacks.append(let_go)
        """
    )

    outcome = run(pytester)

    assert outcome.counts == {"passed": 1}, outcome.text


def test_what_was_there_before_or_ends_in_time_is_no_leak(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import threading
        import time

        import anyio
        import pytest

        from specter import Runtime, Service, bus, registry

        @pytest.fixture(params=["asyncio", "trio"], scope="module")
        def anyio_backend(request):
            return request.param

        @pytest.fixture(scope="module")
        async def application(anyio_backend):
            async with Service("application") as service, anyio.create_task_group() as tasks:
                tasks.start_soon(anyio.sleep, 60)
                service.interval(print, 60)
                service.listen("a", print)
                registry.provide("application", service, owner=service)
                yield service
                tasks.cancel_scope.cancel()

        async def test_of_the_module(application, harness):
            assert application.running

        async def test_afterwards(harness):
            bus.on("a", print)()
            harness.add_cleanup(bus.on("b", print))
            registry.provide("fake", 1, owner=harness)
            with anyio.move_on_after(0):
                await anyio.sleep(1)
            await anyio.to_thread.run_sync(time.sleep, 0.001)
            threading.Thread(target=time.sleep, args=(0.01,)).start()

        async def test_what_a_service_has_goes_with_it(specter_runtime):
            async with Service("s") as service:
                service.spawn(anyio.sleep, 60)
                service.listen("a", print)

        async def test_without_a_fixture_of_ours():
            threading.Thread(target=time.sleep, args=(0.2,)).start()

        @pytest.mark.allow_leaks("subscriptions", "registry")
        async def test_what_is_allowed(specter_runtime):
            bus.on("a", print)
            registry.provide("b", 1)
        """
    )
    outcome = run(pytester)

    assert outcome.counts == {"passed": 10}, outcome.text


def test_an_unknown_kind_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.allow_leaks("task")
        async def test_misspelt(specter_runtime):
            pass
        """
    )
    outcome = run(pytester)

    assert outcome.counts == {"errors": 1}
    said = outcome.section("test_misspelt")
    assert said.count("'task' is no kind of leak; there are: services, tasks, timers, subscriptions,") == 1
    assert "During handling" not in outcome.text


def test_a_mark_that_names_no_kind_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.allow_leaks
        async def test_bare(specter_runtime):
            pass

        @pytest.mark.allow_leaks()
        def test_empty(specter_runtime):
            pass
        """
    )
    outcome = run(pytester)

    assert outcome.counts == {"errors": 2}
    for test in ("test_bare", "test_empty"):
        said = "@pytest.mark.allow_leaks: name the kinds of leaks that the test may leave behind, of services, tasks, "
        assert said in outcome.section(test)


@pytest.mark.parametrize(
    ("leaks", "counts"),
    [("all", {"passed": 3, "errors": 3}), ("used", {"passed": 3, "errors": 1}), ("off", {"passed": 3})],
)
def test_the_option_says_which_tests_are_looked_at(
    pytester: pytest.Pytester, leaks: str, counts: dict[str, int]
) -> None:
    pytester.makeini(f"[pytest]\nspecter_leaks = {leaks}")
    pytester.makepyfile(
        """
        from specter import bus

        def test_plain():
            bus.on("plain", print)

        async def test_async():
            bus.on("async", print)

        async def test_ours(specter_runtime):
            bus.on("ours", print)
        """
    )
    outcome = run(pytester)

    assert outcome.counts == counts, outcome.text


def test_an_unknown_value_of_the_option_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nspecter_leaks = some")

    assert "specter_leaks must be one of used, all, off, got some" in run(pytester).text


def test_what_python_socketio_leaves_is_no_leak(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import socketio
        from quart import Quart
        from specter import boot

        async def test_client(harness):
            sio = socketio.AsyncServer(async_mode="asgi")
            manager = boot(Quart("app"), sio)
            async with harness.running(manager), harness.socket(manager) as client:
                assert client.sid
        """
    )
    outcome = run(pytester)

    assert outcome.counts == {"passed": 1}, outcome.text
