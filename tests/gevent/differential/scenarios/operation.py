"""Operations and outcomes."""

import dataclasses

import gevent
from observing import differs, raised, tried

from specter import Operation, OperationError, Outcome


def _seen(outcome):
    return outcome.ok, outcome.value, outcome.error, outcome.status, outcome.meta


class _Adds(Operation):
    def validate(self, a, b=0):
        if a < 0:
            raise OperationError("a is negative", status=422, meta={"field": "a"})

    def perform(self, a, b=0):
        return a + b


def outcomes_are_made_by_name():
    return [
        _seen(outcome)
        for outcome in (
            Outcome.success(),
            Outcome.success(5, status=201, note="x"),
            Outcome.failure("no"),
            Outcome.failure(ValueError("no"), status=404, value=1, note="x"),
            Outcome(True),
            Outcome(False, 1, "no", 500, {"a": 1}),
        )
    ]


def outcomes_as_data():
    outcomes = Outcome.success(5, status=201, note="x"), Outcome.failure("no", value=1, note="x")

    return [(outcome.to_dict(), list(outcome.to_dict()), outcome.to_tuple()) for outcome in outcomes]


def meta_gives_way_to_the_outcomes_own():
    outcome = Outcome(True, value=5, meta={"ok": "mine", "status": "mine", "value": "mine", "error": "mine"})

    return outcome.to_dict()


def unwrap_gives_or_raises():
    return Outcome.success(5).unwrap(), raised(Outcome.failure("no").unwrap), raised(Outcome(False).unwrap)


def outcomes_cannot_be_changed():
    outcome = Outcome.success(5)

    return raised(setattr, outcome, "ok", False), dataclasses.is_dataclass(outcome), outcome == Outcome.success(5)


def outcomes_show_what_they_are():
    return repr(Outcome.success(5, note="x")), repr(Outcome.failure("no"))


def run_gives_an_outcome():
    return _seen(_Adds().run(1, b=2)), _seen(_Adds().run(1))


def run_gives_the_outcome_that_perform_gives():
    class Gives(Operation):
        def perform(self):
            return given

    given = Outcome.failure("no", status=409)

    return Gives().run() is given


def an_operation_error_is_a_failure():
    return _seen(_Adds().run(-1)), _seen(_Adds().run(-1, 5))


def what_an_operation_error_tells():
    errors = OperationError("no"), OperationError(5, status=500, meta={"a": 1}), OperationError("no", meta=None)

    return [(str(error), error.message, error.status, error.meta) for error in errors]


def any_other_error_is_a_failure_of_ours():
    class Fails(Operation):
        def perform(self):
            raise KeyError("key")

    return _seen(Fails().run()), _seen(_Adds().run())


def an_operation_without_perform():
    return _seen(Operation().run()), _seen(Operation().run(1, a=2)), raised(Operation().perform)


@differs(
    "Meta with a key `status`, `error` or `value` makes `Operation.run()` raise.",
    ours=[False, "no", 400],
)
def meta_with_a_key_of_the_outcomes_own():
    class Fails(Operation):
        def perform(self):
            raise OperationError("no", meta={"status": "mine"})

    def run():
        outcome = Fails().run()
        return outcome.ok, outcome.error, outcome.status

    return tried(run)


def success_and_failure_help():
    operation = Operation()

    return (
        _seen(operation.success(5, note="x")),
        _seen(operation.success()),
        _seen(operation.failure("no", status=404, note="x")),
    )


def exits_are_no_outcomes():
    class Exits(Operation):
        def perform(self):
            raise gevent.GreenletExit

    greenlet = gevent.spawn(Exits().run)
    greenlet.join()

    return type(greenlet.value).__name__


def a_logger_of_ones_own():
    import logging

    records = []

    class Keeps(logging.Handler):
        def emit(self, record):
            records.append((record.levelname, record.exc_info is not None))

    class Fails(Operation):
        def perform(self):
            raise ValueError("no")

    mine = logging.getLogger("mine")
    mine.addHandler(Keeps())
    operation = Fails(logger_instance=mine)
    operation.run()

    return records, operation.logger is mine, Operation.name, Fails().logger.name == Fails.__module__
