"""``import specter`` in a process that has just begun."""

from time import perf_counter

from measuring import Goal, main

TITLE = "import specter"
UNIT = "ms"
GOAL = Goal(figure=30)


def measured() -> float:
    start = perf_counter()
    import specter  # noqa: F401

    return (perf_counter() - start) * 1e3


ours = theirs = measured

if __name__ == "__main__":
    main(ours, theirs)
