"""
Serves a Flask application as those of 0.1.x are, by Flask-SocketIO if it has that, else by pywsgi::

    python -m gevent.monkey serve_gevent.py MODULE PORT
"""

import importlib
import sys

from gevent.pywsgi import WSGIServer

module, port = importlib.import_module(sys.argv[1]), int(sys.argv[2])
if socketio := getattr(module, "socketio", None):
    socketio.run(module.app, host="127.0.0.1", port=port)
else:
    WSGIServer(("127.0.0.1", port), module.app, log=None).serve_forever()
