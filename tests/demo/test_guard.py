"""Who may talk to the demo."""

import pytest

from specter.demo.guard import trusted


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "LOCALHOST"])
def test_a_page_of_the_demo_is_trusted(host: str) -> None:
    assert trusted(host, None, bound_to="127.0.0.1")
    assert trusted(host, f"http://{host}", bound_to="127.0.0.1")


@pytest.mark.parametrize(
    "host", ["evil.example:8000", "127.0.0.1.evil.example", "", "[::1", "localhost.", "0.0.0.0:8000"]
)
def test_a_name_that_was_pointed_at_loopback_is_not(host: str) -> None:
    assert not trusted(host, None, bound_to="127.0.0.1")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://127.0.0.1:8001", "http://127.0.0.1", "file://"]
)
def test_a_page_of_another_origin_is_not(origin: str) -> None:
    assert not trusted("127.0.0.1:8000", origin, bound_to="127.0.0.1")
    assert not trusted("box:8000", origin, bound_to="0.0.0.0")


@pytest.mark.parametrize("bound_to", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_every_name_of_loopback_is_guarded(bound_to: str) -> None:
    assert trusted("localhost:8000", None, bound_to=bound_to)
    assert not trusted("evil.example:8000", None, bound_to=bound_to)


def test_on_another_address_any_name_will_do() -> None:
    assert trusted("box:8000", "http://box:8000", bound_to="0.0.0.0")
