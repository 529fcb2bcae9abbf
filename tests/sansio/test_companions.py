"""Telling what web framework an object is of."""

from collections import OrderedDict
from unittest.mock import MagicMock

import pytest

from specter.sansio.companions import comes_from


class Mine(OrderedDict[str, str]):
    pass


@pytest.mark.parametrize(
    ("package", "expected"),
    [("collections", True), (__name__.partition(".")[0], True), ("coll", False), ("quart", False)],
)
def test_an_object_is_of_the_packages_of_all_its_classes(package: str, expected: bool) -> None:
    assert comes_from(Mine(), package) is expected


def test_a_module_below_the_package_counts() -> None:
    assert comes_from(MagicMock(), "unittest")
