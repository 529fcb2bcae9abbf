"""What tests wait with, what they leave behind, and what goes by time, on gevent's loop of libuv."""

from importlib.util import find_spec

import pytest
from fresh import ROOT, python

pytestmark = pytest.mark.skipif(find_spec("cffi") is None, reason="gevent's libuv needs cffi")

FILES = [str(ROOT / "tests" / "shared" / f"test_{name}.py") for name in ("eventually", "leaks", "service")]
# What it prints goes where a failure is shown.
RUN = f"""
import sys, pytest
sys.stdout = sys.stderr
sys.exit(pytest.main(["-q", "-k", "gevent", "-p", "no:cacheprovider", *{FILES}]))
"""
BEGIN = """
import gevent
import gevent.libuv.loop
from specter_gevent import Service
from specter_gevent.testing import _looks, eventually
"""
# Nothing else has the hub go round, as it does now and then.
UNDISTURBED = (
    BEGIN
    + """
_looks._UNTOLD = 60
gevent.libuv.loop.loop.SIGNAL_CHECK_INTERVAL_MS = 60_000
"""
)


def run(code: str) -> str:
    return python(code, GEVENT_LOOP="libuv", PYTHONWARNINGS="error::UserWarning")


def test_what_holds_elsewhere_holds_there():
    run(RUN)


def test_others_that_run_on_and_on_do_not_keep_it_from_asking():
    code = """
def spin():
    while True:
        gevent.sleep(0)

asked = []
spinning = gevent.spawn(spin)
print(eventually(lambda: asked.append(1) or len(asked) > 5, timeout=5))
spinning.kill()
"""

    assert run(BEGIN + code) == "True"


def test_it_is_asked_when_all_that_could_run_has_run_and_not_later():
    code = """
def spawn(after):
    if after:
        gevent.spawn(spawn, after - 1)
    else:
        log.append("value")

log, asked = [], []
gevent.spawn(spawn, 10)
gevent.spawn_later(0.5, log.clear)
print(eventually(lambda: asked.append(1) or log[:], timeout=5), len(asked) < 8)
"""

    assert run(UNDISTURBED + code) == "['value'] True"


def test_a_timer_of_a_service_goes_by_whole_milliseconds():
    code = """
ticks = []
with Service("s") as service:
    service.interval(lambda: ticks.append(1), 0.0017)
    service.timeout(lambda: ticks.append(2), 0.0001)
    eventually(lambda: 2 in ticks and len(ticks) > 10, timeout=5)
print("done")
"""

    assert run(BEGIN + code) == "done"
