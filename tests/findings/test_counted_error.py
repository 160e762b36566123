"""The known error of nucleus counts, by density."""

from typing import Any

import pytest

from napari_glioma_density.findings.count_error import CountError, count_error


def of(name: str, organ: str, *bands: tuple[int, int, int, int]) -> dict[str, Any]:
    rows = [
        {"band": band, "fields": fields, "true": true, "predicted": found}
        for band, fields, true, found in bands
    ]
    return {"name": name, "organs": [{"organ": organ}], "nucleus_count": {"by_density": rows}}


METRICS = {
    "data_sets": [
        of("GBM", "brain: glioblastoma", (4, 1, 100, 110), (5, 19, 2000, 2100)),
        of("LGG", "brain: glioma", (4, 3, 300, 230)),
        of("Colon", "colon", (2, 2, 50, 30), (4, 9, 1000, 500), (0, 1, 0, 4)),
    ]
}


def test_fields_of_the_brain_at_that_density_are_pooled() -> None:
    assert count_error(METRICS, 17.5) == CountError(
        pytest.approx(340 / 400 - 1), 4, 16, 20, "GBM, LGG"
    )


def test_other_organs_stand_in_where_no_brain_is_as_dense() -> None:
    assert count_error(METRICS, 6.0) == CountError(pytest.approx(-0.4), 2, 4, 8, "Colon")


def test_nothing_is_said_where_no_field_has_nuclei() -> None:
    assert count_error(METRICS, 1.0) is None
    assert count_error(METRICS, 12.0) is None
    assert count_error({}, 12.0) is None
