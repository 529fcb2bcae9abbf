"""
A file for each area.

Each has a `TITLE`, and its cases in the order of the file. Peers are imported in the functions that use them: a file is
imported in environments that do not have them.
"""

ORDER = (
    *("bus", "lifecycle", "spawn", "timers", "store", "model", "schema", "cache", "queue", "process"),
    *("ingress", "http", "sockets", "memory", "importing", "boot", "scaling", "seldom", "harness", "fixtures"),
)
"""The areas, in the order in which they are measured and shown."""
