"""An annotation of another program as a region, and one of our own as the region it was."""

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

import shapely
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.exchange.geojson.feature_stream import Feature
from napari_glioma_density.exchange.geojson.features import METADATA_PREFIX
from napari_glioma_density.exchange.geojson.vocabulary import meaning_of, region_class
from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind

_NO_ID: Final = uuid.UUID("6f3f7a52-9d2c-5e0b-8f51-2b1f0d8c4a77")
"""Namespace of the ids of annotations that bear none."""


def properties_of(feature: Feature) -> Mapping[str, Any]:
    """Return the properties of a feature, none when it has none."""
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}


def class_names(feature: Feature) -> tuple[str, ...]:
    """Return the class of an object from the general to the special; none without a class.

    QuPath has written it as text, as a name, as a list of names, and as a name with its parent.
    """
    return _names(properties_of(feature).get("classification"))


def _names(stated: Any) -> tuple[str, ...]:
    if isinstance(stated, str):
        return tuple(part.strip() for part in stated.split(":") if part.strip())
    if not isinstance(stated, dict):
        return ()
    if isinstance(stated.get("names"), list):
        return tuple(str(name) for name in stated["names"])
    return (*_names(stated.get("parentClass")), *_names(stated.get("name")))


def as_region(feature: Feature, geometry: BaseGeometry, author: str) -> Region:
    """Return the region that an annotation stands for.

    Parameters
    ----------
    feature
        Class, name and metadata tell what it is for.
    geometry
        Its outline or line in level-0 px, (x, y), not empty.
    author
        Of one that names none.

    Raises
    ------
    BadInput
        When nothing of the drawing has an area or a length.
    """
    recorded = _recorded(feature)
    kind, reason = _meaning(feature, recorded, is_line=shapely.get_dimensions(geometry) == 1)
    region = Region.drawn(
        kind,
        geometry,
        name=_name(feature, recorded, kind, reason),
        reason=reason,
        origin=Origin(recorded.get("origin", Origin.IMPORTED)),
        author=recorded.get("author", author),
        comment=recorded.get("comment", ""),
        region_id=_uuid(feature),
    )
    return region.with_(time=recorded["time"]) if "time" in recorded else region


def _recorded(feature: Feature) -> dict[str, str]:
    """Return what this program wrote beside a region; nothing when it is not all of that kind."""
    metadata = properties_of(feature).get("metadata")
    if not isinstance(metadata, dict):
        return {}
    recorded = {
        str(name).removeprefix(METADATA_PREFIX): str(value)
        for name, value in metadata.items()
        if str(name).startswith(METADATA_PREFIX)
    }
    try:
        RegionKind(recorded["kind"])
        Origin(recorded["origin"])
        Reason(recorded.get("reason", Reason.OTHER))
    except (KeyError, ValueError):
        return {}
    return recorded


def _recorded_meaning(recorded: Mapping[str, str]) -> tuple[RegionKind, Reason | None] | None:
    if not recorded:
        return None
    reason = recorded.get("reason")
    return RegionKind(recorded["kind"]), None if reason is None else Reason(reason)


def _meaning(
    feature: Feature, recorded: Mapping[str, str], *, is_line: bool
) -> tuple[RegionKind, Reason | None]:
    """Tell what an annotation is for; a class changed since the export outranks the record."""
    shown, known = class_names(feature), _recorded_meaning(recorded)
    if known is not None and shown == (region_class(*known),) and known[0].is_line == is_line:
        return known
    return meaning_of((*reversed(shown), _given_name(feature, recorded) or ""), is_line=is_line)


def _name(
    feature: Feature, recorded: Mapping[str, str], kind: RegionKind, reason: Reason | None
) -> str:
    """Return the name of an annotation; where none was given, a class that says more."""
    given, shown = _given_name(feature, recorded), class_names(feature)
    if given is not None:
        return given
    says_no_more = kind is RegionKind.EXCLUSION or shown == (region_class(kind, reason),)
    return recorded.get("name", "" if says_no_more else ": ".join(shown))


def _given_name(feature: Feature, recorded: Mapping[str, str]) -> str | None:
    """Return the name that a person gave; a name that this program made up does not count."""
    stated, known = properties_of(feature).get("name"), _recorded_meaning(recorded)
    if stated is None:
        return None
    ours = known is not None and stated == (known[1] or recorded.get("name") or known[0].value)
    return None if ours else str(stated)


def _uuid(feature: Feature) -> str:
    """Return the id of an annotation; one made of all it says where it has none.

    Imported once more it is then the same region, and not another.
    """
    try:
        return str(uuid.UUID(str(feature.get("id"))))
    except ValueError:
        return str(uuid.uuid5(_NO_ID, json.dumps(feature, sort_keys=True)))
