"""The state of a service, and who hears of it."""

from observing import Part, dies, differs, owned, raised

from specter import Service


def the_initial_state_is_copied():
    given = {"a": 1, "list": []}
    service = Service("a", given)
    given["a"] = 2
    given["list"].append("shared")

    return service.state


def an_empty_initial_state_is_not_kept():
    given = {}
    service = Service("a", given)
    given["a"] = 1

    return service.state, Service("b", None).state


def set_state_merges_the_first_level():
    service = Service("a", {"a": 1, "nested": {"x": 1}})
    gives = service.set_state({"b": 2, "nested": {"y": 2}})

    return gives, service.state, service.get_state()


def get_state_is_a_copy():
    service = Service("a", {"a": 1})
    service.get_state()["a"] = 2

    return service.get_state(), service.get_state() is service.state


def the_state_can_be_put_in_place():
    service = Service("a", {"a": 1})
    service.state = {"b": 2}
    service.set_state({"c": 3})

    return service.get_state()


def set_state_needs_what_a_dict_can_take_in():
    service = Service("a", {"a": 1})
    service.set_state([("b", 2)])

    return raised(service.set_state, None)[0], raised(service.set_state, 5)[0], service.get_state()


def a_subscriber_gets_the_state_and_the_service():
    seen = []
    service = Service("a", {"a": 1})
    unsubscribe = service.subscribe(lambda state, of: seen.append((state, of is service)))
    service.set_state({"b": 2})
    gives = unsubscribe(), unsubscribe()
    service.set_state({"c": 3})

    return seen, gives


def what_a_subscriber_gets_is_not_the_state():
    service = Service("a", {"a": 1})
    service.subscribe(lambda state, of: state.update(a=99))
    service.set_state({"b": 2})

    return service.get_state()


def subscribers_hear_though_nothing_has_changed():
    seen = []
    service = Service("a", {"a": 1})
    service.subscribe(lambda state, of: seen.append(state))
    service.set_state({})
    service.set_state({"a": 1})

    return seen


def immediate_tells_the_state_at_once():
    seen = []
    service = Service("a", {"a": 1})
    service.subscribe(lambda state, of: seen.append(state), immediate=True)
    service.subscribe(lambda state, of: seen.append("late"))

    return seen


def an_immediate_error_leaves_the_subscription():
    calls = []

    def fails(state, of):
        calls.append(state)
        raise ValueError("no")

    service = Service("a")
    unsubscribe = service.subscribe(fails, immediate=True)
    service.set_state({"a": 1})
    unsubscribe()
    service.set_state({"a": 2})

    return calls


def a_failing_subscriber_keeps_no_other_from_hearing():
    seen = []
    service = Service("a")
    service.subscribe(dies("first"))
    service.subscribe(lambda state, of: seen.append(state))
    service.subscribe(dies("last"))
    service.set_state({"a": 1})

    return seen


def one_function_subscribed_twice_hears_once():
    seen = []

    def hears(state, of):
        seen.append(state["n"])

    service = Service("a")
    service.subscribe(hears)
    service.subscribe(hears)
    service.set_state({"n": 1})

    return seen, owned(service)["subscribers"]


def a_subscriber_that_leaves_during_a_notification():
    seen = []
    service = Service("a")

    def leaves(state, of):
        seen.append(state["n"])
        unsubscribe()

    unsubscribe = service.subscribe(leaves)
    service.set_state({"n": 1})
    service.set_state({"n": 2})

    return seen


def a_subscriber_may_set_the_state():
    seen = []
    service = Service("a")

    def counts(state, of):
        seen.append(state["n"])
        if state["n"] < 3:
            service.set_state({"n": state["n"] + 1})

    service.subscribe(counts)
    service.set_state({"n": 1})

    return seen, service.get_state()


def an_owner_takes_its_subscriptions_along():
    seen = []
    owner, service = Part("owner").start(), Service("a")
    service.subscribe(lambda state, of: seen.append(state["n"]), owner=owner)
    service.set_state({"n": 1})
    owner.stop()
    service.set_state({"n": 2})

    return seen


@differs(
    "`subscribe(fn, owner=...)` with an owner that cannot own fails, and subscribes all the same.",
    ours=["TypeError", 0],
)
def an_owner_that_cannot_own():
    service = Service("a")
    error = raised(service.subscribe, print, owner=object())

    return error[0], owned(service)["subscribers"]


def watch_tells_at_once_and_ends_with_the_service():
    seen = []
    service = Service("a", {"n": 0}).start()
    unsubscribe = service.watch(lambda state, of: seen.append(state["n"]))
    service.watch(lambda state, of: seen.append("never at once"), immediate=False)
    cleanups = owned(service)["cleanups"]
    service.stop()
    service.set_state({"n": 1})

    return seen, cleanups, callable(unsubscribe)
