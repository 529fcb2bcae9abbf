"""Work that always ends in an outcome."""

import logging
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from specter import Operation, OperationError, Outcome


class Given(Operation):
    """Performs what it is given."""

    name = "given"

    def perform(self, fn: Callable[..., Any]) -> Any:
        return fn()


class GivenAsync(Operation):
    name = "given"

    async def perform(self, fn: Callable[..., Any]) -> Any:
        await anyio.lowlevel.checkpoint()
        return fn()


both = pytest.mark.parametrize("operation", [Given(), GivenAsync()], ids=["plain", "coroutine"])


def raising(error: BaseException) -> Callable[[], Any]:
    def fn() -> None:
        raise error

    return fn


@both
async def test_a_value_is_a_success(operation: Operation) -> None:
    assert await operation.run(lambda: 5) == Outcome(True, 5)


@both
@pytest.mark.parametrize(
    "outcome", [Outcome.success(1, status=201), Outcome.failure("no", status=404)], ids=["ok", "no"]
)
async def test_an_outcome_is_kept(operation: Operation, outcome: Outcome) -> None:
    assert await operation.run(lambda: outcome) is outcome


@both
async def test_an_operation_error_is_a_failure_of_its_status(
    operation: Operation, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = await operation.run(raising(OperationError("taken", status=409, meta={"by": "ann"})))

    assert outcome == Outcome(False, None, "taken", 409, {"by": "ann"})
    assert not caplog.records


@both
async def test_any_other_error_is_logged_and_a_failure_of_status_500(
    operation: Operation, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = await operation.run(raising(ValueError("boom")))

    assert outcome == Outcome(False, None, "operation 'given' failed", 500)
    [record] = caplog.records
    assert record.getMessage() == f"operation 'given' ({type(operation).__name__}) failed"
    assert record.exc_info is not None and str(record.exc_info[1]) == "boom"
    assert record.name == __name__


async def test_errors_go_to_the_logger_that_was_given(caplog: pytest.LogCaptureFixture) -> None:
    await Given(logger_instance=logging.getLogger("mine")).run(raising(ValueError("boom")))

    assert [record.name for record in caplog.records] == ["mine"]


class Checked(Operation):
    """Performs nothing, and what it returns from `validate` is up to the caller."""

    def __init__(self, verdict: Callable[[], Any]) -> None:
        super().__init__()
        self.verdict = verdict
        self.performed: list[Any] = []

    async def validate(self, *args: Any, **kwargs: Any) -> Any:
        return self.verdict()

    def perform(self, *args: Any, **kwargs: Any) -> None:
        self.performed.append((args, kwargs))


@pytest.mark.parametrize("verdict", [None, False, "no", Outcome.success()], ids=repr)
async def test_validate_lets_pass_whatever_else_it_returns(verdict: Any) -> None:
    operation = Checked(lambda: verdict)

    outcome = await operation.run(1, b=2)

    assert outcome.ok
    assert operation.performed == [((1,), {"b": 2})]


@pytest.mark.parametrize(
    "verdict",
    [raising(OperationError("no", status=422)), lambda: Outcome.failure("no", status=422)],
    ids=["raised", "returned"],
)
async def test_validate_keeps_an_operation_from_being_performed(verdict: Callable[[], Any]) -> None:
    operation = Checked(verdict)

    assert await operation.run() == Outcome(False, None, "no", 422)
    assert operation.performed == []


async def test_wrong_arguments_are_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    outcome = await Given().run()

    assert outcome.status == 500
    assert "missing 1 required positional argument" in caplog.text


async def test_an_operation_without_perform_says_so(caplog: pytest.LogCaptureFixture) -> None:
    outcome = await Operation().run(1)

    assert (outcome.status, outcome.error) == (500, "operation 'operation' failed")
    assert "Operation.perform() must be implemented" in caplog.text


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()], ids=repr)
async def test_what_ends_the_program_is_no_outcome(error: BaseException) -> None:
    with pytest.raises(type(error)):
        await Given().run(raising(error))


@pytest.mark.parametrize("hook", ["validate", "perform"])
async def test_a_cancellation_is_no_outcome(hook: str) -> None:
    operation = Operation()
    outcomes: list[Outcome] = []
    with anyio.CancelScope() as scope:

        async def wait(*args: Any) -> None:
            scope.cancel()
            await anyio.sleep_forever()

        setattr(operation, hook, wait)
        outcomes.append(await operation.run())

    assert scope.cancelled_caught
    assert outcomes == []


def test_outcomes_can_be_made_by_the_operation() -> None:
    assert Operation().success(1, status=201, page=2) == Outcome(True, 1, None, 201, {"page": 2})
    assert Operation().failure("no", status=404, page=2) == Outcome(False, None, "no", 404, {"page": 2})
