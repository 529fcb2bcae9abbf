"""A path set in a model of 1,000 keys, of which 100 have a subscriber: another key than theirs."""

from itertools import count

from measuring import Goal, main, microseconds

TITLE = "Model: set one path of 1,000 keys, 100 subscribers"
UNIT = "µs"
GOAL = Goal(ratio=0.01)


def measured(calls: int) -> float:
    from specter import Model

    model = Model("m", {f"group{i}": {f"key{j}": j for j in range(100)} for i in range(10)})
    for i in range(100):
        model.subscribe(lambda value, model: None, selector=f"group{i // 10}.key{i % 10}")
    numbers = count(-1, -1)
    return microseconds(lambda: model.set("group5.key50", next(numbers)), calls)


def ours() -> float:
    return measured(20_000)


def theirs() -> float:
    return measured(50)


if __name__ == "__main__":
    main(ours, theirs)
