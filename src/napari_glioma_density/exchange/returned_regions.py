"""Regions of a file, put beside those that a slide has or in their place."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from napari_glioma_density.annotation.review import Mark, ReviewLog, excluded_regions
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.region import Origin, Region
from napari_glioma_density.regions.region_file import RegionFile

ROUNDING_PX = 0.02
"""Corners in a file are rounded to 0.01 level-0 px."""
_OF_A_MARK: Final = uuid.UUID("2f6c0a4e-7b1d-5d0e-9a53-4c8e1b7f2d60")
"""Namespace of the ids of regions that were cells left out in review."""


class _LeftOutCell(NamedTuple):
    mark: Mark
    region: Region


def put_regions(
    store: Path, plane: Plane, regions: Iterable[Region], author: str
) -> dict[str, Region | None]:
    """Put what is new or changed; on disk on return.

    A cell that was left out in review and comes back changed becomes a region of its own, and is no
    longer left out in review. An outline of the quality check that a person changed becomes that
    person's; otherwise the next check would remove it.

    Parameters
    ----------
    store
        The slide's result store.
    plane
        The working plane of the review.
    regions
        Of the file.
    author
        Who brings them.

    Returns
    -------
    dict
        What regions that are other than before were before, by id; None for those that are new. Of
        a cell that was left out in review it is that cell, as a region.

    Raises
    ------
    StoreError
        When the disk refuses, or a part of the store is damaged.
    """
    file, log = RegionFile.open(store), ReviewLog.open(store, plane.lattice)
    known, cells = {region.id: region for region in file.regions()}, _left_out_cells(log, plane)
    changed, before = dict[str, Region](), dict[str, Region | None]()
    for region in regions:
        cell = cells.get(region.id)
        if cell is not None and _is_same(region, cell.region):
            continue
        own = _as_a_persons(_under_an_id_of_its_own(region, known, cells), known, author)
        if cell is not None or not _is_same(own, known.get(own.id)):
            changed[region.id] = own
            before[own.id] = cell.region.with_(id=own.id) if cell else known.get(own.id)
    if changed:
        file.put(*changed.values())
    for number in changed.keys() & cells.keys():
        _take_back(log, cells[number].mark, author)
    return before


def _left_out_cells(log: ReviewLog, plane: Plane) -> dict[str, _LeftOutCell]:
    marks = (mark for mark in log.marks() if mark.excluded is not None)
    regions = excluded_regions(log, plane)
    return {
        region.id: _LeftOutCell(mark, region)
        for mark, region in zip(marks, regions, strict=True)
    }  # fmt: skip


def _take_back(log: ReviewLog, mark: Mark, author: str) -> None:
    # Only after its region is on disk: stopped in between, the import is complete when repeated.
    log.mark(mark.block, reviewed=mark.reviewed, comment=mark.comment, author=author)


def _under_an_id_of_its_own(
    region: Region, known: Mapping[str, Region], cells: Mapping[str, _LeftOutCell]
) -> Region:
    """Give a region that was a cell left out in review another id: the cell may be so again.

    The id is the same each time, so that a file imported once more changes nothing.
    """
    own = str(uuid.uuid5(_OF_A_MARK, region.id))
    return region.with_(id=own) if region.id in cells or own in known else region


def _as_a_persons(region: Region, known: Mapping[str, Region], author: str) -> Region:
    before = known.get(region.id)
    if region.origin is not Origin.AUTOMATIC or _is_same(region, before):
        return region
    now = datetime.now(UTC).isoformat(timespec="seconds")
    # The comment tells what the check saw, and no longer holds.
    taken = region.with_(origin=Origin.IMPORTED, author=author, time=now, comment="")
    if before is not None and _is_same(taken, before):
        return before
    return taken


def _is_same(region: Region, known: Region | None) -> bool:
    """Whether a region is a known one, but for the rounding of its corners in the file.

    Author and time do not count as changes: a file of another program does not state them, and
    importing it once more changes nothing.
    """
    if known is None:
        return False
    alike = region.with_(geometry=known.geometry, author=known.author, time=known.time)
    if alike != known:
        return False
    return bool(region.geometry.hausdorff_distance(known.geometry) <= ROUNDING_PX)
