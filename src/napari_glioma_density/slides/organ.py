"""Which organ tissue is of, as far as it decides from where on a pixel is nucleus."""

import re
from typing import Final, Literal, get_args

Organ = Literal["brain", "other"]
ORGANS: Final[tuple[Organ, ...]] = get_args(Organ)
BRAIN: Final[Organ] = "brain"
"""What the program is made for: taken where nobody says otherwise."""
OTHER: Final[Organ] = "other"

_OF_BRAIN: Final = re.compile(
    r"brain|cereb(r|ell)|astrocytoma|oligodendroglioma|(?<![a-z])(glioma|glioblastoma|gbm|lgg)",
    re.I,
)
"""Parts of the brain and its gliomas; a paraganglioma is none."""


def organ_named(name: str) -> Organ:
    """Return which of the two a data set's name of an organ means.

    Parameters
    ----------
    name
        As ``brain: glioblastoma``, ``GBM``, ``human cerebellum`` or ``colon``; empty where nobody
        said.
    """
    return BRAIN if not name.strip() or _OF_BRAIN.search(name) else OTHER
