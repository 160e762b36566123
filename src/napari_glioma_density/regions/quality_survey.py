"""Everything that quality control looks at, measured over a whole slide in one pass."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, product
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.slides import TISSUE_PX, Slide, TissueKind, WorkingPlane, working_plane
from napari_glioma_density.slides.tissue import stain_excess
from napari_glioma_density.stain import optical_density
from napari_glioma_density.stain.light import in_white_light, slide_light
from napari_glioma_density.stain.quality import (
    darkness_of,
    detail_of,
    ground_of,
    haematoxylin_and_eosin,
    is_black,
    is_ink,
)

FloatMap = NDArray[np.float32]

SPOT_PX: Final = 16
"""Side of a spot, the px of every map, in px of the plane that is looked at."""

_UM_PER_PX: Final = 1.0
_TILE_PX: Final = 1024
_MARGIN_PX: Final = 32
_SHARPNESS_SIGMAS_PX: Final = (0.7, 1.0, 2.0)
"""Chosen on the annotated sets: of the pairs tried, the one that parts sharp tissue of all of them
from a blur of 1.5 µm best."""
_EDGE_PX: Final = 13
_THREADS: Final = 2
_AHEAD: Final = 4
_THUMBNAIL_PX: Final = 1024


@dataclass(frozen=True, eq=False)
class QualitySurvey:
    """Maps of a slide, one value a spot of about 16 µm, shape (rows, columns).

    Attributes
    ----------
    level0_px
        Side of a spot in level-0 px.
    um
        The same in µm.
    tissue
        bool: the tissue map calls it tissue, and all of it was read.
    asked
        bool: it belongs to a patch that holds tissue, so that it counts.
    fine, form
        Energies of `detail_of`, mean over the spot.
    darkness, excess
        Mean optical density, and that of `stain_excess`, mean over the spot.
    ground, haematoxylin, eosin
        Of the ground (`ground_of`): mean optical density and strength of both stains.
    ink, black
        Share of the spot, 0–1.
    """

    level0_px: float
    um: float
    tissue: NDArray[np.bool_]
    asked: NDArray[np.bool_]
    fine: FloatMap
    form: FloatMap
    darkness: FloatMap
    excess: FloatMap
    ground: FloatMap
    haematoxylin: FloatMap
    eosin: FloatMap
    ink: FloatMap
    black: FloatMap

    @classmethod
    def blank(cls, looking: WorkingPlane, plane: WorkingPlane, kinds: NDArray[np.uint8]) -> Self:
        """Return a survey that knows the tissue and nothing else."""
        rows, columns = (-(-side // SPOT_PX) for side in (looking.height, looking.width))
        at = np.ix_(
            _nearest(looking, plane, rows, kinds.shape[0]),
            _nearest(looking, plane, columns, kinds.shape[1]),
        )
        measures = (np.zeros((rows, columns), np.float32) for _ in range(9))
        return cls(
            SPOT_PX * looking.level0_px_per_px,
            SPOT_PX * looking.um_per_px,
            kinds[at] == TissueKind.TISSUE,
            _in_patches(kinds)[at],
            *measures,
        )


_MEASURES: Final = (
    "fine", "form", "darkness", "excess", "ground", "haematoxylin", "eosin", "ink", "black",
)  # fmt: skip


def survey_quality(
    plane: WorkingPlane,
    kinds: NDArray[np.uint8],
    on_progress: Callable[[int, int], None],
    stop: Callable[[], bool],
) -> QualitySurvey:
    """Look once at all tissue of a slide, at about 1 µm/px.

    Parameters
    ----------
    plane
        The working plane of the run.
    kinds
        `TissueKind` of every 16×16 working px.
    on_progress
        Called with tiles done and tiles in all.
    stop
        Asked between tiles; what is missing then stays glass.
    """
    looking = working_plane(plane.slide, _UM_PER_PX)
    light = _brightness(plane.slide)
    survey = QualitySurvey.blank(looking, plane, kinds)
    places = tuple(_places(survey.tissue))
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: list[Future[None]] = []
        remaining = iter(places)
        for done in range(len(places)):
            if stop():
                break
            more = islice(remaining, _AHEAD - len(waiting))
            waiting.extend(pool.submit(_look, looking, survey, place, light) for place in more)
            waiting.pop(0).result()
            on_progress(done + 1, len(places))
    return survey


def _nearest(looking: WorkingPlane, plane: WorkingPlane, spots: int, most: int) -> NDArray[np.intp]:
    """Return the place of the tissue map at the middle of every spot along an axis."""
    level0 = (np.arange(spots) + 0.5) * SPOT_PX * looking.level0_px_per_px
    places = np.floor(level0 / (TISSUE_PX * plane.level0_px_per_px)).astype(np.intp)
    return np.asarray(np.minimum(places, most - 1))


def _in_patches(kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which places belong to a patch with tissue, or with what could not be looked at."""
    side = PATCH_PX // TISSUE_PX
    rows, columns = (-(-length // side) for length in kinds.shape)
    padded = np.zeros((rows * side, columns * side), dtype=np.bool_)
    padded[: kinds.shape[0], : kinds.shape[1]] = kinds > TissueKind.BACKGROUND
    patches = padded.reshape(rows, side, columns, side).any(axis=(1, 3))
    whole = patches.repeat(side, axis=0).repeat(side, axis=1)
    return np.asarray(whole[: kinds.shape[0], : kinds.shape[1]])


def _places(tissue: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield the first spot of every tile with tissue or next to it."""
    side = _TILE_PX // SPOT_PX
    near = cv2.dilate(tissue.astype(np.uint8), np.ones((9, 9), np.uint8))
    for row, column in product(*(range(0, length, side) for length in tissue.shape)):
        if near[row : row + side, column : column + side].any():
            yield row, column


def _brightness(slide: Slide) -> tuple[float, float, float]:
    """Return the slide's light, made colourless: of a crop without glass it has tissue's colour."""
    seen = slide.thumbnail(_THUMBNAIL_PX)
    brightest = max(slide_light(seen.rgb[seen.read]))
    return brightest, brightest, brightest


def _look(
    looking: WorkingPlane,
    survey: QualitySurvey,
    place: tuple[int, int],
    light: tuple[float, float, float],
) -> None:
    """Measure one tile and write its spots into the maps."""
    y, x = (each * SPOT_PX - _MARGIN_PX for each in place)
    side = _TILE_PX + 2 * _MARGIN_PX
    rgb, read = looking.read(y, x, side, side)
    cut = _MARGIN_PX // SPOT_PX
    where = tuple(
        slice(first, min(first + _TILE_PX // SPOT_PX, length))
        for first, length in zip(place, survey.tissue.shape, strict=True)
    )
    inner = tuple(slice(cut, cut + part.stop - part.start) for part in where)
    for name, plane in zip(
        _MEASURES, _measured(in_white_light(rgb, light), looking.um_per_px), strict=True
    ):
        getattr(survey, name)[where] = _by_spot(plane, side)[inner]
    # Beyond what was read all is white: its edge is no detail of the tissue.
    near_unread = cv2.dilate((~read).astype(np.float32), np.ones((_EDGE_PX, _EDGE_PX), np.uint8))
    unread = _by_spot(near_unread, side)[inner]
    survey.tissue[where] &= unread == 0


def _measured(rgb: NDArray[np.uint8], um_per_px: float) -> Iterator[NDArray[np.float32]]:
    """Yield the planes of `_MEASURES`; what is broad, at half the resolution."""
    darkness = darkness_of(optical_density(rgb))
    yield from detail_of(darkness, _SHARPNESS_SIGMAS_PX)
    yield darkness
    halved = cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    density = optical_density(halved)
    yield stain_excess(halved)
    for strength in (darkness_of(density), *haematoxylin_and_eosin(density)):
        yield ground_of(strength, 2 * um_per_px)
    yield is_ink(density).astype(np.float32)
    yield is_black(density).astype(np.float32)


def _by_spot(plane: NDArray[np.float32], side: int) -> FloatMap:
    spots = side // SPOT_PX
    means = cv2.resize(plane, (spots, spots), interpolation=cv2.INTER_AREA)
    return np.asarray(means, dtype=np.float32)
