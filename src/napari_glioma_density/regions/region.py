"""A drawn region: where it lies, what it is for, who drew it."""

import dataclasses
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.errors import BadInput


class Reason(StrEnum):
    """Why a part of a slide is left out."""

    NECROSIS = "necrosis"
    HAEMORRHAGE = "haemorrhage"
    VESSEL = "vessel"
    LYMPHOCYTES = "lymphocytes"
    FOLD = "fold"
    PEN = "pen"
    BLUR = "blur"
    NOT_TUMOUR = "not tumour"
    OTHER = "other"


class RegionKind(StrEnum):
    """What a region is for."""

    EXCLUSION = "exclusion"
    """Left out of every sum, for a reason."""
    REFERENCE = "reference"
    """Tissue that others are compared with: grey matter, white matter, other."""
    AREA = "area"
    """Measured by itself and compared with another."""
    LINE = "line"
    """Density is measured along it."""
    BORDER = "border"
    """Density is measured against the distance from it."""

    @property
    def is_line(self) -> bool:
        """Whether such a region is drawn as a line and has no area."""
        return self in (RegionKind.LINE, RegionKind.BORDER)


class Origin(StrEnum):
    """Who drew a region."""

    PERSON = "person"
    AUTOMATIC = "automatic"
    IMPORTED = "imported"


@dataclass(frozen=True)
class Region:
    """A part of a slide, or a line on it.

    Attributes
    ----------
    id
        A UUID; a changed region keeps it.
    kind
        What it is for.
    name
        What people call it, such as "A" or "grey matter"; may be empty.
    reason
        Why it is left out; of exclusions alone, None of others.
    geometry
        Valid and not empty, in level-0 px of the slide, (x, y) from its top left corner: a Polygon
        or MultiPolygon, of lines and borders a LineString or MultiLineString.
    origin, author, time
        Who drew it, and when (ISO 8601, UTC).
    comment
        In a person's words.
    """

    id: str
    kind: RegionKind
    name: str
    reason: Reason | None
    geometry: BaseGeometry
    origin: Origin
    author: str
    time: str
    comment: str

    @classmethod
    def drawn(
        cls,
        kind: RegionKind,
        geometry: BaseGeometry,
        *,
        name: str = "",
        reason: Reason | None = None,
        origin: Origin = Origin.PERSON,
        author: str = "",
        comment: str = "",
        region_id: str | None = None,
    ) -> Self:
        """Return a region drawn just now, its outline mended where it crosses itself.

        Raises
        ------
        BadInput
            When nothing is left of the outline, or it is not what `kind` asks for.
        """
        if kind is RegionKind.EXCLUSION and reason is None:
            reason = Reason.OTHER
        return cls(
            id=region_id or str(uuid.uuid4()),
            kind=kind,
            name=name,
            reason=reason if kind is RegionKind.EXCLUSION else None,
            geometry=_fitting(kind, geometry),
            origin=origin,
            author=author,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            comment=comment,
        )

    def with_(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    @property
    def title(self) -> str:
        """What stands for the region in lists: its reason or its name, else its kind."""
        return self.reason.value if self.reason else self.name or self.kind.value


def _fitting(kind: RegionKind, geometry: BaseGeometry) -> BaseGeometry:
    """Return what of a geometry is of the dimension that its kind asks for."""
    wanted = 1 if kind.is_line else 2
    parts = [part for part in _valid_parts(geometry) if shapely.get_dimensions(part) == wanted]
    if not parts or not all(part.length for part in parts):
        asked = "a line of two points or more" if wanted == 1 else "an outline with an area"
        raise BadInput(f"{kind.value}: nothing of the drawing is {asked}; draw it again")
    return parts[0] if len(parts) == 1 else shapely.unary_union(parts)


def _valid_parts(geometry: BaseGeometry) -> list[BaseGeometry]:
    """Return what a geometry consists of, mended; nothing where a coordinate is no number."""
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        return []
    valid = geometry if geometry.is_valid else shapely.make_valid(geometry)
    return list(shapely.get_parts(shapely.get_parts(valid)))
