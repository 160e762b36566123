"""Two estimates of one slide against each other, and cells against reference tissue."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from made_up_spec import made_up_spec
from numpy.typing import NDArray
from pathologist import Pathologist, regions_window
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from quick_segmenter import DarkPixels

from napari_glioma_density.annotation.field import FieldValues
from napari_glioma_density.density import Block, Lattice
from napari_glioma_density.estimate import prepare
from napari_glioma_density.regions.region import Region, RegionKind
from napari_glioma_density.results import ResultStore, find_store
from napari_glioma_density.slides import open_slide
from napari_glioma_density.ui.overlays.difference import DifferenceScale, difference_layer
from napari_glioma_density.ui.regions.estimates import BEFORE, run_names
from napari_glioma_density.ui.regions.estimates_box import AS_FOUND
from napari_glioma_density.ui.words import signed

pytestmark = pytest.mark.window
LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Half(DarkPixels):
    """Sees no nucleus in the upper half of an image."""

    spec = replace(DarkPixels.spec, name="half")
    sha256 = "1" * 64

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        found = super().segment(images)
        found[:, : found.shape[1] // 2] = 0
        return found


class Coarse(DarkPixels):
    """Works on patches twice as large."""

    spec = replace(DarkPixels.spec, name="coarse", um_per_px=1.0)
    sha256 = "2" * 64


@pytest.fixture(scope="module")
def three_runs(tmp_path_factory: pytest.TempPathFactory, estimated: Path) -> Path:
    """A slide with runs of three models; that of "dark" is the latest."""
    slide = estimated.name
    folder = Path(shutil.copytree(estimated.parent, tmp_path_factory.mktemp("three") / "slides"))
    shutil.rmtree(find_store(folder / slide))
    for segmenter in (Half(), Coarse(), DarkPixels()):
        with closing(prepare(open_slide(folder / slide), segmenter)) as estimation:
            for _ in estimation.blocks():
                pass
    return folder / slide


@pytest.fixture(scope="module")
def window(qapp: Any) -> Iterator[Pathologist]:
    with regions_window() as made:
        yield made


@pytest.fixture
def at_work(window: Pathologist, three_runs: Path, tmp_path: Path) -> Iterator[Pathologist]:
    own = Path(shutil.copytree(three_runs.parent, tmp_path / "slides")) / three_runs.name
    window.open(own)
    window.wait(lambda: len(offered(window)) == 2)
    yield window
    window.leave()


def offered(someone: Pathologist) -> list[str]:
    combo = someone.dock.estimates_box._other
    return [combo.itemText(place) for place in range(combo.count())]


def choose(someone: Pathologist, name: str) -> None:
    combo = someone.dock.estimates_box._other
    combo.setCurrentIndex(offered(someone).index(name))
    combo.activated.emit(combo.currentIndex())


def visible(someone: Pathologist) -> set[str]:
    return {layer.name for layer in someone.viewer.layers if layer.visible}


def test_two_models_stand_side_by_side_and_their_difference_lies_on_the_slide(
    at_work: Pathologist,
) -> None:
    box, store = at_work.dock.estimates_box, ResultStore(at_work.session.shown.store)
    assert set(offered(at_work)) == {"half", "coarse"}
    choose(at_work, "half")
    at_work.wait(lambda: box.comparison is not None)
    tables = {spec.model: store.run(spec.run_id).patches() for spec in store.runs()}
    nucleus, tissue = (
        [getattr(tables[name], px)[tables[name].is_read].sum() for name in ("dark", "half")]
        for px in ("nucleus_px", "tissue_px")
    )
    shares = [f"{100 * n / t:.1f} %" for n, t in zip(nucleus, tissue, strict=True)]
    assert shares[0] != shares[1]
    assert box._figures.texts()[:6] == ["", "dark", "half", "Nuclear area of tissue", *shares]
    points = tables["dark"].density_percent() - tables["half"].density_percent()
    mean, spread = np.nanmean(points), 1.96 * np.nanstd(points, ddof=1)
    said = box._result.text()
    assert f"{signed(mean, 1)} points over {np.isfinite(points).sum()} patches" in said
    assert f"{signed(mean - spread, 1)} to {signed(mean + spread, 1)}" in said
    box._on_slide.click()
    assert "difference" in visible(at_work)
    assert "density" not in visible(at_work)
    layer, density = (at_work.viewer.layers[name] for name in ("difference", "density"))
    assert np.allclose(layer.extent.world, density.extent.world)
    middle = layer.data[24 :: layer.data.shape[0] // 3, 24 :: layer.data.shape[1] // 4][0, 0]
    assert middle == DifferenceScale.of(points).class_of(points)[0, 0] > 4


def test_the_map_gives_way_to_the_density_however_it_is_taken_away(at_work: Pathologist) -> None:
    box = at_work.dock.estimates_box
    choose(at_work, "half")
    at_work.wait(lambda: box.comparison is not None)
    for take_away in (box._on_slide.click, lambda: at_work.viewer.layers.remove("difference")):
        box._on_slide.click()
        assert box._legend.isVisibleTo(box)
        names = [layer.name for layer in at_work.viewer.layers]
        assert names.index("density") + 1 == names.index("difference") < names.index("nuclei")
        QTest.keyClick(at_work.canvas, Qt.Key.Key_H)
        assert not visible(at_work) & {"difference", "density", "nuclei"}
        QTest.keyClick(at_work.canvas, Qt.Key.Key_H)
        assert "difference" in visible(at_work)
        take_away()
        assert "density" in visible(at_work)
        assert "difference" not in at_work.viewer.layers
        assert not box._on_slide.isChecked()
        assert not box._legend.isVisibleTo(box)


def test_a_second_reader_sees_no_difference_map(at_work: Pathologist) -> None:
    box = at_work.dock.estimates_box
    choose(at_work, "half")
    at_work.wait(lambda: box.comparison is not None)
    box._on_slide.click()
    at_work.session.blind(True)
    assert not visible(at_work) & {"difference", "density"}
    at_work.session.blind(False)
    assert visible(at_work) & {"difference", "density"} == {"difference"}


def test_a_run_with_other_patches_is_refused_in_one_line(at_work: Pathologist) -> None:
    box = at_work.dock.estimates_box
    choose(at_work, "coarse")
    at_work.wait(lambda: any(at_work.problems))
    (problem,) = filter(None, at_work.problems)
    assert "do not share their patches" in problem
    assert "\n" not in problem
    assert box.comparison is None
    assert box._other.key == ""
    assert not box._on_slide.isVisibleTo(box)


def test_what_a_person_corrected_is_compared_with_what_the_model_said(
    at_work: Pathologist,
) -> None:
    session, box = at_work.session, at_work.dock.estimates_box
    patches = session.snapshot.patches
    block = Block(0, 0, 1, 1)
    nucleus, tissue, count = (
        px[block.patches] for px in (patches.nucleus_px, patches.tissue_px, patches.count)
    )
    amendments = replace(session.choices.amendments, lattice=patches.lattice)
    for factor in (2, 3):
        field = FieldValues(block, factor * nucleus, tissue, count)
        session.amend(replace(amendments, fields=(field,)))
        at_work.wait(lambda: offered(at_work)[0] == BEFORE.capitalize())
        choose(at_work, BEFORE.capitalize())
        more = (factor - 1) * patches.density_percent()[0, 0]
        mean = f"{more / patches.is_read.sum():+.1f} points over"
        at_work.wait(lambda mean=mean: mean in box._result.text())
        (different,) = np.argwhere(np.nan_to_num(box.comparison.difference_points))
        assert different.tolist() == [0, 0]
    assert box._figures.texts()[1:3] == ["As corrected", BEFORE.capitalize()]
    assert AS_FOUND not in box._result.text()
    choose(at_work, "half")
    at_work.wait(lambda: AS_FOUND in box._result.text())
    choose(at_work, BEFORE.capitalize())
    session.amend(replace(amendments, fields=()))
    at_work.wait(lambda: len(offered(at_work)) == 2)
    assert box.comparison is None


def test_cells_are_sorted_flown_to_and_measured_against_reference_tissue(
    at_work: Pathologist,
) -> None:
    session, table = at_work.session, at_work.dock.cells_box.table
    at_work.dock.body.setCurrentIndex(3)
    at_work.desk.put(
        Region.drawn(RegionKind.REFERENCE, shapely.box(0, 0, 480, 480), name="grey matter")
    )
    at_work.wait(lambda: not table.isColumnHidden(5))
    density = session.snapshot.patches.tissue_density_percent()
    cells = session.snapshot.cells
    assert [row[0] for row in table.texts()] == [cell.address for cell in cells]
    head = table.horizontalHeader()
    place = QPoint(head.sectionViewportPosition(5) + 15, head.height() // 2)
    QTest.mouseClick(head.viewport(), LEFT, NOTHING, place)
    ratios = sorted((density[density > 0] / density[0, 0]).tolist(), reverse=True)
    shown = [row[5] for row in table.texts()]
    assert shown[: len(ratios)] == [f"{ratio:.1f}" for ratio in ratios]
    densest = np.unravel_index(np.nanargmax(density), density.shape)
    middle = table.visualRect(table.model().index(0, 1)).center()
    QTest.mouseClick(table.viewport(), LEFT, NOTHING, middle)
    assert session.cells.chosen == densest
    centre = at_work.viewer.scene.camera.center[-2:]
    cell = session.snapshot.cell(*densest)
    assert centre[0] == pytest.approx(cell.y_um + cell.height_um / 2)
    values = at_work.main.boxes[4]._values.text()
    assert values.endswith(f"\n{ratios[0]:.1f} × reference (grey matter)")
    at_work.desk.remove(*(region.id for region in at_work.desk.regions))
    at_work.wait(lambda: table.isColumnHidden(5))
    assert "reference" not in at_work.main.boxes[4]._values.text()
    at_work.dock.body.setCurrentIndex(0)


# --- without a window -------------------------------------------------------------------------


def test_differences_are_classed_evenly_about_zero_and_nothing_is_clear() -> None:
    points = np.array([[-9.0, -3.0, -1.5, -0.5, np.nan], [0.0, 1.0, 3.9, 4.1, 9.0]])
    scale = DifferenceScale((-4, -2, -1, 1, 2, 4))
    assert scale.class_of(points).tolist() == [[1, 2, 3, 4, 0], [4, 5, 6, 7, 7]]


@pytest.mark.parametrize(("size", "outermost"), [(0.0, 1.0), (0.9, 1.0), (3.9, 4.0), (60.0, 40.0)])
def test_the_scale_holds_nearly_all_differences(size: float, outermost: float) -> None:
    points = np.append(np.linspace(-size, size, 99), [np.nan, 80.0])
    assert DifferenceScale.of(points).limits_points[-1] == outermost
    assert DifferenceScale.of(np.full((2, 2), np.nan)).limits_points[-1] == 1.0


def test_the_difference_ends_where_the_slide_does() -> None:
    lattice = Lattice.over(1000, 1500, 0.5)
    scale = DifferenceScale.of(np.zeros((3, 4)))
    layer = difference_layer(np.zeros((3, 4)), lattice, scale, 0.7)
    centre_of_first, centre_of_last = layer.extent.world
    px = layer.scale[0]
    assert px == 480 * 0.5 / 48
    assert centre_of_first == pytest.approx((px / 2, px / 2))
    assert centre_of_last == pytest.approx((500 - px / 2, 750 - px / 2))


def test_runs_are_named_by_their_model_and_by_what_parts_them() -> None:
    spec = made_up_spec(1000, 1500)
    strict = replace(spec, threshold=0.7)
    other = replace(spec, model="accurate")
    names = run_names([spec, strict, other])
    assert names[spec.run_id] == "Fast (threshold 0.5)"
    assert names[strict.run_id] == "Fast (threshold 0.7)"
    assert names[other.run_id] == "Accurate"
