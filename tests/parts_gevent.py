"""A service of gevent that tells what happens to it."""

import gevent
from greenlets import turns

from specter_gevent import Service, bus


class Part(Service):
    """Has a child and a cleanup, and keeps a log; *stop* is called in `on_stop`."""

    def __init__(self, name="part", log=None, stop=lambda: None):
        super().__init__(name)
        self.log = [] if log is None else log
        self.stop_hook = stop
        self.child = Service(f"{name}'s child")

    def on_start(self):
        self.adopt(self.child)
        self.spawn(self.work)
        self.interval(turns, 60)
        self.listen(f"{self.name}:event", print)
        self.add_cleanup(lambda: self.log.append(f"{self.name} cleans up"))

    def on_stop(self):
        self.log.append(f"{self.name} stops")
        self.stop_hook()

    def work(self):
        try:
            gevent.sleep(10_000)
        finally:
            self.log.append(f"{self.name} task ends")

    def is_clean(self):
        held = any(self._specter.held) or bus.has_listeners(f"{self.name}:event")
        return not (self.running or self.child.running or held or self._specter.stopping or self._specter.starting)
