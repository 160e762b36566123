"""OME-TIFF of the nucleus mask and of the density map, for QuPath, Fiji and others."""

import re
from collections.abc import Iterator
from itertools import chain, product
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.exchange.density_image import CHANNELS, density_image, patch_um
from napari_glioma_density.exchange.mask_levels import STEP, MaskCell, MaskLevels
from napari_glioma_density.exchange.progress import Progress
from napari_glioma_density.exchange.provenance import (
    density_description,
    mask_description,
    provenance,
    software,
)
from napari_glioma_density.exchange.whole_output import whole_file
from napari_glioma_density.findings.findings import Findings

TILE_PX: Final = PATCH_PX
"""A tile is a chunk of the run's own mask."""

_NAMESPACE: Final = "glioma-density"
_MASK: Final = " nucleus mask"
_NAMED_MASK: Final = re.compile(f'Name="([^"]*){_MASK}"')

# Classic TIFF addresses 4 GiB. A mask of pure noise takes an eighth of a byte a px and a third of
# that again for the coarser levels; real ones a twentieth of it.
_CLASSIC_BYTES: Final = 2**32 - 2**28
_MOST_BYTES_PER_PX: Final = 0.2


def write_ome_tiff(path: Path, findings: Findings, *, on_progress: Progress | None = None) -> None:
    """Write the nucleus mask and the density map as the two images of one OME-TIFF.

    The mask comes first: uint8, 0 or 255, at the working resolution, tiled, a pyramid in SubIFDs
    whose coarser levels are means. It is the model's with corrected fields in place; regions left
    out of the sums are not cut out of it. The density is float32 in percent, one px a patch, two
    channels (`CHANNELS`), nan where nothing counts. Both say their px size in µm and begin at the
    slide's top left corner; a map annotation of each says where its numbers come from. The mask is
    read and written piece by piece.

    Parameters
    ----------
    path
        The file to replace, usually ``*.ome.tif``.
    findings
        What is said of the slide.
    on_progress
        Told of rows of the mask written.

    Raises
    ------
    StoreError
        When the file cannot be written; what was there before is kept.
    """
    height, width = findings.mask.shape
    big = height * width * _MOST_BYTES_PER_PX > _CLASSIC_BYTES
    with whole_file(path) as part, tifffile.TiffWriter(part, bigtiff=big, ome=True) as writer:
        _write_mask(writer, findings, on_progress)
        _write_density(writer, findings)


def slide_of_mask(path: Path) -> str:
    """Return the pseudonym of the slide whose mask a file is, as written here; empty of others."""
    try:
        with tifffile.TiffFile(path) as file:
            said = file.ome_metadata or ""
    except (OSError, ValueError, tifffile.TiffFileError):
        return ""
    named = _NAMED_MASK.search(said)
    return named[1] if named and f'Namespace="{_NAMESPACE}"' in said else ""


def _write_mask(
    writer: tifffile.TiffWriter, findings: Findings, on_progress: Progress | None
) -> None:
    levels = MaskLevels(findings.mask)
    tiles = _Tiles(levels, on_progress)
    um = findings.spec.working_um_per_px
    metadata = {
        "axes": "YX",
        "Name": f"{findings.pseudonym}{_MASK}",
        "Description": mask_description(findings),
        "Channel": {"Name": "nuclei"},
        **_identity(findings, um),
    }
    for level, shape in enumerate(levels.shapes):
        writer.write(
            tiles.of(level),
            shape=shape,
            dtype=np.uint8,
            tile=(TILE_PX, TILE_PX),
            subifds=len(levels.shapes) - 1 if level == 0 else 0,
            subfiletype=1 if level else 0,
            metadata=metadata if level == 0 else None,
            **_options(um * STEP**level),
        )


def _write_density(writer: tifffile.TiffWriter, findings: Findings) -> None:
    side_um = patch_um(findings)
    metadata = {
        "axes": "CYX",
        "Name": f"{findings.pseudonym} density",
        "Description": density_description(findings),
        "Channel": {"Name": list(CHANNELS)},
        **_identity(findings, side_um),
    }
    writer.write(density_image(findings), metadata=metadata, **_options(side_um))


def _identity(findings: Findings, um: float) -> dict[str, Any]:
    """Return provenance, px size and a UUID: a random one, for tifffile's own tells the machine."""
    return {
        "UUID": str(uuid4()),
        "MapAnnotation": {
            "Namespace": _NAMESPACE,
            "Value": {name: str(value) for name, value in provenance(findings).items()},
        },
        "PhysicalSizeX": um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": um,
        "PhysicalSizeYUnit": "µm",
    }


def _options(um: float) -> dict[str, Any]:
    """Return what all pages share; the resolution is for readers that know no OME."""
    return {
        "photometric": "minisblack",
        "compression": "adobe_deflate",
        "resolution": (1e4 / um, 1e4 / um),
        "resolutionunit": "CENTIMETER",
        "software": software(),
    }


class _Tiles:
    """Encoded tiles of every level, row by row; levels are to be asked for in order.

    Those of level 1 are made, and kept encoded, while level 0 is written.
    """

    def __init__(self, levels: MaskLevels, on_progress: Progress | None) -> None:
        self._levels, self._on_progress = levels, on_progress
        self._level_1: list[bytes] = []
        self._blank = _encoded(np.zeros((TILE_PX, TILE_PX), np.uint8))

    def of(self, level: int) -> Iterator[bytes]:
        """Give the tiles of a level."""
        if level == 0:
            return self._level_0()
        if level == 1:
            return iter(self._level_1)
        return self._cut(self._levels.held()[level - 2])

    def _level_0(self) -> Iterator[bytes]:
        for cells in self._levels.rows(self._on_progress):
            lines: tuple[list[bytes], ...] = ([], [], [], [])
            for cell in cells:
                self._add(cell, lines)
            yield from chain(*lines)

    def _add(self, cell: MaskCell, lines: tuple[list[bytes], ...]) -> None:
        self._level_1.append(self._encode(cell.quarter))
        for line, top in zip(lines, range(0, len(cell.pixels), TILE_PX), strict=False):
            line.extend(self._cut(cell.pixels[top : top + TILE_PX]))

    def _cut(self, pixels: NDArray[np.uint8]) -> Iterator[bytes]:
        height, width = pixels.shape
        for top, left in product(range(0, height, TILE_PX), range(0, width, TILE_PX)):
            yield self._encode(pixels[top : top + TILE_PX, left : left + TILE_PX])

    def _encode(self, tile: NDArray[np.uint8]) -> bytes:
        if not tile.any():
            return self._blank
        down, across = (TILE_PX - side for side in tile.shape)
        return _encoded(np.pad(tile, ((0, down), (0, across))))


def _encoded(tile: NDArray[np.uint8]) -> bytes:
    return bytes(imagecodecs.zlib_encode(tile.tobytes(), level=6))
