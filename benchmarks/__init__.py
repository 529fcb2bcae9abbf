"""
Specter side by side with specter-runtime 0.1.1, in one run: ``python -m benchmarks``.

The yardstick lives in an environment of its own, named by ``--yardstick`` or ``SPECTER_YARDSTICK``::

    python -m venv yardstick
    yardstick/bin/pip install specter-runtime==0.1.1 gevent flask flask-socketio
    SPECTER_YARDSTICK=yardstick python -m benchmarks

An area is a file in ``areas``. It runs as a script of either environment and has

    TITLE   what is measured
    UNIT    of the figure
    GOAL    a `Goal`: the figure, or its ratio to the yardstick's, is to be no more than that
    ours    the figure, and `theirs`: plain functions that return a float, less is better

Times are of the processor, so that other programs count little; of several rounds the best counts.
"""
