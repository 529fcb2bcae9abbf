"""How a way to end a resource is found: `resolve_cleanup`, by its path of 0.1.x."""

from observing import raised, resource
from specter.core.ownership import OWNERSHIP_STOP_METHODS, resolve_cleanup


def names_that_are_tried():
    return list(OWNERSHIP_STOP_METHODS)


def the_first_that_is_there():
    owns = resource("kill", "close")
    resolve_cleanup(owns)()

    return owns.log


def the_one_that_is_named():
    owns = resource("stop", "shut")
    resolve_cleanup(owns, stop_method="shut")()
    resolve_cleanup(owns, "stop")()
    resolve_cleanup(owns, "")()

    return owns.log


def none_at_all():
    return (
        raised(resolve_cleanup, None),
        raised(resolve_cleanup, resource()),
        raised(resolve_cleanup, resource("stop"), "x"),
    )
