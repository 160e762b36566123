"""A slide with a million nuclei and its finished estimate, made in a minute: one patch, repeated.

No network runs: what it would have found is drawn with the picture. One nucleus in ten is faint
and missing from the mask, so that hints have something to point to.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState
from napari_glioma_density.estimate import prepare
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.results import NUCLEUS_DTYPE, BlockResult, Run
from napari_glioma_density.slides import open_slide

SIDE, NUCLEI, FAINT = 84, 143, 16
"""Patches a side, nuclei a patch that the model has found, and those that it has not."""
BLOCK = 4
RADIUS_PX, ROOM_PX = (6, 10), 26
STATED: dict[str, Any] = {"resolution": (20000, 20000), "resolutionunit": "CENTIMETER"}
TISSUE, NUCLEUS, PALE = (214, 140, 190), (84, 44, 124), (140, 86, 160)
JPEG_LEVEL = 80


class MadeUp:
    """The model whose run it is; it never runs."""

    spec = ModelSpec(name="made-up", title="Made up", architecture="none", halo_px=16)
    sha256 = "0" * 64
    device, precision = "cpu", "fp32"

    def learnt(self) -> frozenset[str]:
        """Return nothing: it has learnt from no picture."""
        return frozenset()

    def tuned_on(self) -> None:
        """Return nothing: it was not fine-tuned."""

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Fail: what it found is made up elsewhere."""
        raise NotImplementedError

    def on(self, *_: str) -> "MadeUp":
        """Return itself: it runs nowhere."""
        return self

    def for_organ(self, _: Any) -> "MadeUp":
        """The same: it knows no organ."""
        return self

    def fitted(self, _: object) -> "MadeUp":
        """Return itself: there is nothing to fit."""
        return self


def draw_patch() -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.void]]:
    """Return a patch's picture, the model's mask, and its nuclei (centres in px of the patch)."""
    rng = np.random.default_rng(4)
    rgb = np.full((PATCH_PX, PATCH_PX, 3), TISSUE, np.uint8)
    mask, found = np.zeros((PATCH_PX, PATCH_PX), np.uint8), []
    for number, (y, x) in enumerate(_places(rng)):
        axes = tuple(int(side) for side in rng.integers(*RADIUS_PX, 2))
        colour = NUCLEUS if number < NUCLEI else PALE
        angle = float(rng.integers(180))
        cv2.ellipse(rgb, (x, y), axes, angle, 0, 360, colour, -1)
        if number < NUCLEI:
            alone = np.zeros_like(mask)
            cv2.ellipse(alone, (x, y), axes, angle, 0, 360, 1, -1)
            mask |= alone
            rows, columns = np.nonzero(alone)
            found.append((rows.mean(), columns.mean(), len(rows), 0))
    grain = rng.integers(0, 16, rgb.shape, dtype=np.uint8)
    return cv2.GaussianBlur(rgb, (0, 0), 0.8) - grain, mask, np.array(found, NUCLEUS_DTYPE)


def _places(rng: np.random.Generator) -> list[tuple[int, int]]:
    """Places that lie apart from each other and from the patch's edge."""
    steps = np.arange(ROOM_PX, PATCH_PX - ROOM_PX, ROOM_PX + 8)
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
    chosen = rng.permutation(grid)[: NUCLEI + FAINT]
    return [(int(y), int(x)) for y, x in chosen + rng.integers(-3, 4, chosen.shape)]


def write_slide(path: Path, rgb: NDArray[np.uint8]) -> None:
    """Write a pyramid of three levels whose tiles are all alike."""
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for zoom in (1, 4, 16):
            small = cv2.resize(rgb, None, fx=1 / zoom, fy=1 / zoom, interpolation=cv2.INTER_AREA)
            tile = imagecodecs.jpeg_encode(
                np.ascontiguousarray(np.tile(small, (zoom, zoom, 1))), level=JPEG_LEVEL
            )
            side = SIDE * PATCH_PX // zoom
            file.write(
                _repeated(bytes(tile), (-(-side // PATCH_PX)) ** 2),
                shape=(side, side, 3),
                dtype=np.uint8,
                tile=(PATCH_PX, PATCH_PX),
                compression="jpeg",
                photometric="ycbcr",
                subsampling=(2, 2),
                subfiletype=int(zoom > 1),
                **STATED,
            )


def _repeated(tile: bytes, number: int) -> Iterator[bytes]:
    for _ in range(number):
        yield tile


def write_estimate(path: Path, mask: NDArray[np.uint8], nuclei: NDArray[np.void]) -> int:
    """Write what the model found on the slide beside it; return the number of nuclei."""
    with closing(prepare(open_slide(path), MadeUp(), tissue_mask=False)) as estimation:
        run, lattice = estimation.run, estimation.run.lattice
        for row in range(0, lattice.rows, BLOCK):
            for column in range(0, lattice.columns, BLOCK):
                block = Block(row, column, BLOCK, BLOCK)
                run.commit(_result(block, lattice, mask, nuclei))
        return _finish(run)


def _result(
    block: Block, lattice: Lattice, mask: NDArray[np.uint8], nuclei: NDArray[np.void]
) -> BlockResult:
    assert lattice.holds(block)
    shape = block.rows, block.columns
    offsets = [(r, c) for r in range(block.rows) for c in range(block.columns)]
    every = np.tile(nuclei, len(offsets))
    for name, side, first in (("y_px", 0, block.row), ("x_px", 1, block.column)):
        corner = np.repeat([PATCH_PX * (first + place[side]) for place in offsets], len(nuclei))
        every[name] += corner.astype(np.float32)
    whole = np.full(shape, PATCH_PX**2, np.int64)
    return BlockResult(
        block=block,
        mask=np.tile(mask, shape),
        nucleus_px=np.full(shape, int(mask.sum()), np.int64),
        read_px=whole,
        tissue_px=whole,
        unread_px=np.zeros(shape, np.int64),
        count=np.full(shape, len(nuclei), np.int64),
        state=np.full(shape, PatchState.READ, np.uint8),
        nuclei=every,
    )


def _finish(run: Run) -> int:
    run.finish()
    return int(run.patches().count.sum())


def made_slide(folder: Path) -> tuple[Path, int]:
    """Return the slide in `folder`, made if it is not there, and how many nuclei were found."""
    path = folder / "million.tiff"
    rgb, mask, nuclei = draw_patch()
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_slide(path, rgb)
        return path, write_estimate(path, mask, nuclei)
    return path, len(nuclei) * SIDE**2
