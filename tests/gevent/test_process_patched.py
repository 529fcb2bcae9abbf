"""Children and watchers in a process that gevent has patched: Popen is gevent's own there."""

from pathlib import Path

from greenlets import patched

FILES = [
    str(Path(__file__).with_name(f"{name}.py")) for name in ("test_process", "test_process_output", "test_watcher")
]
# What it prints goes where a failure is shown.
RUN = f"""
import sys, pytest
sys.stdout = sys.stderr
sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *{FILES}]))
"""


def test_what_holds_elsewhere_holds_in_a_patched_process():
    patched(RUN)
