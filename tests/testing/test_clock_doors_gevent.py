"""What holds virtual time still on gevent: each door through which work leaves the hub."""

import itertools
import socket
import subprocess
import threading
import time

import gevent
import pytest
from gevent import subprocess as gevent_subprocess
from gevent.server import StreamServer
from gevent.socket import create_connection
from gevent.threadpool import ThreadPool

from specter_gevent.testing import virtual_time

# Real seconds of work outside, in which time would run on for days.
WORK = 0.05


@pytest.fixture
def ticking():
    """A virtual clock, and a greenlet that has time move on each second."""

    def tick():
        for _ in itertools.count():
            gevent.sleep(1)

    with virtual_time() as clock:
        ticker = gevent.spawn(tick)
        yield clock
        ticker.kill()


class TestHolding:
    @pytest.mark.parametrize("popen", [subprocess.Popen, gevent_subprocess.Popen], ids=["standard", "gevent"])
    def test_child_processes(self, ticking, popen):
        child = popen(["sleep", str(WORK)])
        ticking.advance(1)

        assert child.poll() == 0, "time moved while it was at work"

    def test_it_holds_while_it_is_started(self, ticking):
        child = gevent_subprocess.Popen(["true"])
        child.wait()

        assert ticking.now == 0

    def test_threads_of_the_hub(self, ticking):
        gevent.get_hub().threadpool.apply(time.sleep, (WORK,))

        assert ticking.now == 0

    def test_threads_of_another_pool(self, ticking):
        pool = ThreadPool(1)
        results = [pool.spawn(time.sleep, WORK / 2) for _ in range(2)]
        gevent.wait(results)

        assert ticking.now == 0
        pool.kill()

    def test_looking_up_a_name(self, ticking):
        gevent.socket.getaddrinfo("localhost", 80)

        assert ticking.now == 0

    def test_who_waits_for_an_answer_from_outside(self, ticking):
        listening = socket.create_server(("127.0.0.1", 0))

        def serve():
            connection, _ = listening.accept()
            with connection, connection.makefile("rwb", buffering=0) as file:
                for line in file:
                    time.sleep(4 * WORK)
                    file.write(line)

        threading.Thread(target=serve, daemon=True).start()
        connection = create_connection(listening.getsockname())
        for _ in range(3):
            connection.sendall(b"?\n")
            assert connection.recv(10) == b"?\n"
        connection.close()
        listening.close()

        assert ticking.now == 0

    def test_both_ends_in_one_hub_need_no_hold(self, ticking):
        def answer(connection, _):
            while data := connection.recv(10):
                connection.sendall(data)

        server = StreamServer(("127.0.0.1", 0), answer)
        server.start()
        real = time.monotonic()
        connection = create_connection(("127.0.0.1", server.server_port))
        for _ in range(20):
            connection.sendall(b"?")
            assert connection.recv(10) == b"?"
            gevent.sleep(60)
        connection.close()
        server.stop()

        assert ticking.now == pytest.approx(20 * 60, abs=3)
        assert time.monotonic() - real < 20 * 0.05 + 5

    def test_patience_ends_and_the_holder_is_named(self, caplog):
        with virtual_time(patience=0.1) as clock:
            child = subprocess.Popen(["sleep", "60"])
            real = time.monotonic()
            gevent.sleep(0.2)
            took = time.monotonic() - real
            child.kill()
            child.wait()
            clock.advance(3600)

        assert 0.29 <= took < 5
        assert clock.now == pytest.approx(3600.2, abs=1)
        (record,) = [record for record in caplog.records if record.name == "specter.testing"]
        assert record.getMessage().startswith(
            f"virtual time goes on at the real rate: at work for more than 0.1 s is child process {child.pid} (sleep), "
            "started at test_clock_doors_gevent.py:"
        )

    def test_what_is_heard_renews_it(self):
        script = "for i in $(seq 20); do echo $i; sleep 0.1; done"
        with virtual_time(patience=1.5) as clock:
            later = gevent.spawn_later(3600, int)
            child = gevent_subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE)
            lines = list(child.stdout)
            child.wait()

            assert len(lines) == 20
            assert clock.now == 0
            later.kill()
