"""A greenlet killed at any switch of what it does with sockets leaves nothing half done that cannot be finished."""

import gevent
from greenlets import ended, held, kill_everywhere
from pausing import Chat, Site, owned, pause

from specter_gevent import SocketIngress, registry


class Server:
    """Binds slowly."""

    def __init__(self):
        self.bound = {}

    def on_event(self, event, fn):
        pause()
        self.bound[event] = fn
        pause()

    def on_error_default(self, fn):
        pause()
        self.bound["error"] = fn


def test_subscribing_to_a_socket_event():
    def scenario():
        server, heard = Server(), []
        ingress = SocketIngress(server)
        yield lambda: ingress.subscribe("said", heard.append)
        heard.clear()
        ended(gevent.spawn(ingress.subscribe, "said", lambda data: heard.append("second")))
        server.bound["said"]("event")

        assert heard.count("second") == 1
        assert not held(ingress)

    assert kill_everywhere(scenario) >= 2


def test_attaching_a_server():
    def scenario():
        server, heard = Server(), []
        ingress = SocketIngress()
        for event in ("said", "asked"):
            ingress.subscribe(event, heard.append)
        ingress.on_error_default(heard.append)
        yield lambda: ingress.attach(server)
        ended(gevent.spawn(ingress.attach, server))
        for event in ("said", "asked", "error"):
            server.bound[event](event)

        assert heard == ["said", "asked", "error"]
        assert not held(ingress)

    assert kill_everywhere(scenario) >= 3


def test_dispatching_a_socket_event():
    def scenario():
        heard = []
        ingress = SocketIngress()
        ingress.subscribe("said", lambda data: pause())
        ingress.subscribe("said", heard.append)
        yield lambda: ingress.dispatch("said", 1)
        heard.clear()
        ended(gevent.spawn(ingress.dispatch, "said", 2))

        assert heard == [2]
        assert not held(ingress)

    assert kill_everywhere(scenario) >= 1


def test_setting_a_handler_up_and_tearing_it_down():
    for call in ("setup", "teardown"):

        def scenario(call=call):
            heard = []
            ingress = registry.provide("socket_ingress", SocketIngress(Server()), replace=True)
            chat = Chat(heard)
            if call == "teardown":
                chat.setup("server")
            yield lambda: chat.setup("server") if call == "setup" else chat.teardown()
            ended(gevent.spawn(chat.teardown))
            ingress.dispatch("said", "never heard")
            assert (heard, chat.registered) == ([], False)
            ended(gevent.spawn(chat.setup, "server"))
            ingress.dispatch("said", "heard")
            assert heard == ["heard"]

        assert kill_everywhere(scenario) >= 1


def test_stopping_a_controller():
    def scenario():
        registry.provide("socket_ingress", SocketIngress(), replace=True)
        site = Site("site").start()
        handler = site.build_handler("server")
        yield site.stop
        ended(gevent.spawn(site.stop))
        ended(gevent.spawn(handler.teardown))

        assert not site.running
        assert not handler.registered
        assert site._handler_instance is None
        assert not owned(site)

    assert kill_everywhere(scenario) >= 2
