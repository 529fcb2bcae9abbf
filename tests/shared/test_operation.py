"""Operations, on both runtimes."""

import pytest


@pytest.fixture
def adds(twin):
    class Adds(twin.Operation):
        @twin.waits
        async def validate(self, a, b=0):
            await twin.turns(1)
            if a < 0:
                raise twin.OperationError("a is negative", status=422, meta={"field": "a"})

        @twin.waits
        async def perform(self, a, b=0):
            await twin.turns(1)
            return a + b

    return Adds()


async def test_a_result_is_a_success(twin, adds):
    outcome = await twin(adds.run(1, b=2))

    assert (outcome.ok, outcome.value, outcome.status) == (True, 3, 200)


async def test_an_operation_error_is_a_failure_with_its_status(twin, adds):
    outcome = await twin(adds.run(-1))

    assert (outcome.ok, outcome.error, outcome.status, outcome.meta) == (False, "a is negative", 422, {"field": "a"})


async def test_any_other_error_is_logged_and_a_failure(twin, caplog):
    class Fails(twin.Operation):
        def perform(self):
            raise ZeroDivisionError("by nothing")

    outcome = await twin(Fails().run())

    assert (outcome.ok, outcome.status) == (False, 500)
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


async def test_an_outcome_is_passed_on(twin):
    class Refuses(twin.Operation):
        def perform(self):
            return self.failure("no", status=409, note="x")

    outcome = await twin(Refuses().run())

    assert outcome.to_dict() == {"note": "x", "ok": False, "status": 409, "error": "no", "value": None}


async def test_meta_with_the_outcomes_own_keys_is_no_error(twin):
    class Fails(twin.Operation):
        def perform(self):
            raise twin.OperationError("no", meta={"status": "mine", "error": "mine", "note": "x"})

    outcome = await twin(Fails().run())

    assert (outcome.ok, outcome.error, outcome.status, outcome.meta["note"]) == (False, "no", 400, "x")


async def test_an_operation_without_perform_fails(twin):
    outcome = await twin(twin.Operation().run())

    assert (outcome.ok, outcome.status) == (False, 500)
