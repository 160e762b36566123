"""What a field measures, against plain counting and against estimates of the same slide."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from drawn_fields import disc, drawn_ground, scattered
from numpy.typing import NDArray
from skimage.measure import regionprops

from napari_glioma_density.annotation.corrected import correct_patches
from napari_glioma_density.annotation.document import AnnotatedField
from napari_glioma_density.annotation.field import Choice, FieldValues, Nucleus, Origin, Start
from napari_glioma_density.annotation.measurement import field_nuclei, measure_field
from napari_glioma_density.annotation.model_nuclei import counted_ids, outline_nuclei
from napari_glioma_density.annotation.prefill import begin_field, read_ground
from napari_glioma_density.density import PATCH_PX, Block, CorrectedPatches
from napari_glioma_density.errors import BadInput
from napari_glioma_density.estimate import prepare
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.results import NUCLEUS_DTYPE, Run
from napari_glioma_density.slides import (
    Pixels,
    WorkingPlane,
    find_tissue,
    open_slide,
    working_plane,
)
from napari_glioma_density.slides.organ import Organ
from napari_glioma_density.stain import Statistics


class DarkSegmenter:
    """Calls dark pixels nucleus."""

    spec = ModelSpec(name="dark", title="", architecture="none")
    sha256 = "d" * 64
    device = "cpu"
    precision = "fp32"

    def learnt(self) -> frozenset[str]:
        return frozenset()

    def tuned_on(self) -> None:
        """Return nothing: it was not fine-tuned."""

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return (images[..., 0] < 150).astype(np.uint8)

    def on(self, device: str, precision: str) -> "DarkSegmenter":
        return self

    def for_organ(self, _: Organ) -> "DarkSegmenter":
        return self

    def fitted(self, statistics: Statistics) -> "DarkSegmenter":
        return self


@pytest.fixture(scope="module")
def plane(tissue_rgb: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> WorkingPlane:
    """1500×2100 px, so that the patches at the slide's edge are 60 and 180 px; glass at right."""
    path = tmp_path_factory.mktemp("slides") / "discs.tiff"
    with tifffile.TiffWriter(path) as tiff:
        per_cm = (20_000, 20_000)
        tiff.write(tissue_rgb, tile=(256, 256), resolution=per_cm, resolutionunit="CENTIMETER")
    return working_plane(open_slide(path), 0.5)


def estimated(plane: WorkingPlane, folder: Path, *, tissue_mask: bool = True) -> Run:
    results = folder / "results"
    estimation = prepare(plane.slide, DarkSegmenter(), results, tissue_mask=tissue_mask)
    for _ in estimation.blocks():
        pass
    estimation.close()
    return estimation.run


@pytest.fixture(scope="module")
def run(plane: WorkingPlane, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return estimated(plane, tmp_path_factory.mktemp("results"))


def begun(plane: WorkingPlane, block: Block, run: Run, **how: object) -> AnnotatedField:
    record, _, ground, state = begin_field(plane, block, run, author="reader", **how)
    return AnnotatedField.from_state(record, ground, state)


def test_values_are_those_of_plain_counting() -> None:
    random = np.random.default_rng(3)
    height, width, block = PATCH_PX + 61, 2 * PATCH_PX + 35, Block(4, 5, 2, 3)
    labels, ground = scattered(height, width, 700, random), drawn_ground(height, width)
    nuclei = {
        int(number): Nucleus(Origin(int(random.integers(4))), counted=bool(random.random() < 0.8))
        for number in np.unique(labels)
        if number
    }
    values = measure_field(labels, nuclei, ground, block)
    count, expected = np.zeros((2, 3), int), []
    for region in regionprops(labels.astype(int)):
        y, x = region.centroid
        if nuclei[region.label].counted and ground.read[round(y), round(x)]:
            count[round(y) // PATCH_PX, round(x) // PATCH_PX] += 1
            place = y + 0.5 + 4 * PATCH_PX, x + 0.5 + 5 * PATCH_PX
            expected.append((*place, region.area, nuclei[region.label].origin))
    assert np.array_equal(values.count, count)
    records = field_nuclei(labels, nuclei, ground, block)
    assert records.dtype == NUCLEUS_DTYPE
    for name, column in zip(NUCLEUS_DTYPE.names or (), zip(*expected, strict=True), strict=True):
        assert records[name] == pytest.approx(column, abs=1e-3)
    for row, column in np.ndindex(2, 3):
        here = np.s_[
            row * PATCH_PX : (row + 1) * PATCH_PX, column * PATCH_PX : (column + 1) * PATCH_PX
        ]
        read, nucleus = ground.read[here], labels[here] > 0
        assert values.nucleus_px[row, column] == (nucleus & read).sum()
        assert values.tissue_px[row, column] == (read & (ground.tissue[here] | nucleus)).sum()


def test_an_empty_field_measures_nothing() -> None:
    ground = drawn_ground(100, 90)
    values = measure_field(np.zeros((100, 90), np.uint16), {}, ground, Block(0, 0, 1, 1))
    assert values.nucleus_px.sum() == values.count.sum() == 0
    assert values.tissue_px.sum() == (ground.read & ground.tissue).sum()


ALL_BLOCKS = [
    *(Block(row, column, 1, 1) for row in range(4) for column in range(5)),
    Block(0, 0, 4, 4),
    Block(1, 2, 2, 3),
]


def test_an_untouched_field_measures_what_the_run_recorded(plane: WorkingPlane, run: Run) -> None:
    recorded = run.patches()
    differences = []
    for block in ALL_BLOCKS:
        field = begun(plane, block, run)
        values, here = field.values(), block.patches
        assert np.array_equal(field.labels > 0, run.mask(0)[run.lattice.window(block)] > 0)
        assert np.array_equal(values.nucleus_px, recorded.nucleus_px[here])
        assert np.array_equal(values.tissue_px, recorded.tissue_px[here])
        assert np.array_equal(values.read_px, recorded.read_px[here])
        differences += (values.count - recorded.count[here]).ravel().tolist()
        assert len(field.nucleus_records()) == values.count.sum()
    assert not any(differences)
    assert recorded.count.sum() > 500


def test_unread_px_count_for_nothing_in_a_field_as_in_a_run(
    plane: WorkingPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = WorkingPlane.read

    def damaged(plane: WorkingPlane, y: int, x: int, height: int, width: int) -> Pixels:
        """One whole patch and a strip that cuts nuclei in two cannot be read."""
        rgb, read = whole(plane, y, x, height, width)
        for top, left, tall, wide in ((480, 960, 480, 480), (100, 200, 64, 400)):
            down = slice(max(0, top - y), max(0, top + tall - y))
            across = slice(max(0, left - x), max(0, left + wide - x))
            rgb[down, across], read[down, across] = 255, False
        return Pixels(rgb, read)

    monkeypatch.setattr(WorkingPlane, "read", damaged)
    run = estimated(plane, tmp_path)
    recorded = run.patches()
    assert (recorded.unread_px > 0).sum() == 3
    for block in (Block(0, 0, 2, 2), Block(1, 2, 1, 1), Block(0, 0, 1, 1)):
        field, here = begun(plane, block, run), block.patches
        values = field.values()
        assert np.array_equal(values.nucleus_px, recorded.nucleus_px[here])
        assert np.array_equal(values.tissue_px, recorded.tissue_px[here])
        assert np.array_equal(values.read_px, recorded.read_px[here])
        # Of a nucleus cut by the damage the mask on disk shows less than the network saw.
        assert np.abs(values.count - recorded.count[here]).max() <= 2


def test_fields_side_by_side_count_every_nucleus_once(plane: WorkingPlane, run: Run) -> None:
    singles = [begun(plane, block, run).values().count.sum() for block in ALL_BLOCKS[:20]]
    assert abs(int(np.sum(singles)) - int(run.patches().count.sum())) <= 2


def test_a_field_knows_what_it_is_of(plane: WorkingPlane, run: Run) -> None:
    block = Block(3, 3, 1, 2)
    record, rgb, ground, state = begin_field(
        plane, block, run, author="reader", choice=Choice.RANDOM
    )
    assert (record.height_px, record.width_px) == (60, 660)
    assert rgb.shape == (60, 660, 3)
    assert ground.read.shape == ground.tissue.shape == state.labels.shape == (60, 660)
    assert np.array_equal(rgb[:, :640], plane.read(1440, 1440, 64, 640).rgb[:60])
    assert record.name == f"{plane.slide.pseudonym}-r3-c3-1x2"
    assert (record.model, record.weights_sha256) == ("dark", "d" * 64)
    assert (record.run_id, record.threshold) == (run.spec.run_id, run.spec.threshold)
    assert (record.start, record.choice) == (Start.MODEL, Choice.RANDOM)
    assert record.case == record.pseudonym == plane.slide.pseudonym
    # The last patch is bare glass: nothing there counts.
    assert not ground.read[:, PATCH_PX:].any()


def test_a_blank_field_has_no_nucleus_and_the_ground_of_a_prefilled_one(
    plane: WorkingPlane, run: Run
) -> None:
    for block in (Block(0, 3, 2, 2), Block(3, 0, 1, 4)):
        blank = begin_field(plane, block, run, author="reader", start=Start.BLANK)
        prefilled = begin_field(plane, block, run, author="reader")
        assert not blank.state.labels.any()
        assert blank.state.nuclei == {}
        assert blank.record.start is Start.BLANK
        again = read_ground(plane, block, find_tissue(plane).kinds)
        for one, other, third in zip(blank.ground, prefilled.ground, again, strict=True):
            assert np.array_equal(one, other)
            assert np.array_equal(one, third)


def test_a_field_that_cannot_begin_says_why(plane: WorkingPlane, run: Run, tmp_path: Path) -> None:
    for block, message in (
        (Block(0, 0, 1, 5), "at most 4×4"),
        (Block(3, 4, 2, 1), "off the slide"),
    ):
        with pytest.raises(BadInput, match=message):
            begin_field(plane, block, run, author="reader")
    coarse = working_plane(plane.slide, 1.0)
    with pytest.raises(BadInput, match=r"0\.5 µm/px, not 1"):
        begin_field(coarse, Block(0, 0, 1, 1), run, author="reader")
    part = prepare(plane.slide, DarkSegmenter(), tmp_path / "part", block_patches=1)
    done = next(part.blocks()).block
    left = next(block for block in ALL_BLOCKS[:15] if block != done and block.column < 3)
    with pytest.raises(BadInput, match="estimate its density first"):
        begin_field(plane, left, part.run, author="reader")
    part.close()


def test_specks_keep_their_px_and_are_no_nuclei() -> None:
    mask = disc(40, 40, 8, (90, 90)) | disc(70, 70, 1, (90, 90)) | disc(10, 70, 1, (90, 90))
    found = outline_nuclei(mask.astype(np.uint8), np.s_[0:90, 0:90], 0.5)
    assert np.array_equal(found.labels > 0, mask)
    assert (len(found.centres), found.highest_id) == (1, 3)
    assert found.labels[40, 40] == 1
    assert not counted_ids(found, np.array([[70.5, 70.5]]), 4.0), "no speck stands in for a nucleus"


def test_a_nucleus_on_the_edge_counts_where_its_whole_centre_lies() -> None:
    mask = disc(50, 36, 8, (100, 100)) | disc(80, 28, 8, (100, 100))
    found = outline_nuclei(mask.astype(np.uint8), (slice(0, 100), slice(32, 100)), 0.5)
    # The run counts the second, whose centre is 4 px to the left, in the patch beside this one.
    assert counted_ids(found, np.array([[50.5, 4.5]]), 4.0) == {int(found.labels[50, 4])}
    assert set(np.unique(found.labels).tolist()) == {0, 1, 2}


def test_as_many_count_as_the_run_has_counted_where_it_saw_a_clump_otherwise() -> None:
    """At a seam of its blocks a run may count two of a clump that is one in the mask it keeps."""
    mask = disc(60, 40, 8, (100, 100)) | disc(20, 20, 8, (100, 100))
    found = outline_nuclei(mask.astype(np.uint8), np.s_[0:60, 0:100], 0.5)
    cut, whole = int(found.labels[55, 40]), int(found.labels[20, 20])
    centre = tuple(found.centres[cut - 1])
    assert centre[0] > 60, "its whole centre lies beyond the field"
    seen_in_the_run = np.array([[20.5, 20.5], [53.0, 44.0]])
    assert counted_ids(found, seen_in_the_run, 4.0) == {whole, cut}
    assert counted_ids(found, seen_in_the_run[:1], 4.0) == {whole}


def test_what_was_read_since_a_field_was_done_is_not_free_of_nuclei(
    tissue_rgb: NDArray[np.uint8], tmp_path: Path
) -> None:
    """A slide is damaged, estimated, corrected, put right and estimated again."""
    path, place = tmp_path / "discs.tiff", Block(0, 0, 1, 1)
    stated = {"resolution": (20_000, 20_000), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, tissue_rgb, tile=(256, 256), compression="zlib", **stated)
    sound = path.read_bytes()
    with tifffile.TiffFile(path) as tiff:
        offset, length = tiff.pages[0].dataoffsets[0], tiff.pages[0].databytecounts[0]

    def corrected(
        content: bytes, field: FieldValues | None = None
    ) -> tuple[FieldValues, CorrectedPatches]:
        path.write_bytes(content)
        with open_slide(path) as slide:
            slide.fingerprint = "one"  # as that of a large slide, of which a few MiB are looked at
            there = working_plane(slide, 0.5)
            run = estimated(there, tmp_path, tissue_mask=False)
            now = begun(there, place, run).values()
        return now, correct_patches(run.patches(), [replace(field or now, done=True)])

    before, found = corrected(sound[:offset] + b"\x99" * length + sound[offset + length :])
    assert found.corrected.sum() == 1
    now, found = corrected(sound, before)
    assert now.read_px > before.read_px
    assert not found.corrected.any()
    assert found.patches.nucleus_px[0, 0] == now.nucleus_px
    _, found = corrected(sound, now)
    assert found.corrected.sum() == 1, "once somebody has looked at all of it"
