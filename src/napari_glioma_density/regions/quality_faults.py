"""What is wrong with the spots of a survey: ink, folds, blur, emptiness."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.regions.quality_survey import FloatMap, QualitySurvey
from napari_glioma_density.regions.region import Reason

Spots = NDArray[np.bool_]

LEAST_SHARPNESS: Final = 0.12
"""Fine over form; sharp tissue of the annotated sets has 0.19 and more, blurred by a Gaussian of
1.5 µm 0.06–0.14."""
_HALF_SHARP: Final = 0.16
"""What is less goes too where it adjoins what is plainly blurred."""
_SHARP: Final = 0.19
_NEAR_UM: Final = 48.0
"""Side of the square that sharpness is measured on: a few nuclei."""
_WINDOW_UM: Final = 112.0
"""Side of the square of which the most must be unsharp: half a patch."""
_LEAST_FORM: Final = 6e-5
"""Energy below which nothing but noise is seen."""
_LEAST_TISSUE: Final = 0.3
_PALE: Final = 0.15
_COLOURLESS: Final = 0.04

PLAIN_FOLD: Final = (1.8, 1.5)
"""How many times the usual the ground is as dark, and holds of each stain."""
SLIGHT_FOLD: Final = (1.5, 1.3)
"""The same, enough next to a plain fold."""
_LEAST_STAIN: Final = 0.06
"""Fading or other dyes may leave less than this; multiples of less mean nothing."""
_LEAST_EOSIN: Final = 0.75
"""Of the factor by which haematoxylin is more; nuclei that lie shoulder to shoulder have less."""
_LEAST_FOLD_UM: Final = 200.0
"""Folds are long; a shorter dark place may be nuclei in a heap."""
_SURROUNDINGS_UM: Final = 2000.0
_COARSE_UM, _DENSITY_STEP = 64.0, 0.015

_LEAST_INK: Final = 0.3


@dataclass(frozen=True)
class Finding:
    """Spots with one fault.

    Attributes
    ----------
    reason, comment
        Of the regions; "{}" in the comment stands for the mean of `measured`.
    spots
        Where it is: bool, (rows, columns) of the survey's spots.
    measured
        What it is known by: float32, of the same shape.
    least_mm2
        Smaller groups are specks.
    least_width_um
        Narrower parts are cut off.
    margin_um
        How far the fault reaches beyond what shows it plainly: ink fades, focus is lost little by
        little, and a spot on the edge is half sound.
    least_length_um
        Shorter groups are left alone.
    """

    reason: Reason
    comment: str
    spots: Spots
    measured: FloatMap
    least_mm2: float
    least_width_um: float
    margin_um: float
    least_length_um: float = 0.0


def findings_of(survey: QualitySurvey) -> tuple[Finding, ...]:
    """Return what was found; the first to claim a place has it."""
    blurred, empty, sharpness = _without_detail(survey)
    folded, ratio = _folded(survey)
    stained, black = (survey.asked & (share > _LEAST_INK) for share in (survey.ink, survey.black))
    return (
        Finding(
            Reason.PEN, "blue or green ink on {:.0%} of it", stained, survey.ink,
            least_mm2=0.005, least_width_um=48, margin_um=40,
        ),
        Finding(
            Reason.PEN,
            "black on {:.0%} of it: pen, dirt, or the edge of a bubble or of the coverslip",
            black, survey.black, least_mm2=0.01, least_width_um=60, margin_um=40,
        ),
        Finding(
            Reason.FOLD, "its ground is on average {:.1f} times as dark as that of tissue around",
            folded, ratio, least_mm2=0.01, least_width_um=30, margin_um=16,
            least_length_um=_LEAST_FOLD_UM,
        ),
        Finding(
            Reason.BLUR, f"mean sharpness {{:.2f}}; nearly all sharp tissue has {_SHARP:g} or more",
            blurred, sharpness, least_mm2=0.03, least_width_um=80, margin_um=48,
        ),
        Finding(
            Reason.OTHER, "empty: optical density {:.2f}, without structure",
            empty, survey.darkness, least_mm2=0.02, least_width_um=60, margin_um=0,
        ),
    )  # fmt: skip


def _without_detail(survey: QualitySurvey) -> tuple[Spots, Spots, FloatMap]:
    """Return what is blurred, what is empty, and how sharp the neighbourhood of a spot is."""
    tissue = survey.tissue.astype(np.float32)
    near = odd(_NEAR_UM / survey.um)
    within = np.maximum(_mean(tissue, near), 1e-6)
    fine, form = (_mean(energy * tissue, near) / within for energy in (survey.fine, survey.form))
    sharpness = np.asarray(fine / np.maximum(form, 1e-9), dtype=np.float32)
    pale = (survey.darkness < _PALE) & (survey.excess < _COLOURLESS)
    shapeless = form < _LEAST_FORM
    empty = survey.tissue & shapeless & pale
    looked_at = survey.tissue & ~empty
    plainly, slightly = (
        _by_majority(looked_at & ((sharpness < limit) | shapeless), survey)
        for limit in (LEAST_SHARPNESS, _HALF_SHARP)
    )
    return _reached(plainly, slightly) & looked_at, empty, sharpness


def _by_majority(unsharp: Spots, survey: QualitySurvey) -> Spots:
    """Return where most of the tissue around is unsharp; a mean would follow its sharpest."""
    window = odd(_WINDOW_UM / survey.um)
    share = _mean(survey.tissue.astype(np.float32), window)
    most = _mean(unsharp.astype(np.float32), window) > 0.5 * share
    return most & (share > _LEAST_TISSUE)


def _folded(survey: QualitySurvey) -> tuple[Spots, FloatMap]:
    """Return where ground lies on ground, and how much darker it is than elsewhere.

    Dense tumour has more haematoxylin and less eosin; muscle and blood have more eosin alone. A
    fold has more of both, by about the same factor, than the slide and its surroundings have.
    """
    usual = survey.tissue & (survey.ink + survey.black < _LEAST_INK)
    if not usual.any():
        return np.zeros_like(survey.tissue), np.zeros_like(survey.ground)
    ratio = survey.ground / np.maximum(_reference(survey.ground, usual, survey.um), 1e-3)
    haematoxylin, eosin = (
        values / np.maximum(_reference(values, usual, survey.um), _LEAST_STAIN)
        for values in (survey.haematoxylin, survey.eosin)
    )
    alike = survey.tissue & (eosin > _LEAST_EOSIN * haematoxylin)
    plain, slight = (
        alike & (ratio > by_ground) & (np.minimum(haematoxylin, eosin) > by_stain)
        for by_ground, by_stain in (PLAIN_FOLD, SLIGHT_FOLD)
    )
    return _reached(plain, slight), np.asarray(ratio, dtype=np.float32)


def _reference(values: FloatMap, usual: Spots, um: float) -> FloatMap:
    """Return the median of the slide or that of the surroundings, whichever is more.

    A median, because neither a fold nor a dense focus is the measure of what is around it.
    """
    of_slide = np.float32(np.median(values[usual]))
    known = np.where(usual, values, of_slide)
    size = tuple(max(1, round(side * um / _COARSE_UM)) for side in known.shape[::-1])
    coarse = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    # OpenCV's median of wide windows wants 8 bits.
    steps = np.clip(coarse / _DENSITY_STEP, 0, 255).astype(np.uint8)
    around = cv2.medianBlur(steps, odd(_SURROUNDINGS_UM / _COARSE_UM)).astype(np.float32)
    wide = cv2.resize(around * _DENSITY_STEP, known.shape[::-1])
    return np.asarray(np.maximum(wide, of_slide), dtype=np.float32)


def _reached(plain: Spots, slight: Spots) -> Spots:
    """Return the groups of `slight` spots with a plain one among them (hysteresis)."""
    _, labels = cv2.connectedComponents(slight.astype(np.uint8), connectivity=8)
    return slight & np.isin(labels, np.unique(labels[plain & slight]))


def _mean(values: NDArray[np.float32], side: int) -> FloatMap:
    box = cv2.blur(np.asarray(values, np.float32), (side, side), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(box, dtype=np.float32)


def odd(side: float) -> int:
    """Return an odd number nearest to a side: an even window lies off its middle."""
    return 2 * round((side - 1) / 2) + 1
