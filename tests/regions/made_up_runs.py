"""A small measured slide, whose every pixel is known, and shapes drawn on it."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState, PatchTable
from napari_glioma_density.regions.measuring import Measured
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.results import NUCLEUS_DTYPE
from napari_glioma_density.results.nuclei import in_slide_order
from napari_glioma_density.results.unread import UnreadMaps, packed

HEIGHT, WIDTH = 2 * PATCH_PX + 101, 3 * PATCH_PX + 35
LATTICE = Lattice.over(HEIGHT, WIDTH, 0.5)
TISSUE_PX = 16


@dataclass(frozen=True)
class KnownSlide:
    """What was read, and what is there: bool, (HEIGHT, WIDTH) each; and the run of it."""

    read: NDArray[np.bool_]
    tissue: NDArray[np.bool_]
    nucleus: NDArray[np.bool_]
    measured: Measured

    def sums(self, covered: NDArray[np.bool_]) -> tuple[int, int, int, int]:
        """Read, nucleus, tissue px and nuclei of some pixels, counted one by one."""
        read = self.read & covered
        nuclei = self.measured.nuclei
        y, x = (np.floor(nuclei[name]).astype(int) for name in ("y_px", "x_px"))
        return (
            int(read.sum()),
            int((read & self.nucleus).sum()),
            int((read & (self.tissue | self.nucleus)).sum()),
            int(covered[y, x].sum()),
        )


def blobs(seed: int, share: float, side: int) -> NDArray[np.bool_]:
    chance = np.random.default_rng(seed)
    coarse = chance.random((HEIGHT // side + 1, WIDTH // side + 1)) < share
    return coarse.repeat(side, 0).repeat(side, 1)[:HEIGHT, :WIDTH]


def made_up_nuclei(seed: int, number: int = 4000) -> NDArray[np.void]:
    chance = np.random.default_rng(seed)
    nuclei = np.zeros(number, NUCLEUS_DTYPE)
    nuclei["y_px"] = chance.uniform(0, HEIGHT - 0.01, number)
    nuclei["x_px"] = chance.uniform(0, WIDTH - 0.01, number)
    nuclei["area_px"] = 50
    return in_slide_order(nuclei)


def known_slide(
    seed: int = 0,
    *,
    level0_px_per_px: float = 2.0,
    damaged: NDArray[np.bool_] | None = None,
    mapped: bool = False,
) -> KnownSlide:
    """Tissue in squares of the tissue map, nucleus in smaller ones; px may be damaged.

    Which they are the run keeps where they are `mapped`.
    """
    tissue, nucleus = blobs(seed, 0.7, TISSUE_PX), blobs(seed + 1, 0.3, 7)
    read = np.ones_like(tissue) if damaged is None else ~damaged
    nucleus = nucleus & read
    nuclei = made_up_nuclei(seed)
    measured = Measured(
        Plane(LATTICE, level0_px_per_px),
        patch_table(read, tissue, nucleus, nuclei),
        nucleus.astype(np.uint8),
        nuclei,
        tissue[::TISSUE_PX, ::TISSUE_PX].astype(np.uint8),
        unread_maps(~read) if mapped else UnreadMaps(),
    )
    return KnownSlide(read, tissue, nucleus, measured)


def unread_maps(unread: NDArray[np.bool_]) -> UnreadMaps:
    patches = np.ndindex(LATTICE.rows, LATTICE.columns)
    windows = {patch: LATTICE.window(Block(*patch, 1, 1)) for patch in patches}
    cut = {patch: unread[window] for patch, window in windows.items()}
    return UnreadMaps({patch: packed(px) for patch, px in cut.items() if px.any()})


def patch_table(
    read: NDArray[np.bool_],
    tissue: NDArray[np.bool_],
    nucleus: NDArray[np.bool_],
    nuclei: NDArray[np.void],
) -> PatchTable:
    count = np.zeros((LATTICE.rows, LATTICE.columns), np.int64)
    rows, columns = ((nuclei[name] / PATCH_PX).astype(int) for name in ("y_px", "x_px"))
    np.add.at(count, (rows, columns), 1)
    return PatchTable(
        LATTICE,
        np.full(count.shape, PatchState.READ, np.uint8),
        patch_sums(nucleus & read),
        patch_sums(read),
        patch_sums(read & (tissue | nucleus)),
        patch_sums(~read),
        count,
    )


def patch_sums(pixels: NDArray[np.bool_]) -> NDArray[np.int64]:
    sums = np.zeros((LATTICE.rows, LATTICE.columns), np.int64)
    y, x = np.nonzero(pixels)
    np.add.at(sums, (y // PATCH_PX, x // PATCH_PX), 1)
    return sums


def star(seed: int, centre: tuple[float, float], reach: float, points: int = 40) -> shapely.Polygon:
    """A jagged outline around (x, y)."""
    chance = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    radius = reach * chance.uniform(0.4, 1, points)
    return shapely.Polygon(
        np.stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)], 1)
    )


def shapes(scale: float = 1.0) -> dict[str, shapely.Polygon | shapely.MultiPolygon]:
    """Outlines in working px (x, y), made larger by `scale`."""
    ring = star(1, (700, 500), 480).difference(star(2, (690, 510), 120))
    drawn = {
        "jagged": star(0, (640, 470), 420),
        "with holes": ring.difference(star(3, (900, 620), 60, 9)),
        "apart": shapely.MultiPolygon([star(4, (250, 260), 200), star(5, (1200, 800), 230)]),
        "island in a hole": shapely.union_all([ring, star(6, (690, 510), 30, 7)]),
        "over the edge": star(7, (1400, 960), 500),
        "around the slide": shapely.box(-50, -90, WIDTH + 70, HEIGHT + 20),
        "off the slide": star(8, (-900, 300), 400),
        "on patch borders": shapely.box(PATCH_PX, 0, 3 * PATCH_PX, 2 * PATCH_PX),
        "within a patch": star(9, (600, 700), 70, 12),
        "smaller than a pixel": shapely.box(600.6, 700.6, 600.9, 700.9),
    }
    return {name: shapely.transform(shape, lambda xy: xy * scale) for name, shape in drawn.items()}


def centres_inside(shape: shapely.Geometry) -> NDArray[np.bool_]:
    """Which px of the slide have their centre inside, as shapely says: (HEIGHT, WIDTH)."""
    inside = np.zeros((HEIGHT, WIDTH), bool)
    shapely.prepare(shape)
    left, top, right, bottom = (int(np.clip(edge, 0, 9999)) for edge in shape.bounds)
    window = np.s_[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1]
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    inside[window] = shapely.contains_xy(shape, x[window] + 0.5, y[window] + 0.5)
    return inside
