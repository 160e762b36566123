"""What misleads a measurement, and where it lies on a slide made with traps.

These are a fold, pen, blood, necrosis and a blurred corner, and cuffs of lymphocytes around
vessels, which are truly dense but no tumour. Five foci of dense tumour are there too; only they
ought to rank first.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from skimage.measure import find_contours

from napari_glioma_density.synthesis.anatomy import Anatomy, anatomy
from napari_glioma_density.synthesis.layout import COARSE_PX, Layout
from napari_glioma_density.synthesis.noise import FloatPlane, Window
from napari_glioma_density.synthesis.targets import Target

_MADE_BY = "napari-glioma-density, traps of a synthetic slide"
"""Stands at the beginning of the file, so that it is known again."""
_SMALLEST_PX = 4 * COARSE_PX**2


def traps_path(slide: Path) -> Path:
    """Return where the traps of a slide lie: `OUT.tiff` → `OUT.traps.geojson`."""
    return slide.with_suffix(".traps.geojson")


def traps_target(slide: Path) -> Target:
    """Return the traps of a slide as a file to write."""
    return Target(traps_path(slide), "file of a synthetic slide's traps", _MADE_BY.encode())


def traps_of(layout: Layout) -> dict[str, BaseGeometry]:
    """Return outlines by what is there, in level-0 px (x, y).

    "fold", "pen", "blur", "haemorrhage", "necrosis" and "lymphocytes" as in the reasons of
    exclusions, and "tumour" for the dense foci, sound or not.
    """
    window = Window(0, 0, -(-layout.height // COARSE_PX), -(-layout.width // COARSE_PX))
    here = anatomy(layout, window)
    tissue = (here.depth_um > 0).astype(np.float32)
    return {name: _outline(plane * tissue) for name, plane in _planes(here)}


def write_traps(path: Path, layout: Layout) -> None:
    """Write the traps as GeoJSON; level-0 px, origin top left."""
    features = [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": shapely.geometry.mapping(outline),
        }
        for name, outline in traps_of(layout).items()
    ]
    collection = {"type": "FeatureCollection", "made_by": _MADE_BY, "features": features}
    path.write_text(json.dumps(collection), encoding="utf-8")


def _planes(here: Anatomy) -> Iterator[tuple[str, FloatPlane]]:
    yield "fold", here.fold
    yield "pen", np.max(here.inks, axis=0)
    yield "blur", here.blur
    yield "haemorrhage", here.blood
    yield "necrosis", here.necrosis
    yield "lymphocytes", here.cuff
    yield "tumour", here.cellularity


def _outline(plane: FloatPlane) -> BaseGeometry:
    """Return what lies above one half of a coarse plane."""
    rings = find_contours(np.pad(plane, 1), 0.5)
    lines = [shapely.LineString((ring[:, ::-1] - 0.5) * COARSE_PX) for ring in rings]
    area = shapely.build_area(shapely.GeometryCollection(lines))
    parts = [part for part in shapely.get_parts(area) if shapely.area(part) > _SMALLEST_PX]
    return shapely.make_valid(shapely.MultiPolygon(parts))
