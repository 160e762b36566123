"""The regions of a slide on disk."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import shapely
from shapely.geometry import mapping, shape

from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind
from napari_glioma_density.results.line_log import LineLog

SCHEMA = 1
_FOLDER, _FILE = "regions", "regions.jsonl"


class RegionFile:
    """Regions of a slide in ``<store>/regions/regions.jsonl``, one line a change, none ever lost.

    Outlines are GeoJSON in level-0 px, so they hold for every run on the slide. Two windows may
    both write; what was written is on disk on return.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._regions: dict[str, Region] = {}
        full = "free some space, then draw the region again"
        self._log = LineLog(path, SCHEMA, self._take_in, full)
        self.reload()

    @classmethod
    def open(cls, store: Path) -> Self:
        """Open the regions of a slide; nothing is written before the first one.

        Parameters
        ----------
        store
            Folder of the slide's result store.

        Raises
        ------
        StoreError
            When a line is damaged or of a newer version.
        """
        return cls(store / _FOLDER / _FILE)

    def reload(self) -> None:
        """Take in what another window has changed since."""
        self._log.reload()

    def regions(self) -> tuple[Region, ...]:
        """Return the regions as they are now, in the order in which they were first drawn."""
        return tuple(self._regions.values())

    def put(self, *regions: Region) -> None:
        """Add regions, or put them in place of those with their ids: all of them or none.

        Raises
        ------
        StoreError
            When the disk refuses; nothing is changed then.
        """
        self._log.append(*({"schema": SCHEMA, **_fields(region)} for region in regions))

    def remove(self, *region_ids: str) -> None:
        """Take regions away, all of them or none; an unknown id does no harm.

        Their earlier lines stay in the file.

        Raises
        ------
        StoreError
            When the disk refuses; nothing is changed then.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        gone = ({"schema": SCHEMA, "removed": each, "time": now} for each in region_ids)
        self._log.append(*gone)

    def _take_in(self, fields: dict[str, Any]) -> None:
        if "removed" in fields:
            self._regions.pop(str(fields["removed"]), None)
        else:
            region = _region(fields)
            self._regions[region.id] = region


def _fields(region: Region) -> dict[str, Any]:
    return {
        "id": region.id,
        "kind": region.kind,
        "name": region.name,
        "reason": region.reason,
        "geometry": mapping(region.geometry),
        "origin": region.origin,
        "author": region.author,
        "time": region.time,
        "comment": region.comment,
    }


def _region(fields: dict[str, Any]) -> Region:
    """Return the region that `_fields` wrote; ValueError, TypeError or KeyError otherwise."""
    reason, kind = fields["reason"], RegionKind(fields["kind"])
    try:
        geometry = shape(fields["geometry"])
    except (shapely.errors.ShapelyError, AttributeError, IndexError) as error:
        raise ValueError(f"no outline: {error}") from error
    if geometry.is_empty or not geometry.is_valid:
        raise ValueError("its outline is empty or crosses itself")
    return Region(
        id=str(fields["id"]),
        kind=kind,
        name=str(fields["name"]),
        reason=None if reason is None else Reason(reason),
        geometry=geometry,
        origin=Origin(fields["origin"]),
        author=str(fields["author"]),
        time=str(fields["time"]),
        comment=str(fields["comment"]),
    )
