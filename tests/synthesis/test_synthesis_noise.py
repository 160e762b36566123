import numpy as np
import pytest

from napari_glioma_density.synthesis.noise import Window, band, hashed_noise, spacing_for


@pytest.mark.parametrize("spacing", [1, 2, 8, 64])
def test_a_window_holds_the_same_noise_whichever_larger_window_it_is_cut_from(spacing: int) -> None:
    large = band(3, spacing, Window(-70, -70, 300, 300))
    small = band(3, spacing, Window(-13, 22, 101, 90))
    np.testing.assert_allclose(small, large[57:158, 92:182], atol=1e-5)


def test_hashed_noise_has_mean_0_and_variance_1_and_no_correlation() -> None:
    noise = hashed_noise(5, -200, -200, 400, 400)
    assert abs(noise.mean()) < 0.01
    assert noise.var() == pytest.approx(1, abs=0.01)
    for shifted in (
        np.roll(noise, 1, 0),
        np.roll(noise, 1, 1),
        hashed_noise(6, -200, -200, 400, 400),
    ):
        assert abs(np.mean(noise * shifted)) < 0.01


@pytest.mark.parametrize("spacing", [2, 4, 8])
def test_bands_of_every_spacing_are_about_as_strong(spacing: int) -> None:
    assert band(1, spacing, Window(0, 0, 512, 512)).std() == pytest.approx(0.92, abs=0.08)


def test_spacing_is_the_nearest_power_of_two() -> None:
    assert [spacing_for(um, 0.25) for um in (0.1, 0.25, 0.9, 3.0)] == [1, 1, 4, 16]
