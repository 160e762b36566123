"""Which organ tissue is of, as far as it decides from where on a pixel is nucleus."""

from typing import Final, Literal, get_args

Organ = Literal["brain", "other"]
ORGANS: Final[tuple[Organ, ...]] = get_args(Organ)
BRAIN: Final[Organ] = "brain"
"""What the program is made for: taken where nobody says otherwise."""
OTHER: Final[Organ] = "other"


def organ_named(name: str) -> Organ:
    """Return which of the two a data set's name of an organ means.

    Parameters
    ----------
    name
        As ``brain: glioblastoma``, ``human brain`` or ``colon``; empty where nobody said.
    """
    return BRAIN if not name or BRAIN in name.lower() else OTHER
