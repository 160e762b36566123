"""An export that nobody went over is known for what it is, one of a run that goes on, too."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import shapely
from made_up_findings import estimate, write_slide
from numpy.typing import NDArray
from shapely.affinity import scale
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.exchange.as_found import AsFound
from napari_glioma_density.exchange.geojson.features import nucleus_id
from napari_glioma_density.exchange.geojson.reading import NucleusOutline
from napari_glioma_density.findings.findings import Findings

FIELD = Block(1, 1, 1, 1)
EDGE = 2 * PATCH_PX


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    folder: Path = tmp_path_factory.mktemp("as-found")
    return estimate(write_slide(folder / "slide.tiff"), folder / "slide.glioma.zarr")


def of_field(findings: Findings) -> dict[str, BaseGeometry]:
    """Squares in working px as large as the nuclei of the field, by number."""
    squares = {}
    for nucleus in findings.run.nuclei().tolist():
        y, x, area, _ = nucleus
        if PATCH_PX <= y < EDGE and PATCH_PX <= x < EDGE:
            half = area**0.5 / 2
            number = nucleus_id(findings.spec.run_id, nucleus)
            squares[number] = shapely.box(x - half, y - half, x + half, y + half)
    return squares


def is_all(findings: Findings, shapes: dict[str, BaseGeometry], told: NDArray[np.bool_]) -> bool:
    to_level0 = findings.plane.to_level0
    outlines: Iterable[NucleusOutline] = [
        NucleusOutline(number, to_level0(shape), "") for number, shape in shapes.items()
    ]
    return AsFound((findings.run,), findings.plane, ()).is_all(outlines, FIELD, told)


def everywhere(findings: Findings) -> NDArray[np.bool_]:
    lattice = findings.plane.lattice
    return np.ones((lattice.rows, lattice.columns), bool)


def at_right_edge(shapes: dict[str, BaseGeometry]) -> str:
    return max(shapes, key=lambda number: shapes[number].bounds[2])


def test_nuclei_as_found_are_and_any_other_is_not(findings: Findings) -> None:
    shapes, told = of_field(findings), everywhere(findings)
    assert len(shapes) > 50
    assert is_all(findings, shapes, told)
    inmost = min(shapes, key=lambda number: shapes[number].distance(shapely.Point(720, 720)))
    assert not is_all(findings, {**shapes, inmost: scale(shapes[inmost], 0.9, 0.9)}, told)
    assert not is_all(findings, {**shapes, "new": shapes[inmost]}, told)
    assert not is_all(findings, {n: s for n, s in shapes.items() if n != inmost}, told)


def test_a_nucleus_cut_where_the_run_had_not_read_on_is_as_found(findings: Findings) -> None:
    shapes, told = of_field(findings), everywhere(findings)
    last = at_right_edge(shapes)
    left, top, right, bottom = shapes[last].bounds
    assert right > EDGE - 1, "it lies at the next patch"
    cut = {**shapes, last: shapely.box(left, top, EDGE, bottom - 2)}
    assert not is_all(findings, cut, told)
    told[:, 2:] = False
    assert is_all(findings, cut, told)


def test_a_nucleus_that_goes_on_beyond_is_not_taken_for_one_that_was_cut(
    findings: Findings,
) -> None:
    shapes, told = of_field(findings), everywhere(findings)
    told[:, 2:] = False
    last = at_right_edge(shapes)
    left, top, right, bottom = shapes[last].bounds
    assert right > EDGE + 1
    assert is_all(findings, shapes, told)
    assert not is_all(findings, {**shapes, last: shapely.box(left, top, right, bottom - 2)}, told)
