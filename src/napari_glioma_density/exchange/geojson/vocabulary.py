"""The words in which objects travel: classes that QuPath shows, and what is kept beside them."""

from collections.abc import Iterable
from typing import Final

from napari_glioma_density.regions.region import Reason, RegionKind

ABOUT: Final = "glioma-density"
"""Member of a collection that says of which slide and run it was written."""
NUCLEUS: Final = "Nucleus"
GRID_CELL: Final = "Grid cell"
HOTSPOT: Final = "Hotspot"
OUR_FIGURES: Final = frozenset({GRID_CELL, HOTSPOT})
"""Classes that show what was measured and are no one's drawing."""

KIND_CLASSES: Final = {
    RegionKind.REFERENCE: "Reference",
    RegionKind.AREA: "Area",
    RegionKind.LINE: "Line",
    RegionKind.BORDER: "Border",
}
EXCLUDED: Final = "Excluded"
"""Class of exclusions for no reason that has a name."""

_COLOURS: Final = {
    NUCLEUS: (84, 44, 124),
    GRID_CELL: (120, 120, 120),
    HOTSPOT: (255, 160, 0),
    "Reference": (0, 140, 200),
    "Area": (0, 170, 90),
    "Line": (230, 90, 160),
    "Border": (230, 90, 160),
}
_EXCLUSION_COLOUR: Final = (90, 90, 90)

_REASONS: Final = {
    "excluded": Reason.OTHER,
    "exclude": Reason.OTHER,
    "exclusion": Reason.OTHER,
    "ignore": Reason.OTHER,
    "artefact": Reason.OTHER,
    "artifact": Reason.OTHER,
    "necrotic": Reason.NECROSIS,
    "hemorrhage": Reason.HAEMORRHAGE,
    "bleeding": Reason.HAEMORRHAGE,
    "blood": Reason.HAEMORRHAGE,
    "blood vessel": Reason.VESSEL,
    "vessels": Reason.VESSEL,
    "lymphocyte": Reason.LYMPHOCYTES,
    "immune cells": Reason.LYMPHOCYTES,
    "folds": Reason.FOLD,
    "pen mark": Reason.PEN,
    "blurred": Reason.BLUR,
    "out of focus": Reason.BLUR,
    "non-tumour": Reason.NOT_TUMOUR,
    "not tumor": Reason.NOT_TUMOUR,
    "non-tumor": Reason.NOT_TUMOUR,
    **{reason.value: reason for reason in Reason if reason is not Reason.OTHER},
}
"""Other words for reasons, QuPath's own classes among them. Its class "Other" says nothing of
leaving out, so it is none of them."""
_REFERENCES: Final = frozenset(
    {"reference", "grey matter", "gray matter", "white matter", "cortex", "normal brain"}
)


def region_class(kind: RegionKind, reason: Reason | None) -> str:
    """Return the class under which a region is shown."""
    if kind is not RegionKind.EXCLUSION:
        return KIND_CLASSES[kind]
    return EXCLUDED if reason in (None, Reason.OTHER) else str(reason).capitalize()


def colour_of(name: str) -> tuple[int, int, int]:
    """Return the colour of a class: red, green, blue."""
    return _COLOURS.get(name, _EXCLUSION_COLOUR)


def meaning_of(words: Iterable[str], *, is_line: bool) -> tuple[RegionKind, Reason | None]:
    """Tell what an annotation is for by its class and name, in that order.

    Whatever its words do not explain is an area, or a line. QuPath marks classes that its own
    measurements ignore with a star, as in "Necrosis*".
    """
    plain = [word.strip().rstrip("*").strip().casefold() for word in words]
    if is_line:
        return (RegionKind.BORDER if "border" in plain else RegionKind.LINE), None
    for word in plain:
        if word in _REASONS:
            return RegionKind.EXCLUSION, _REASONS[word]
        if word in _REFERENCES:
            return RegionKind.REFERENCE, None
    return RegionKind.AREA, None
