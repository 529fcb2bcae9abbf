"""Operation on gevent: what becomes of the ways in which work can end."""

import logging
from types import SimpleNamespace

import gevent
import pytest
from greenlets import ended, turns

from specter_gevent import Operation, OperationError, Outcome


class Given(Operation):
    """Performs what it is given."""

    def perform(self, fn):
        return fn()


def test_what_validate_returns_is_ignored():
    class Lenient(Given):
        def validate(self, fn):
            return self.failure("not heard")

    assert Lenient().run(lambda: 5) == Outcome.success(5)


def test_an_operation_error_of_validate_ends_the_work_before_it_begins():
    class Strict(Given):
        def validate(self, fn):
            raise OperationError("no", status=422, meta={"field": "a"})

    assert Strict().run(lambda: pytest.fail("it performs")) == Outcome.failure("no", status=422, field="a")


def test_meta_may_bring_the_value_that_there_is_nevertheless():
    def fail():
        raise OperationError("half done", meta={"value": [1], "left": 1})

    outcome = Given().run(fail)

    assert outcome == Outcome(False, [1], "half done", 400, {"left": 1})
    assert outcome.to_dict() == {"left": 1, "ok": False, "status": 400, "value": [1], "error": "half done"}


def test_an_error_nobody_planned_for_is_logged_by_error_and_no_other_method():
    told = []
    logger = SimpleNamespace(error=lambda text, *args, **options: told.append((text % args, options)))
    operation = Given(logger_instance=logger)

    assert operation.run(lambda: 1 / 0) == Outcome(False, None, "division by zero", 500)
    assert told == [("[SPECTER:operation] Given failed: division by zero", {"exc_info": True})]


def test_its_logger_is_that_of_the_module_of_the_subclass(caplog):
    Given().run(lambda: 1 / 0)

    (record,) = caplog.records
    assert (record.name, record.levelno, record.exc_info[0]) == (__name__, logging.ERROR, ZeroDivisionError)


def test_a_kill_and_a_timeout_of_the_caller_are_no_outcomes():
    working = gevent.spawn(Given().run, lambda: gevent.sleep(60))
    turns(1)
    working.kill()
    assert isinstance(ended(working), gevent.GreenletExit)

    with pytest.raises(gevent.Timeout) as found, gevent.Timeout(0.01) as timeout:
        Given().run(lambda: gevent.sleep(60))
    assert found.value is timeout


@pytest.mark.parametrize("hook", ["validate", "perform"])
def test_a_coroutine_function_is_refused_by_the_name_of_the_switch(hook):
    async def later(self):
        """A coroutine function."""

    later.__name__ = hook

    with pytest.raises(TypeError, match=f"{hook} of Late must be a plain function on gevent, .*use_backend"):
        type("Late", (Operation,), {hook: later})
