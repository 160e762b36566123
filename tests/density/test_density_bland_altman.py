"""Bias and limits of agreement, by hand."""

import numpy as np
import pytest

from napari_glioma_density.density import bland_altman


def test_limits_lie_1_96_standard_deviations_about_the_mean_difference() -> None:
    first, second = np.array([10.0, 20.0, 30.0]), np.array([11.0, 23.0, 35.0])
    found = bland_altman(first, second)
    assert found.bias == 3
    assert (found.lower, found.upper) == pytest.approx((3 - 1.96 * 2, 3 + 1.96 * 2))


def test_a_single_difference_has_no_limits() -> None:
    found = bland_altman(np.array([10.0]), np.array([9.0]))
    assert (found.bias, found.lower, found.upper) == (-1, None, None)
