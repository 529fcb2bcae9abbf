"""Events of clients, on their way to many subscribers."""

import functools
import logging
import threading

import pytest
from flask import request
from ingress_gevent import fails, passed_on

from specter_gevent.socket_ingress import SocketIngress


class Owner:
    def __init__(self):
        self.cleanups = []

    def add_cleanup(self, fn):
        self.cleanups.append(fn)


# Who is called.


def test_subscribers_hear_by_priority_and_then_in_order(site):
    log = []
    for name, priority in (("a", 100), ("b", 50), ("c", 100), ("d", 50), ("e", 1.5)):
        site.ingress.subscribe("said", lambda data, name=name: log.append(name), priority=priority)
    site.client().emit("said", 1)

    assert log == ["e", "b", "d", "a", "c"]


def test_the_last_answer_that_is_not_none_is_the_acknowledgement(site):
    for answer in ("first", None, {"last": 1}, None):
        site.ingress.subscribe("asked", lambda answer=answer: answer)

    assert site.client().emit("asked", callback=True) == {"last": 1}


def test_an_error_is_logged_and_the_others_still_hear(site, caplog):
    site.ingress.subscribe("asked", lambda data: data + 1)
    site.ingress.subscribe("asked", fails)

    assert site.client().emit("asked", 1, callback=True) == 2
    record = caplog.records[-1]
    assert (record.name, record.levelname) == ("specter.core.socket_ingress", "ERROR")
    assert record.getMessage() == "[SPECTER:socket_ingress] subscriber error for 'asked': no good"
    assert record.exc_info[0] is ValueError


@pytest.mark.parametrize(
    ("callback", "values", "expected"),
    [
        (lambda: "none", (1, 2), "none"),
        (lambda a: a, (1, 2), 1),
        (lambda a, b="default": [a, b], (1,), [1, "default"]),
        (lambda *values: list(values), (1, 2), [1, 2]),
        (passed_on(lambda a: a), (1, 2), 1),
        (lambda sid: sid, ("as any other",), "as any other"),
    ],
)
def test_a_callback_gets_as_many_values_as_it_takes(site, callback, values, expected):
    site.ingress.subscribe("asked", callback)

    assert site.client().emit("asked", *values, callback=True) == expected


def test_a_callback_that_needs_more_than_came_fails(site, caplog):
    site.ingress.subscribe("asked", lambda a, b: "never")

    assert site.client().emit("asked", 1, callback=True) == []
    assert "missing 1 required positional argument: 'b'" in caplog.text


def test_the_request_is_that_of_the_client(site):
    seen = []
    site.ingress.subscribe("said", lambda: seen.append(request.sid))
    for client in (site.client(), site.client()):
        client.emit("said")

    assert len(set(seen)) == 2


def test_dispatch_by_hand_passes_keywords_to_those_who_take_them():
    ingress, seen = SocketIngress(), []
    ingress.subscribe("said", lambda a, key=None: seen.append((a, key)))
    ingress.subscribe("said", seen.append)
    ingress.subscribe("said", lambda *args, **kwargs: seen.append((args, kwargs)))
    ingress.dispatch("said", 1, key=2, other=3)

    assert seen == [(1, 2), 1, ((1,), {"key": 2, "other": 3})]


# Who comes and who goes.


def test_a_method_can_be_unsubscribed(site):
    class Ear:
        heard = 0

        def hears(self):
            self.heard += 1

    ear = Ear()
    site.ingress.subscribe("said", ear.hears)

    assert site.ingress.unsubscribe("said", ear.hears) is True
    assert site.ingress.unsubscribe("said", ear.hears) is False
    site.client().emit("said")
    assert ear.heard == 0


def test_what_subscribe_gives_ends_that_subscription_alone():
    ingress, log = SocketIngress(), []
    first = ingress.subscribe("said", log.append)
    ingress.subscribe("said", log.append)

    assert (first(), first()) == (True, False)
    ingress.dispatch("said", 1)
    assert log == [1]
    assert ingress.unsubscribe("said", log.append) is True
    assert "said" not in ingress._subscribers


def test_an_owner_ends_its_subscriptions():
    ingress, owner, log = SocketIngress(), Owner(), []
    ingress.subscribe("said", log.append, owner=owner)
    ingress.subscribe_error_default(log.append, owner=owner)
    for cleanup in owner.cleanups:
        cleanup()
    ingress.dispatch("said", 1)
    ingress.dispatch_default_error(ValueError())

    assert log == []


def test_who_comes_or_goes_during_an_event_counts_from_the_next_one():
    ingress, log = SocketIngress(), []

    def first():
        log.append("first")
        end_second()
        ingress.subscribe("said", lambda: log.append("third"))

    ingress.subscribe("said", first)
    end_second = ingress.subscribe("said", lambda: log.append("second"))
    ingress.dispatch("said")
    assert log == ["first", "second"]

    ingress.dispatch("said")
    assert log == ["first", "second", "first", "third"]


def test_it_decorates():
    ingress = SocketIngress()

    @ingress.on("said", priority=2)
    def second():
        return "second"

    @ingress.handler("said", priority=1)
    def first():
        return "first"

    assert ingress.dispatch("said") == second() == "second"
    assert ingress.on("said", first) is first
    assert ingress.dispatch("said") == "first"


def test_names_of_events_are_stripped():
    ingress = SocketIngress()
    ingress.subscribe(" said ", lambda: "heard")

    assert ingress.dispatch("said") == "heard"


def test_threads_subscribe_and_unsubscribe_at_once():
    ingress = SocketIngress()

    def come_and_go():
        for _ in range(200):
            ingress.subscribe("said", lambda: None)()

    kept = ingress.subscribe("said", lambda: "kept")
    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ingress.dispatch("said") == "kept"
    assert kept()
    assert ingress._subscribers == {}


# Errors.


def test_errors_reach_those_who_subscribed_to_them(site):
    told = []

    @site.ingress.on_error_default(priority=2)
    def second(error):
        told.append(("second", str(error)))

    site.ingress.on_error_default(lambda: told.append("first"), priority=1)
    site.ingress.subscribe("said", fails)
    site.client().emit("said")
    assert told == ["first", ("second", "no good")]

    assert site.ingress.unsubscribe_error_default(second) is True
    assert site.ingress.unsubscribe_error_default(second) is False


def test_errors_of_the_server_s_other_handlers_reach_them_too(site):
    told = []
    site.server.on_event("other", fails)
    site.ingress.subscribe_error_default(lambda error: told.append(str(error)) or "answer")

    assert site.client().emit("other", callback=True) == "answer"
    assert told == ["no good"]


def test_an_error_of_an_error_subscriber_is_logged_and_that_is_all(caplog):
    ingress = SocketIngress()
    ingress.on_error_default(fails)
    ingress.on_error_default(lambda error: "answer")

    assert ingress.dispatch_default_error(KeyError("first")) == "answer"
    assert "[SPECTER:socket_ingress] default error subscriber failed: no good" in caplog.text


def test_an_error_that_nobody_hears_any_more_is_logged(site, caplog):
    site.ingress.subscribe_error_default(print)()
    site.server.on_event("other", fails)
    site.client().emit("other")

    assert "a socket handler failed" in caplog.text and "no good" in caplog.text


def test_error_subscribers_do_not_let_in_whom_another_handler_failed_to_check(site):
    site.server.on_event("connect", fails)
    site.ingress.subscribe_error_default(lambda error: "answer")

    assert not site.client().is_connected()


# What is refused.


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda i: i.subscribe("", print), "event_name must be a non-empty string, got ''"),
        (lambda i: i.subscribe(" ", print), "event_name must be a non-empty string, got ' '"),
        (lambda i: i.subscribe(None, print), "event_name must be a non-empty string, got None"),
        (lambda i: i.subscribe("a", "text"), "callback must be callable, got str"),
        (lambda i: i.subscribe("a", print, owner=5), r"owner must expose add_cleanup\(\), got int"),
        (lambda i: i.subscribe_error_default(None), "callback must be callable, got NoneType"),
    ],
)
def test_what_cannot_be_subscribed_is_refused(call, text):
    ingress = SocketIngress()
    with pytest.raises(TypeError, match=rf"^\[SPECTER:socket_ingress\] {text}$"):
        call(ingress)

    assert ingress._subscribers == {}


def test_a_coroutine_function_is_refused_with_the_switch():
    async def hears(): ...

    for subscribe in (functools.partial(SocketIngress().subscribe, "a"), SocketIngress().on_error_default):
        with pytest.raises(TypeError, match=r"a socket callback must be a plain .*use_backend\('asyncio'\)"):
            subscribe(hears)


def test_a_server_of_the_other_runtime_is_refused_with_the_switch():
    socketio = pytest.importorskip("socketio")

    with pytest.raises(
        TypeError, match=r"flask_socketio.SocketIO or None, got AsyncServer, .*use_backend\('asyncio'\)"
    ):
        SocketIngress(socketio.AsyncServer(async_mode="asgi"))


def test_nothing_is_logged_above_debug_when_all_is_well(site, caplog):
    with caplog.at_level(logging.INFO, logger="specter_gevent"):
        site.ingress.subscribe("said", lambda: None)
        site.client().emit("said")

    assert not [record for record in caplog.records if record.name.startswith("specter_gevent")]
