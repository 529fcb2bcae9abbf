"""`specter run` on gevent: ends that greenlets stand in the way of."""

import signal
from pathlib import Path

from e2e.served import Served, command

INTERRUPTED = """
import os, signal
import gevent
from flask import Flask
from specter import Service, boot

class Slow(Service):
    def on_start(self):
        self.add_cleanup(self.roll_back)
        # The signal comes while this greenlet runs, and the main one waits.
        asking = gevent.spawn(self.ask)
        gevent.spawn(asking.get)
        gevent.sleep(20)

    def ask(self):
        os.kill(os.getpid(), signal.SIGTERM)
        return [number for number in range(10)]

    def roll_back(self):
        gevent.sleep(0.1)
        print("rolled back", flush=True)

app = Flask("interrupted")
boot(app, None, services=[Slow("slow")])
"""

LINGERING = """
import atexit, sys
from flask import Flask
from specter import boot

class Lingering:
    def __del__(self):
        while True:
            pass

# Reached by the end of the interpreter alone.
sys.lingering = Lingering()
atexit.register(print, "atexit", flush=True)
app = Flask("lingering")
boot(app, None)
"""


def test_a_signal_that_another_greenlet_hears_rolls_the_boot_back(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)

    done = command("run", "interrupted:app", "--port", "0", "--backend", "gevent", folder=tmp_path)

    assert (done.returncode, done.stdout) == (1, "rolled back\n")
    assert "stopped during the boot, which is rolled back" in done.stderr


def test_the_process_does_not_wait_for_the_end_of_the_interpreter(tmp_path: Path) -> None:
    (tmp_path / "lingering.py").write_text(LINGERING)
    options = ("--port", "0", "--backend", "gevent", "--shutdown-timeout", "5")

    with Served("run", "lingering:app", *options, folder=tmp_path) as served:
        assert served.stop(signal.SIGTERM) == 0
        assert served._lines.next(timeout=5) == "atexit"
