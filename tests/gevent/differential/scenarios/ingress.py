"""The ingress: many subscribers for one Socket.IO event."""

import functools

from observing import Part, dies, differs, raised

from specter import SocketIngress


def a_new_ingress():
    ingress = SocketIngress()

    return (
        ingress.name,
        ingress.socketio,
        SocketIngress(name="mine").name,
        ingress.dispatch("a"),
        ingress.dispatch_default_error(),
    )


def subscribers_hear_by_priority_and_then_in_order():
    log = []
    ingress = SocketIngress()
    for name, priority in (("a", 100), ("b", 50), ("c", 100), ("d", 50), ("e", 1)):
        ingress.subscribe("said", lambda data, name=name: log.append(name), priority=priority)
    ingress.dispatch("said", 1)

    return log


def the_last_answer_counts():
    ingress = SocketIngress()
    for answer in ("first", None, "last", None):
        ingress.subscribe("said", lambda data, answer=answer: answer)

    return ingress.dispatch("said", 1)


def an_error_keeps_no_other_from_hearing():
    log = []
    ingress = SocketIngress()
    ingress.subscribe("said", dies("no"))
    ingress.subscribe("said", lambda data: log.append(data) or "answer")

    return ingress.dispatch("said", 1), log


def arguments_are_passed_on():
    seen = []
    ingress = SocketIngress()
    ingress.subscribe("said", lambda *args, **kwargs: seen.append((args, kwargs)))
    ingress.dispatch("said", 1, 2, a=3)
    ingress.dispatch("said")

    return seen


def what_cannot_be_subscribed_is_refused():
    ingress = SocketIngress()

    return [
        raised(ingress.subscribe, "", print),
        raised(ingress.subscribe, None, print),
        raised(ingress.subscribe, "a", "text"),
        raised(ingress.subscribe, "a", print, owner=object()),
        raised(ingress.subscribe_error_default, "text"),
        raised(ingress.subscribe_error_default, print, owner=object()),
        ingress.dispatch("a"),
    ]


def names_are_stripped():
    log = []
    ingress = SocketIngress()
    ingress.subscribe("  said ", log.append)
    ingress.dispatch("said", 1)

    return log


def subscriptions_end_by_what_they_gave():
    log = []
    ingress = SocketIngress()
    unsubscribe = ingress.subscribe("said", log.append)
    ingress.dispatch("said", 1)
    gives = unsubscribe(), unsubscribe()
    ingress.dispatch("said", 2)

    return log, gives


def unsubscribe_tells_whether_there_was_one():
    def hears(data):
        log.append(data)

    log = []
    ingress = SocketIngress()
    ingress.subscribe("said", hears)
    gives = ingress.unsubscribe("said", hears), ingress.unsubscribe("said", hears), ingress.unsubscribe("other", hears)
    ingress.dispatch("said", 1)

    return gives, log


@differs("A bound method cannot be unsubscribed.", ours=[True, []])
def unsubscribing_a_bound_method():
    class Ear:
        def __init__(self):
            self.log = []

        def hears(self, data):
            self.log.append(data)

    ear = Ear()
    ingress = SocketIngress()
    ingress.subscribe("said", ear.hears)
    gives = ingress.unsubscribe("said", ear.hears)
    ingress.dispatch("said", 1)

    return gives, ear.log


def one_function_subscribed_twice_hears_twice():
    log = []
    ingress = SocketIngress()

    def hears(data):
        log.append(data)

    ingress.subscribe("said", hears)
    ingress.subscribe("said", hears)
    ingress.dispatch("said", 1)

    return log


@differs("Undoing one of two subscriptions removes both.", ours=[1, 2])
def one_of_two_subscriptions_of_one_function_ends():
    log = []
    ingress = SocketIngress()

    def hears(data):
        log.append(data)

    first = ingress.subscribe("said", hears)
    ingress.subscribe("said", hears)
    first()
    ingress.dispatch("said", 1)
    first()
    ingress.dispatch("said", 2)

    return log


def an_owner_takes_its_subscriptions_along():
    log = []
    owner = Part().start()
    ingress = SocketIngress()
    ingress.subscribe("said", log.append, owner=owner)
    ingress.dispatch("said", 1)
    owner.stop()
    ingress.dispatch("said", 2)

    return log


def on_subscribes_or_decorates():
    log = []
    ingress = SocketIngress()

    @ingress.on("said", priority=2)
    def second(data):
        log.append("second")

    @ingress.handler("said", priority=1)
    def first(data):
        log.append("first")

    gives = ingress.on("said", log.append)
    ingress.dispatch("said", "third")

    return log, callable(second), callable(first), gives == log.append


def error_subscribers_are_like_the_others():
    log = []
    owner = Part().start()
    ingress = SocketIngress()

    @ingress.on_error_default(priority=5)
    def late(error):
        log.append("late")
        return "answer"

    ingress.on_error_default(dies("no"), priority=3)
    ingress.on_error_default(lambda error: log.append("early"), priority=1, owner=owner)
    answer = ingress.dispatch_default_error(ValueError("no"))
    owner.stop()
    ingress.dispatch_default_error(ValueError("no"))

    return log, answer, ingress.unsubscribe_error_default(late), ingress.unsubscribe_error_default(late)


@differs(
    "Subscribers with fewer parameters than a client sends values, decorated ones too, fail each time.", ours=["heard"]
)
def decorated_subscribers_without_parameters():
    def logged(fn):
        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            return fn(*args, **kwargs)

        return wrapper

    log = []
    ingress = SocketIngress()
    ingress.subscribe("said", logged(lambda: log.append("heard")))
    ingress.dispatch("said", 1)

    return log


def a_decorated_subscriber_gets_its_own_parameters():
    def with_user(fn):
        @functools.wraps(fn)
        def wrapper(data):
            return fn("user", data)

        return wrapper

    ingress = SocketIngress()
    ingress.subscribe("said", with_user(lambda user, data: [user, data]))

    return ingress.dispatch("said", 1)


@differs("Subscribers with fewer parameters than a client sends values, decorated ones too, fail each time.", ours=[1])
def subscribers_with_fewer_parameters():
    ingress, told = SocketIngress(), []
    ingress.subscribe("a", lambda value: told.append(value))
    ingress.dispatch("a", 1, 2)

    return told


def decorators_call_an_override_of_on():
    class Noting(SocketIngress):
        def on(self, event_name, callback=None, **options):
            log.append((event_name, callback is None))
            return super().on(event_name, callback, **options)

    log = []
    ingress = Noting()
    ingress.handler("a")(print)
    ingress.on("b")(print)

    return log
