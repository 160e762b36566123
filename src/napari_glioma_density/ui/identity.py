"""Whether two values were made from the very same objects; contents of arrays are not compared."""

from collections.abc import Iterable


def same_objects(one: Iterable[object], other: Iterable[object]) -> bool:
    """Return whether two things are made of the same objects, in the same order."""
    return [id(each) for each in one] == [id(each) for each in other]
