"""What our exceptions say and carry."""

import pickle

import pytest

from specter.sansio.errors import (
    Disconnected,
    OperationError,
    Refused,
    SchemaError,
    ServiceError,
    WatcherError,
    WrongCompanion,
    WrongPath,
    WrongRuntime,
)


def test_a_service_error_names_the_service() -> None:
    error = ServiceError("thumbnails", "depends on 'disk', which is not registered")

    assert str(error) == "service 'thumbnails' depends on 'disk', which is not registered"
    assert error.service == "thumbnails"
    assert error.problem == "depends on 'disk', which is not registered"


def test_a_schema_error_carries_the_errors_of_fields() -> None:
    error = SchemaError("wrong", field="a.b", errors={"a.b": "too long"})

    assert (str(error), error.message, error.field, error.errors) == ("wrong", "wrong", "a.b", {"a.b": "too long"})


def test_a_schema_error_needs_a_message_alone() -> None:
    error = SchemaError("wrong")

    assert (error.field, error.errors) == (None, {})


def test_an_operation_error_carries_what_its_outcome_needs() -> None:
    error = OperationError("taken", status=409, meta={"by": "ann"})

    assert (str(error), error.message, error.status, error.meta) == ("taken", "taken", 409, {"by": "ann"})


def test_the_message_of_an_operation_error_is_a_text_even_if_an_error_stands_for_it() -> None:
    assert OperationError(ValueError("taken")).message == "taken"  # type: ignore[arg-type]


def test_an_operation_error_is_the_fault_of_the_caller_by_default() -> None:
    error = OperationError("no")

    assert (error.status, error.meta) == (400, {})


@pytest.mark.parametrize(("kind", "builtin"), [(WrongCompanion, TypeError), (WrongPath, ImportError)])
def test_what_needs_the_other_runtime_names_the_switch(kind: type[WrongRuntime], builtin: type[Exception]) -> None:
    error = kind("specter.core is a path of 0.1", needs="gevent")

    assert isinstance(error, builtin)
    assert (error.problem, error.needs) == ("specter.core is a path of 0.1", "gevent")
    assert str(error).startswith("specter.core is a path of 0.1: call specter.use_backend('gevent') before ")
    assert str(error).endswith("set SPECTER_BACKEND=gevent")


@pytest.mark.parametrize("mapping", [{"a": "b"}], ids=["errors"])
def test_mappings_are_copied(mapping: dict[str, str]) -> None:
    assert SchemaError("m", errors=mapping).errors is not mapping
    assert OperationError("m", meta=mapping).meta is not mapping


@pytest.mark.parametrize(
    "error",
    [
        ServiceError("a", "did not start"),
        SchemaError("m", field="f", errors={"f": "x"}),
        OperationError("m", status=409, meta={"a": 1}),
        WatcherError("gone"),
        WrongCompanion("a Flask application", "gevent"),
        WrongPath("specter.core", "gevent"),
        Refused("/a", "go away", {"code": 7}),
        Disconnected("/a", "closing time"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_a_pickle(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))

    assert (str(again), vars(again)) == (str(error), vars(error))


def test_a_refusal_says_where_and_what_the_server_said() -> None:
    assert str(Refused("/a", "go away")) == "the server refused the connection to '/a': go away"
    assert str(Refused(None, "closed", {"code": 7})) == "the server refused the connection: closed ({'code': 7})"


def test_an_end_of_a_connection_says_of_which_and_why() -> None:
    error = Disconnected("/a", "closing time")

    assert (str(error), error.namespace, error.reason) == (
        "not connected to '/a': closing time",
        "/a",
        "closing time",
    )
