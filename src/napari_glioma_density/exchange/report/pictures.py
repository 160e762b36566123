"""Pictures of a report: the slide, the map over it, hotspots with and without outlines."""

import base64
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import (
    NO_BAND,
    PATCH_PX,
    Block,
    Cell,
    PatchState,
    PatchTable,
    band_of,
)
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.regions.plane import plane_of_run
from napari_glioma_density.results.drawing import (
    BACKGROUND,
    DAMAGED,
    LEFT_OUT,
    PAPER,
    Picture,
    hatch,
    rgb,
)
from napari_glioma_density.slides import Slide

MAP_PX = 1500
_THUMBNAIL_PX = 900
_COLOUR_OVER_SLIDE = 0.65
_HATCH_PX = 9
_JPEG_QUALITY = 74
_OUTLINE = (255, 232, 0)
_OUTLINE_PX = 2
"""Half of it lies outside of the nucleus; thinner ones are lost on paper."""
_DRAWN = (PatchState.READ, PatchState.UNREAD, PatchState.EXCLUDED)


@dataclass(frozen=True)
class HotspotPictures:
    """The densest patch of a hotspot, as data URIs of pictures of `side_px` a side."""

    plain: str
    outlined: str
    side_px: int
    tissue_density_percent: float


def data_uri(data: bytes, kind: str) -> str:
    """Return a file's content as something a page can hold; `kind` such as ``image/png``."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def slide_picture(slide: Slide) -> str:
    """Return the slide as a small picture."""
    return _jpeg(slide.thumbnail(_THUMBNAIL_PX).rgb)


def map_picture(findings: Findings, slide: Slide | None) -> tuple[str, int, int]:
    """Draw the density of every patch over the slide, or over white without it.

    Returns
    -------
    str, int, int
        The picture as a data URI, its width and its height.
    """
    shown = findings.snapshot
    scale = MAP_PX / max(findings.slide_width, findings.slide_height)
    height, width = (
        max(1, round(px * scale)) for px in (findings.slide_height, findings.slide_width)
    )
    picture = _ground(slide, height, width)
    at = _patch_under(findings, height, width)
    colours = _patch_colours(shown.patches, findings)
    drawn = np.isin(shown.patches.state, _DRAWN)
    if shown.scope is not None:
        drawn &= shown.scope
    strokes = _hatched(shown.patches)
    painted = colours[at]
    hatch(painted, strokes[at], step=_HATCH_PX)
    inked = drawn[at] & (painted != PAPER).any(axis=-1)
    mixed = (1 - _COLOUR_OVER_SLIDE) * picture + _COLOUR_OVER_SLIDE * painted
    picture[inked] = np.round(mixed[inked]).astype(np.uint8)
    return _jpeg(picture), width, height


def _ground(slide: Slide | None, height: int, width: int) -> Picture:
    if slide is None:
        return np.full((height, width, 3), PAPER, np.uint8)
    thumbnail = slide.thumbnail(max(height, width)).rgb
    # Grey, for the stain's own colours would change those of the bands.
    grey = cv2.cvtColor(cv2.cvtColor(thumbnail, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA))


def _patch_under(findings: Findings, height: int, width: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Row and column of the patch under every px of the map: to index arrays of patches with."""
    lattice, level0_px = findings.plane.lattice, findings.plane.level0_px_per_px * PATCH_PX
    y, x = (
        ((np.arange(length) + 0.5) * size / length / level0_px).astype(np.int64)
        for length, size in ((height, findings.slide_height), (width, findings.slide_width))
    )
    # Up to a working px of the slide's edge may lie beyond the last patch.
    return np.minimum(y, lattice.rows - 1)[:, None], np.minimum(x, lattice.columns - 1)[None]


def _patch_colours(patches: PatchTable, findings: Findings) -> Picture:
    palette = np.full((NO_BAND + 1, 3), BACKGROUND, np.uint8)
    scale = findings.snapshot.scale
    palette[: len(scale.colours)] = [rgb(colour) for colour in scale.colours]
    colours = palette[band_of(patches.density_percent(), scale)]
    colours[patches.state == PatchState.UNREAD] = DAMAGED
    colours[patches.state == PatchState.EXCLUDED] = LEFT_OUT
    return colours


def _hatched(patches: PatchTable) -> NDArray[np.bool_]:
    """Patches that do not count, and those that are less than half tissue."""
    return ~patches.is_read | ~patches.is_mostly_tissue


def hotspot_pictures(findings: Findings, slide: Slide, cell: Cell) -> HotspotPictures | None:
    """Show the patch of a cell with the most nucleus, as scanned and with nuclei outlined.

    Returns
    -------
    HotspotPictures | None
        None where no patch of the cell is at least half tissue.
    """
    place = _densest_patch(findings, findings.snapshot.grid.block(cell.row, cell.column))
    if place is None:
        return None
    row, column = place
    window = findings.plane.lattice.window(Block(row, column, 1, 1))
    seen = plane_of_run(slide, findings.spec).read(
        row * PATCH_PX, column * PATCH_PX, PATCH_PX, PATCH_PX
    )
    down, across = (part.stop - part.start for part in window)
    plain = np.ascontiguousarray(seen.rgb[:down, :across])
    density = findings.snapshot.patches.tissue_density_percent()
    return HotspotPictures(
        plain=_jpeg(plain),
        outlined=_jpeg(_outlined(plain, np.asarray(findings.mask[window]))),
        side_px=PATCH_PX,
        tissue_density_percent=float(density[row, column]),
    )


def _densest_patch(findings: Findings, block: Block) -> tuple[int, int] | None:
    shown = findings.snapshot
    density = shown.patches.tissue_density_percent()
    density[~shown.patches.is_mostly_tissue] = np.nan
    if shown.scope is not None:
        density[~shown.scope] = np.nan
    inside = density[block.patches]
    if not np.isfinite(inside).any():
        return None
    row, column = np.unravel_index(np.nanargmax(inside), inside.shape)
    return block.row + int(row), block.column + int(column)


def _outlined(picture: Picture, mask: NDArray[np.uint8]) -> Picture:
    outlined = picture.copy()
    edges, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(outlined, edges, -1, _OUTLINE, _OUTLINE_PX)
    return outlined


def _jpeg(picture: Picture) -> str:
    # Colour at full resolution, else outlines of one px turn grey.
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    settings = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY, *sampling]
    _, jpeg = cv2.imencode(".jpg", picture[..., ::-1], settings)
    return data_uri(jpeg.tobytes(), "image/jpeg")
