"""A form of eight fields is validated; its values come as text and are all right."""

from measuring import Goal, main, microseconds

TITLE = "Schema: validate eight fields"
UNIT = "µs"
GOAL = Goal(ratio=1 / 3)
FORM = {
    "name": "Ada",
    "email": "ada@example.org",
    "age": "36",
    "height": "1.68",
    "member": "yes",
    "role": "author",
    "city": "London",
}


def measured() -> float:
    from specter import Field, Schema

    schema = Schema(
        "person",
        {
            "name": Field(str, required=True),
            "email": Field(str, required=True),
            "age": Field(int),
            "height": Field(float),
            "member": Field(bool, default=False),
            "role": Field(str, choices=["author", "reader"]),
            "city": Field(str),
            "country": Field(str, default="GB"),
        },
    )
    assert schema.validate(FORM).ok
    return microseconds(lambda: schema.validate(FORM), 20_000)


ours = theirs = measured

if __name__ == "__main__":
    main(ours, theirs)
