"""Return codes of children that gevent's hub reaps before anybody asks, in processes of their own: not patched."""

from importlib.util import find_spec

import pytest
from fresh import python

LOOPS = [
    "libev-cext",
    pytest.param("libuv", marks=pytest.mark.skipif(find_spec("cffi") is None, reason="gevent's libuv needs cffi")),
]

# What makes gevent reap all children, and a child that the hub is made to reap while everybody waits for its end.
BEGIN = """
import gc, os, subprocess, threading, weakref
import gevent
from gevent import subprocess as other
from specter_gevent import ManagedProcess
from specter_gevent.testing import eventually

def gevent_reaps():
    other.Popen(["true"]).wait()

def start():
    return ManagedProcess("reaped").start(["sh", "-c", "read line; exit 3"], stdin=subprocess.PIPE)

def end(popen):
    popen.stdin.close()
    os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)

def is_reaped(pid):
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
"""


@pytest.fixture(params=LOOPS)
def run(request):
    return lambda code: python(BEGIN + code, GEVENT_LOOP=request.param)


def test_a_return_code_is_kept_when_the_hub_reaps_first(run):
    code = """
gevent_reaps()
process = start()
gevent.sleep(0.01)
end(process.process)
eventually(lambda: is_reaped(process.pid))
print(process.returncode, process.poll(), process.wait(), process.running, process.process.returncode)
process.stop()
print(process.returncode)
"""

    assert run(code) == "3 3 3 False 3\n3"


def test_a_return_code_is_kept_when_gevent_begins_to_reap_after_the_start(run):
    code = """
processes = [start(), start()]
gevent_reaps()
gevent.sleep(0.01)
for process in processes:
    end(process.process)
    eventually(lambda: is_reaped(process.pid))
print([process.returncode for process in processes])
"""

    assert run(code) == "[3, 3]"


def test_a_return_code_is_kept_when_the_child_was_started_in_another_thread(run):
    code = """
gevent_reaps()
codes = []
ManagedProcess("first").start(["true"]).wait()

def work():
    process = start()
    started.set()
    assert ended.wait(10)
    codes.append(process.wait())
    gevent.get_hub().destroy()

started, ended = threading.Event(), threading.Event()
thread = threading.Thread(target=work, daemon=True)
thread.start()
assert started.wait(10)
gevent.sleep(0.01)
popen = next(one for one in gc.get_objects() if type(one) is subprocess.Popen and one.returncode is None)
end(popen)
eventually(lambda: is_reaped(popen.pid))
ended.set()
eventually(lambda: codes)
thread.join()
print(codes)
"""

    assert run(code) == "[3]"


def test_nothing_makes_gevent_reap_the_children_of_others(run):
    code = """
with start() as process:
    gevent.sleep(0.01)
    child = subprocess.Popen(["sh", "-c", "exit 4"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    gevent.sleep(0.01)
    print(is_reaped(child.pid), child.wait())
"""

    assert run(code) == "None 4"


def test_nothing_is_kept_of_a_child_that_was_stopped(run):
    code = """
gevent_reaps()
process = start()
gevent.sleep(0.01)
child = weakref.ref(process.process)
process.stop()
del process
gevent.sleep(0.01)
gc.collect()
print(child())
"""

    assert run(code) == "None"


def test_a_child_is_stopped_when_the_hub_was_destroyed_meanwhile(run):
    code = """
gevent_reaps()
process = start()
gevent.get_hub().destroy(destroy_loop=True)
process.stop()
print(process.returncode, start().stop().returncode)
"""

    assert run(code) == "-15 -15"
