"""A small slide whose every pixel is known, a run over it, and what is found there."""

from pathlib import Path

import cv2
import numpy as np
import tifffile
from made_up_spec import made_up_spec
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Lattice, partition
from napari_glioma_density.estimate.measurement import Ground, measure_block
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.results import ResultStore
from napari_glioma_density.slides import open_slide, working_plane

HEIGHT, WIDTH = 3 * PATCH_PX + 60, 4 * PATCH_PX + 181
"""In working px of 0.5 µm; a level-0 px is half as wide."""
GLASS_FROM = 1600
HALO = 96

SPEC = made_up_spec(
    HEIGHT,
    WIDTH,
    architecture="unet_dropblock",
    um_per_px_source="TIFF resolution",
    block_patches=2,
    halo_px=HALO,
)


def draw_nuclei() -> NDArray[np.uint8]:
    """Discs of many sizes on a jittered lattice, touching none: 0/1 in working px."""
    random = np.random.default_rng(3)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for y in range(30, HEIGHT - 20, 46):
        for x in range(30, GLASS_FROM - 60, 46):
            centre = x + int(random.integers(-8, 9)), y + int(random.integers(-8, 9))
            cv2.circle(mask, centre, int(random.integers(4, 12)), 1, -1)
    return mask


def draw_slide(nuclei: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Level 0 in RGB: pink ground, nuclei of different darkness from left to right, glass."""
    rgb = np.full((HEIGHT, WIDTH, 3), (225, 175, 205), np.uint8)
    rgb[:, GLASS_FROM:] = 245
    depth = np.linspace(40, 110, WIDTH).astype(np.uint8)[None, :, None]
    shade = np.concatenate([depth + 30, depth, depth + 60], axis=2)
    rgb = np.where(nuclei[..., None] > 0, shade, rgb)
    return np.ascontiguousarray(rgb.repeat(2, axis=0).repeat(2, axis=1))


def write_slide(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(
            draw_slide(draw_nuclei()),
            tile=(256, 256),
            photometric="rgb",
            compression="deflate",
            resolution=(40_000, 40_000),
            resolutionunit="CENTIMETER",
            description="Patient SMITH_JOHN_1951",
        )
    return path


def estimate(slide_path: Path, store_path: Path) -> Findings:
    """Measure the drawn nuclei as an estimate does, and gather what was found."""
    tissue = np.ones((-(-HEIGHT // 16), -(-WIDTH // 16)), np.uint8)
    tissue[:, GLASS_FROM // 16 :] = 0
    down, across = (-length % PATCH_PX + HALO for length in (HEIGHT, WIDTH))
    mask = np.pad(draw_nuclei(), ((HALO, down), (HALO, across)))
    with open_slide(slide_path) as slide:
        plane = working_plane(slide, 0.5)
        store = ResultStore.open(
            store_path, slide.fingerprint, slide.pseudonym, slide.width, slide.height
        )
        with store.begin(SPEC, tissue) as run:
            ground = Ground(run.lattice, run.tissue)
            for block in partition(Lattice.over(HEIGHT, WIDTH, 0.5), 2):
                top, left = block.row * PATCH_PX, block.column * PATCH_PX
                height, width = (n * PATCH_PX + 2 * HALO for n in (block.rows, block.columns))
                pixels = plane.read(top - HALO, left - HALO, height, width)
                seen = mask[top : top + height, left : left + width]
                run.commit(
                    measure_block(block, pixels.read, np.ascontiguousarray(seen), ground, HALO)
                )
            run.finish()
    return gather(store_path)
