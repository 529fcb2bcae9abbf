"""A file for each area. Each has a `TITLE` and its cases; peers are imported by the functions that use them."""

ORDER = (
    "lifecycle",
    "spawn",
    "timers",
    "bus",
)
