"""Hints against discs whose places and areas are known, and against people's nuclei."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from napari_glioma_density.annotation.hint_settings import HintSettings, HintSource
from napari_glioma_density.annotation.hints import HintMap, find_hints, missing_hints, unsupported
from napari_glioma_density.annotation.slide_scores import picture_score_statistics
from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.pictures import resampled
from napari_glioma_density.training.dataset import open_data_set, read_field

SETTINGS = HintSettings(HintSource.LUMA, 0.5)


def score_of(*discs: tuple[int, int, int, float], side: int = 160) -> NDArray[np.float32]:
    """Discs (y, x, radius, score) on a ground of 0.1."""
    score = np.full((side, side), 0.1, np.float32)
    for y, x, radius, value in discs:
        cv2.circle(score, (x, y), radius, value, -1)
    return score


def found(*discs: tuple[int, int, int, float], **settings: object) -> HintMap:
    chosen = HintSettings(**{**SETTINGS.to_json(), "source": HintSource.LUMA, **settings})  # type: ignore[arg-type]
    return find_hints(score_of(*discs), chosen, 0.5)


def test_hints_are_the_discs_above_the_threshold() -> None:
    hints = found((30, 40, 8, 0.9), (100, 120, 10, 0.55), (120, 30, 9, 0.4)).hints
    assert [(hint.y, hint.x) for hint in hints] == [(30, 40), (100, 120)]
    areas = [np.pi * radius**2 * 0.25 for radius in (8, 10)]
    assert [hint.area_um2 for hint in hints] == pytest.approx(areas, rel=0.1)
    assert hints[0].confidence > hints[1].confidence


def test_windows_hold_the_hints_and_points_lie_in_them() -> None:
    score = score_of((30, 40, 8, 0.9), (38, 58, 8, 0.9), (100, 100, 12, 0.7), (5, 150, 9, 0.7))
    shown = find_hints(score, SETTINGS, 0.5)
    assert len(shown.hints) == 4
    assert tuple(hint.window for hint in shown.hints) == tuple(ndimage.find_objects(shown.labels))
    assert all(shown.labels[hint.y, hint.x] == hint.id for hint in shown.hints)
    pixels = np.bincount(shown.labels.ravel())[1:]
    assert [hint.area_um2 for hint in shown.hints] == (pixels * 0.25).tolist()


def test_areas_are_limited() -> None:
    discs = [(40, 40, 5, 0.9), (40, 100, 8, 0.9), (120, 80, 14, 0.9)]
    assert len(found(*discs).hints) == 2  # the last is 154 µm²
    assert len(found(*discs, max_um2=200.0).hints) == 3
    assert [hint.x for hint in found(*discs, min_um2=30.0).hints] == [100]


def test_touching_discs_are_split_unless_told_not_to() -> None:
    discs = [(60, 40, 10, 0.9), (60, 58, 10, 0.9)]
    assert len(found(*discs, max_um2=400.0).hints) == 2
    assert len(found(*discs, max_um2=400.0, split=False).hints) == 1


def test_holes_are_filled_unless_told_not_to() -> None:
    ring = [(60, 60, 10, 0.9), (60, 60, 5, 0.1)]
    assert found(*ring).labels[60, 60] == 1
    assert found(*ring, fill_holes=False).labels[60, 60] == 0


def test_a_lumen_ringed_by_cells_is_not_filled() -> None:
    ring = found((80, 80, 30, 0.9), (80, 80, 22, 0.1), max_um2=5000.0, split=False)
    assert ring.labels[80, 60] == 0 == ring.labels[80, 80]
    assert ring.labels[80, 54] == 1


def test_a_thread_does_not_join_two_discs() -> None:
    score = score_of((60, 40, 8, 0.9), (60, 80, 8, 0.9))
    score[60, 40:80] = 0.9
    settings = HintSettings(HintSource.LUMA, 0.5, split=False)
    assert len(find_hints(score, settings, 0.5).hints) == 2


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_plain_field_has_no_hints(value: float) -> None:
    plain = np.full((64, 64), value, np.float32)
    assert find_hints(plain, SETTINGS, 0.5).hints == ()


def annotation(*discs: tuple[int, int, int], side: int = 160) -> NDArray[np.uint16]:
    labels = np.zeros((side, side), np.uint16)
    for number, (y, x, radius) in enumerate(discs, 1):
        cv2.circle(labels, (x, y), radius, number, -1)
    return labels


def test_what_is_annotated_is_no_longer_hinted_at() -> None:
    all_hints = found((30, 40, 8, 0.9), (100, 120, 10, 0.6))
    missing = missing_hints(all_hints, annotation((31, 41, 8)))
    assert missing.hints == all_hints.hints[1:]
    assert set(np.unique(missing.labels)) == {0, 2}
    assert len(missing_hints(all_hints, annotation()).hints) == 2


def test_what_is_left_of_a_hint_lies_outside_the_annotation_and_keeps_its_id() -> None:
    all_hints = found((30, 40, 8, 0.9), (80, 80, 10, 0.8))
    labels = annotation((80, 88, 6))
    (left,) = missing_hints(all_hints, labels, rejected=[(30, 40)]).hints
    shown = missing_hints(all_hints, labels).labels
    assert left.id == 2
    assert not (shown[labels > 0]).any()
    assert left.area_um2 == np.count_nonzero(shown == 2) * 0.25
    assert shown[left.y, left.x] == 2
    assert ndimage.find_objects(shown)[1] == left.window


def test_of_a_hint_cut_in_two_the_larger_piece_is_left() -> None:
    labels = np.zeros((160, 160), np.uint16)
    labels[:, 82:85] = 1
    missing = missing_hints(found((80, 80, 11, 0.9)), labels)
    assert ndimage.label(missing.labels)[1] == 1
    assert missing.hints[0].window[1].stop == 82


def test_a_rim_is_no_hint() -> None:
    rim = missing_hints(found((80, 80, 10, 0.9)), annotation((80, 80, 9)))
    assert rim.hints == ()
    assert not rim.labels.any()


def test_a_rejected_hint_is_gone_and_points_elsewhere_do_no_harm() -> None:
    all_hints = found((30, 40, 8, 0.9), (100, 120, 10, 0.6))
    missing = missing_hints(all_hints, annotation(), rejected=[(27, 43), (150, 10), (999, -1)])
    assert [hint.id for hint in missing.hints] == [2]
    assert set(np.unique(missing.labels)) == {0, 2}
    assert all_hints.labels[30, 40] == 1  # what was given stays


def test_nuclei_mostly_below_the_threshold_are_unsupported() -> None:
    hints = found((30, 40, 8, 0.9), (100, 120, 10, 0.3), (120, 40, 16, 0.9))
    labels = annotation((30, 40, 8), (100, 120, 10), (120, 40, 16))
    # The last is larger than any hint, yet supported.
    assert np.array_equal(unsupported(hints, labels), labels == 2)


def test_settings_survive_json() -> None:
    settings = HintSettings(HintSource.MODEL, 0.3, 5.0, 90.0, False, False)
    assert HintSettings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"source": "haematoxylin"},
        {"source": "moon", "threshold": 0.5},
        {"source": "haematoxylin", "threshold": 1.5},
        {"source": "haematoxylin", "threshold": float("nan")},
        {"source": "haematoxylin", "threshold": 0.5, "min_um2": 9, "max_um2": 3},
        {"source": "haematoxylin", "threshold": 0.5, "colour": "red"},
        {"source": "haematoxylin", "threshold": "high"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="hint"):
        HintSettings.from_json(values)


def test_hints_cover_most_nuclei_of_real_glioma(data_folder: Path) -> None:
    """Each blank, as a field begun without a model: people's nuclei by threshold alone."""
    there = hit = 0
    for field in list(open_data_set(data_folder / "data/validation/lgg"))[1:8:2]:
        pixels = read_field(field)
        rgb = resampled(pixels.rgb, field.um_per_px, 0.5)
        statistics = picture_score_statistics(rgb, HintSource.HAEMATOXYLIN)
        settings = HintSettings(HintSource.HAEMATOXYLIN, statistics.threshold)
        hints = find_hints(statistics.score(rgb, 0.5), settings, 0.5)
        truth = pixels.labels[::2, ::2]
        area = np.bincount(truth.ravel())
        covered = np.bincount(truth[hints.labels > 0], minlength=len(area))
        large = area[1:] >= 32
        there, hit = there + large.sum(), hit + (large & (covered[1:] > 0.5 * area[1:])).sum()
    assert hit / there > 0.9


def test_pieces_of_something_large_are_no_hints() -> None:
    six = range(40, 130, 15)
    clump = [(y, x, 9, 0.9) for y in six for x in six]
    hints = found(*clump, fill_holes=False).hints
    assert len(hints) == 4, "the corners, of which most of the outline is the clump's own"
    assert all(abs(hint.y - 77.5) > 30 and abs(hint.x - 77.5) > 30 for hint in hints)
