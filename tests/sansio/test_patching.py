"""Modules that patch their process, told from their source."""

import pytest

from specter.sansio.patching import patches_process

PATCHES = {
    "as usual": "from gevent import monkey\nmonkey.patch_all()",
    "by its full name": "import gevent.monkey\ngevent.monkey.patch_all()",
    "under another name": "import os\nimport gevent.monkey as m\nm.patch_all(thread=False)",
    "by the function": '"""Text."""\nfrom gevent.monkey import patch_socket\nif 1: pass\npatch_socket()',
    "in a try": "try:\n    import gevent.monkey\n    gevent.monkey.patch_all()\nexcept ImportError:\n    pass",
    "in a with": "import gevent.monkey as m, warnings\nwith warnings.catch_warnings():\n    m.patch_all()",
}
DOES_NOT = {
    "nothing": "",
    "only imported": "from gevent import monkey",
    "in a function": "from gevent import monkey\ndef main():\n    monkey.patch_all()",
    "in a class": "from gevent import monkey\nclass Main:\n    monkey.patch_all()",
    "as a program": "from gevent import monkey\nif __name__ == '__main__':\n    monkey.patch_all()",
    "where it failed": "try:\n    pass\nexcept ImportError:\n    from gevent import monkey\n    monkey.patch_all()",
    "of something else": "from unittest import mock\nmock.patch_all()",
    "a module beside": "from .gevent import monkey\nfrom . import gevent\nmonkey.patch_all()",
    "another name": "import gevent\nimport geventhttp\ngevent.sleep(0)\nprint(1)(2)",
    "no source": "from gevent import monkey\nmonkey.patch_all(",
    "no text": "\0",
}


@pytest.mark.parametrize("source", PATCHES.values(), ids=PATCHES.keys())
def test_a_module_that_patches(source):
    assert patches_process(source.encode())


@pytest.mark.parametrize("source", DOES_NOT.values(), ids=DOES_NOT.keys())
def test_a_module_that_does_not(source):
    assert not patches_process(source.encode())
