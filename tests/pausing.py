"""Parts of an application on gevent that wait in each of their hooks, where a test kills them."""

import gevent

from specter_gevent import Controller, Handler, Service, bus


def pause():
    """A switch, at which a test can kill."""
    gevent.sleep(0)


def owned(service):
    """How many of each kind *service* owns; kinds of which it owns none are left out."""
    names = ("intervals", "timeouts", "greenlets", "bus_unsubs", "cleanups", "children", "subscribers")
    return {name: held for name in names if (held := len(getattr(service, f"_{name}")))}


class Part(Service):
    """Waits in each hook and cleanup, and counts its cleanups."""

    def __init__(self, name="part"):
        super().__init__(name)
        self.cleaned = 0
        self.child = Service("child")
        self.child.on_start = self.child.on_stop = pause

    def on_start(self):
        self.spawn(gevent.sleep, 60)
        self.interval(pause, 60)
        self.listen("event", print)
        pause()
        self.add_cleanup(self.clean)
        self.adopt(self.child)
        pause()

    def on_stop(self):
        pause()

    def clean(self):
        pause()
        self.cleaned += 1

    def is_clean(self):
        return not (self.running or self.child.running or owned(self) or bus.has_listeners("event"))


class Chat(Handler):
    """Waits in its hooks."""

    name = "chat"
    events = {"said": "hear"}

    def __init__(self, heard):
        super().__init__()
        self.heard = heard

    def hear(self, data):
        self.heard.append(data)

    def on_setup(self):
        pause()

    def on_teardown(self):
        pause()


class Site(Controller):
    """Waits in its hooks."""

    def on_start(self):
        pause()

    def on_stop(self):
        pause()

    def build_events(self, handler):
        handler.on("said", print)
        handler.on_teardown = pause
