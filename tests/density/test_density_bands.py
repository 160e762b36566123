"""Bands: half-open, closed at 100 %, none for nan."""

import numpy as np
import pytest

from napari_glioma_density.density import (
    COLOUR_BLIND_BANDS,
    NO_BAND,
    PAPER_BANDS,
    BandScale,
    band_of,
    slide_quantile_bands,
)


def test_a_limit_belongs_to_the_band_above_it() -> None:
    assert band_of([0, 2, 4, 8, 16, 20]).tolist() == [0, 1, 2, 3, 4, 5]


def test_just_below_a_limit_is_the_band_below_it() -> None:
    below = np.nextafter([2.0, 4, 8, 16, 20], 0)
    assert band_of(below).tolist() == [0, 1, 2, 3, 4]


def test_the_last_band_holds_100_percent() -> None:
    assert band_of(100.0) == 5


def test_nan_has_no_band() -> None:
    assert band_of([np.nan, 1]).tolist() == [NO_BAND, 0]


def test_bands_have_the_shape_of_the_values() -> None:
    banded = band_of(np.full((3, 4), 5.0))
    assert banded.shape == (3, 4)
    assert banded.dtype == np.uint8


def test_the_colour_blind_scale_has_the_papers_limits_in_other_colours() -> None:
    assert COLOUR_BLIND_BANDS.limits_percent == PAPER_BANDS.limits_percent
    assert not set(COLOUR_BLIND_BANDS.colours) & set(PAPER_BANDS.colours)


def test_the_colour_blind_scale_darkens_with_density() -> None:
    rgb = [list(bytes.fromhex(colour[1:])) for colour in COLOUR_BLIND_BANDS.colours]
    luma = np.array(rgb) @ [0.2126, 0.7152, 0.0722]
    assert np.all(np.diff(luma) < -10)


def test_slide_bands_part_dense_tissue_into_equal_shares() -> None:
    values = np.random.default_rng(0).uniform(20, 60, 6000)
    scale = slide_quantile_bands(np.append(values, np.nan))
    shares = np.bincount(band_of(values, scale), minlength=6) / values.size
    assert scale.name == "this slide"
    assert shares == pytest.approx(np.full(6, 1 / 6), abs=0.002)


def test_slide_bands_of_nothing_are_the_papers() -> None:
    assert slide_quantile_bands([np.nan]) == PAPER_BANDS


def test_limits_must_rise() -> None:
    with pytest.raises(ValueError, match="must rise"):
        BandScale("upside down", (0, 4, 2, 8, 16, 20, 100), PAPER_BANDS.colours)


def test_limits_are_written_to_the_digits_they_have() -> None:
    assert PAPER_BANDS.spans == ("0–2", "2–4", "4–8", "8–16", "16–20", "20–100")
    scale = slide_quantile_bands([17.812, 17.812, 17.824, 17.9, 18, 123 / 7, 9.5, 17.84])
    assert [float(limit) for limit in scale.written_limits] == list(scale.limits_percent)
    assert len(set(scale.spans)) == 6
