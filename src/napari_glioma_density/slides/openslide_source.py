"""Slides that OpenSlide reads: MIRAX, SCN, BIF, DICOM, Philips and others."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openslide
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides.pixels import over_white
from napari_glioma_density.slides.resolution import Resolution, Statement, parse_number, resolve
from napari_glioma_density.slides.source import Level, silent

_log = logging.getLogger(__name__)

_TILE_PX = 512
_MOST_TILE_PX = 2**27
_SIDES = ("width", "height")
_BOUNDS = (
    openslide.PROPERTY_NAME_BOUNDS_X,
    openslide.PROPERTY_NAME_BOUNDS_Y,
    openslide.PROPERTY_NAME_BOUNDS_WIDTH,
    openslide.PROPERTY_NAME_BOUNDS_HEIGHT,
)
_FORMATS = {
    "aperio": "Aperio SVS",
    "dicom": "DICOM",
    "generic-tiff": "pyramidal TIFF",
    "hamamatsu": "Hamamatsu",
    "leica": "Leica SCN",
    "mirax": "MIRAX",
    "philips": "Philips TIFF",
    "sakura": "Sakura SVSLIDE",
    "synthetic": "OpenSlide synthetic",
    "trestle": "Trestle TIFF",
    "ventana": "Ventana BIF",
    "zeiss": "Zeiss CZI",
}


class OpenSlideSource:
    """Tiles cut from OpenSlide's regions; see `TileSource`.

    Raises
    ------
    SlideError
        When OpenSlide cannot open the file, or a header claims tiles that no memory holds.
    """

    reader = "openslide"

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self._reopening = threading.Lock()
        try:
            handle = openslide.OpenSlide(path)
        except (openslide.OpenSlideError, OSError) as fault:
            raise SlideError(
                f"{name}: OpenSlide cannot open it ({' '.join(str(fault).split())[:120]}); "
                "copy the file, with any folder that belongs to it, again from where it came"
            ) from fault
        self._handle: openslide.OpenSlide | None = handle
        properties = handle.properties
        _refuse_large_tiles(name, properties, len(handle.level_dimensions))
        vendor = properties[openslide.PROPERTY_NAME_VENDOR]
        self.format = _FORMATS.get(vendor, vendor)
        sizes = handle.level_dimensions
        self.levels = tuple(Level.of(width, height, sizes[0]) for width, height in sizes)
        self.resolution = _resolution_of(vendor, dict(properties))
        self.objective = parse_number(properties.get(openslide.PROPERTY_NAME_OBJECTIVE_POWER))
        self.bounds_offset = _bounds_offset(properties)

    def tile_shape(self, level: int) -> tuple[int, int]:  # noqa: ARG002
        """Return the size of the tiles, the same for every level."""
        return _TILE_PX, _TILE_PX

    def read_tile(self, level: int, row: int, column: int) -> NDArray[np.uint8] | None:
        """Return a full-size tile on white, uint8 (height, width, 3), or None if OpenSlide fails.

        Raises
        ------
        SlideError
            When the file does not answer.
        """
        handle = self._handle
        if handle is None:
            raise silent(self._name, "it was closed")
        tile = level, row, column
        rgba = self._region(handle, *tile)
        if rgba is None:
            rgba = self._region_alone(handle, *tile)
        return None if rgba is None else over_white(rgba[..., :3], rgba[..., 3])

    def _region(
        self, handle: openslide.OpenSlide, level: int, row: int, column: int
    ) -> NDArray[np.uint8] | None:
        # By OpenSlide's own, the mean of both sides' ratios: it goes back to the level by the same.
        downsample = handle.level_downsamples[level]
        corner = (round(column * _TILE_PX * downsample), round(row * _TILE_PX * downsample))
        try:
            return np.asarray(handle.read_region(corner, level, (_TILE_PX, _TILE_PX)))
        except (openslide.OpenSlideError, OSError) as fault:
            _log.debug("tile %d, %d of level %d was not read: %s", row, column, level, fault)
            return None

    def _region_alone(
        self, dead: openslide.OpenSlide, level: int, row: int, column: int
    ) -> NDArray[np.uint8] | None:
        """Read a tile from the file opened anew, which is then everybody's if the tile is sound.

        After its first error an OpenSlide handle fails for good, so a sound tile that another
        thread asked for at the same moment fails along with the damaged one. The dead handle is not
        closed here, because other threads may still be using it; it closes when the last of them
        lets go.
        """
        with self._reopening:
            if self._handle is None:
                raise silent(self._name, "it was closed")
            fresh = self._opened()
            rgba = self._region(fresh, level, row, column)
            if self._handle is dead:
                self._handle = fresh if rgba is not None else self._opened()
            return rgba

    def _opened(self) -> openslide.OpenSlide:
        try:
            return openslide.OpenSlide(self._path)
        except (openslide.OpenSlideError, OSError) as fault:
            raise silent(self._name, fault) from fault

    def close(self) -> None:
        """Let go of the file; later tiles are refused."""
        with self._reopening:
            self._handle = None


def _refuse_large_tiles(name: str, properties: Mapping[str, str], levels: int) -> None:
    """OpenSlide ends the program where there is no memory for a tile."""
    for level in range(levels):
        sides = [properties.get(f"openslide.level[{level}].tile-{side}", "0") for side in _SIDES]
        if int(sides[0]) * int(sides[1]) > _MOST_TILE_PX:
            raise SlideError(
                f"{name}: its header claims tiles of {'×'.join(sides)} px; "
                "copy it again from where it came"
            )


def _bounds_offset(properties: Mapping[str, str]) -> tuple[int, int]:
    """Where the scanned part begins; as in QuPath, only of bounds that are stated in full."""
    stated = (properties.get(key) for key in _BOUNDS)
    try:
        x, y, _, _ = (int(value) for value in stated if value is not None)
    except ValueError:
        return 0, 0
    return x, y


def _resolution_of(vendor: str, properties: dict[str, str]) -> Resolution:
    x_um, y_um = (
        parse_number(properties.get(key))
        for key in (openslide.PROPERTY_NAME_MPP_X, openslide.PROPERTY_NAME_MPP_Y)
    )
    source = "DICOM PixelSpacing" if vendor == "dicom" else "OpenSlide mpp"
    return resolve([None if x_um is None else Statement(source, x_um, y_um)])
