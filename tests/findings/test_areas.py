"""Areas as people read them."""

import pytest

from napari_glioma_density.findings.areas import square_mm


@pytest.mark.parametrize(
    ("mm2", "said"),
    [
        (0.00484, "0.00484"),
        (0.05764, "0.0576"),
        (0.0996, "0.0996"),
        (0.09996, "0.100"),
        (0.691, "0.691"),
        (9.999, "10.0"),
        (42.0, "42.0"),
        (347.2, "347"),
        (1234.4, "1234"),
    ],
)
def test_areas_of_every_size_have_three_figures(mm2: float, said: str) -> None:
    assert square_mm(mm2) == said


def test_nothing_has_no_figures_and_less_than_a_nucleus_none_that_mean_nothing() -> None:
    assert square_mm(0.0) == "0"
    assert square_mm(0.000004) == "0"
    assert square_mm(0.0000123) == "0.00001"
