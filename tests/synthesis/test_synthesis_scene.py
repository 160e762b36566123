import numpy as np
import pytest
from scipy.ndimage import label
from skimage.color import rgb2hed
from skimage.filters import gaussian, threshold_otsu
from skimage.measure import regionprops_table

from napari_glioma_density.errors import BadInput
from napari_glioma_density.synthesis import Layout, Region, draw_region
from napari_glioma_density.synthesis.layout import CELL_PX
from napari_glioma_density.synthesis.placement import _candidates, nuclei_of

TUMOUR = (900, 1100, 400, 400)


@pytest.fixture(scope="module")
def tumour(layout: Layout) -> Region:
    return draw_region(layout, *TUMOUR)


def test_a_region_is_the_same_alone_and_within_a_larger_one(layout: Layout) -> None:
    large = draw_region(layout, 900, 800, 400, 500)
    small = draw_region(layout, 1000, 1010, 90, 40)
    np.testing.assert_array_equal(small.rgb, large.rgb[100:190, 210:250])
    np.testing.assert_array_equal(small.labels, large.labels[100:190, 210:250])


def test_nuclei_do_not_depend_on_which_cell_is_asked_first(layout: Layout) -> None:
    answers = []
    for order in ([(0, 0), (0, 1), (1, 0)], [(1, 0), (0, 1), (0, 0)]):
        nuclei_of.cache_clear()
        _candidates.cache_clear()
        found = {cell: nuclei_of(layout, *cell) for cell in order}
        answers.append([found[cell] for cell in sorted(found)])
    for first, second in zip(*answers, strict=True):
        assert first is not None
        assert second is not None
        np.testing.assert_array_equal(first.y, second.y)


def test_no_seam_shows_where_cells_meet(layout: Layout) -> None:
    strip = draw_region(layout, 500, CELL_PX - 32, 400, 64).rgb.astype(float)
    steps = np.abs(np.diff(strip, axis=1)).mean(axis=(0, 2))
    assert steps[31] < 1.3 * np.median(steps)


def test_a_nucleus_across_a_cell_border_keeps_one_id(layout: Layout) -> None:
    labels = draw_region(layout, 300, CELL_PX - 1, 1200, 2).labels
    left, right = labels.T
    crossing = (left > 0) & (right > 0)
    assert crossing.any()
    assert np.mean(left[crossing] == right[crossing]) > 0.9


def test_another_seed_gives_another_slide(layout: Layout, tumour: Region) -> None:
    other = Layout(layout.width, layout.height, layout.um_per_px, layout.seed + 1)
    assert np.mean(draw_region(other, *TUMOUR).labels != tumour.labels) > 0.1


def test_tumour_nuclei_have_the_size_and_density_of_glioma(layout: Layout, tumour: Region) -> None:
    area = regionprops_table(tumour.labels, properties=("area",))["area"]
    diameter_um = 2 * np.sqrt(area / np.pi) * layout.um_per_px
    assert 6 < np.median(diameter_um) < 8.5
    assert np.mean((diameter_um > 3) & (diameter_um < 14)) > 0.95
    assert 0.15 < np.mean(tumour.labels > 0) < 0.4


def test_some_tumour_nuclei_touch(tumour: Region) -> None:
    pieces = label(tumour.labels > 0)[1]
    assert pieces < 0.93 * len(np.unique(tumour.labels)) - 1


def test_colours_lie_where_scanned_glioma_has_them(tumour: Region) -> None:
    """Optical density (red, green, blue) as measured on real tiles, within a quarter."""
    density = -np.log10((tumour.rgb + 1.0) / 256)
    nucleus = density[tumour.labels > 0].mean(axis=0)
    between = density[tumour.labels == 0].mean(axis=0)
    np.testing.assert_allclose(nucleus, [0.64, 0.92, 0.36], rtol=0.25)
    np.testing.assert_allclose(between, [0.20, 0.42, 0.16], rtol=0.25)


def test_thresholding_the_haematoxylin_finds_the_true_nuclei(tumour: Region) -> None:
    haematoxylin = gaussian(rgb2hed(tumour.rgb)[..., 0], 1)
    found = haematoxylin > threshold_otsu(haematoxylin)
    truth = tumour.labels > 0
    assert 100 * abs(found.mean() - truth.mean()) < 3
    assert 2 * np.mean(found & truth) / (found.mean() + truth.mean()) > 0.85


def test_a_giant_slide_is_mostly_glass_unless_asked_otherwise() -> None:
    giant = Layout(100_000, 80_000, 0.5, 1)
    assert giant.radii_px == (8000, 8000)
    filled = Layout(100_000, 80_000, 0.5, 1, tissue_fraction=0.5)
    assert filled.radii_px[1] > 30_000


def test_tissue_may_run_over_the_edge_of_a_slide() -> None:
    wide = Layout(28_800, 15_360, 0.5, seed=1, tissue_fraction=0.8)
    at_the_edge = draw_region(wide, 0, 14 * CELL_PX, 60, 60)
    assert at_the_edge.tissue.all()
    assert _candidates(wide, -2, 14)


def test_zones_range_from_glass_over_sparse_to_dense(layout: Layout) -> None:
    glass = draw_region(layout, 0, 0, 60, 60)
    assert not glass.tissue.any()
    assert glass.rgb.min() > 230
    sparse = draw_region(layout, 800, 1700, 300, 300)
    assert 0 < np.mean(sparse.labels > 0) < 0.1
    assert sparse.tissue.mean() > 0.95


def test_one_corner_is_blurred_and_one_is_marked(layout: Layout) -> None:
    whole = draw_region(layout, 0, 0, layout.height, layout.width)
    middle_y, middle_x = layout.height // 2, layout.width // 2
    assert whole.spoiled[middle_y:, middle_x:].mean() > 0.02
    assert whole.spoiled[:middle_y, middle_x:].mean() > 0.01
    assert not whole.spoiled[:, : middle_x // 2].any()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"width": 479}, "width 479 px"),
        ({"height": 500_000}, "height 500000 px"),
        ({"um_per_px": 2.0}, "um_per_px 2"),
        ({"um_per_px": float("nan")}, "um_per_px nan"),
        ({"seed": -1}, "seed -1"),
        ({"tissue_fraction": 0.9}, "tissue fraction 0.9"),
        ({"tissue_mm": 0.0}, "tissue size 0 mm"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(change: dict[str, float], named: str) -> None:
    asked = {"width": 1000, "height": 1000, "um_per_px": 0.5, "seed": 1, **change}
    with pytest.raises(BadInput, match=named) as refusal:
        Layout(**asked)  # type: ignore[arg-type]
    assert "\n" not in str(refusal.value)
