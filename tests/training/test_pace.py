"""Learning rate and R_drop over a run."""

import dataclasses

import pytest

from napari_glioma_density.training.pace import (
    adaptive_factor,
    drop_rate,
    learning_rate,
    one_cycle,
)
from napari_glioma_density.training.recipe import DEFAULT, PAPER


def test_the_learning_rate_rises_and_falls_once() -> None:
    pace = [one_cycle(step / 100) for step in range(101)]
    top = pace.index(max(pace))
    assert pace[:top] == sorted(pace[:top])
    assert pace[top:] == sorted(pace[top:], reverse=True)
    assert max(pace) == pytest.approx(1)


def test_the_paper_moves_neither_learning_rate_nor_drop_rate() -> None:
    for done in (0, 0.5, 1):
        assert learning_rate(PAPER, done) == 1e-2
        assert drop_rate(PAPER, done, []) == 0.1


def test_the_ramp_reaches_the_rate_after_three_quarters() -> None:
    recipe = dataclasses.replace(DEFAULT, drop_rate=0.2, drop_schedule="ramp")
    assert [drop_rate(recipe, done, []) for done in (0, 0.375, 0.75, 1)] == pytest.approx(
        [0, 0.1, 0.2, 0.2]
    )


def test_fields_that_are_merely_harder_do_not_raise_the_adaptive_rate() -> None:
    assert adaptive_factor([]) == 0
    assert adaptive_factor([0.7]) == 0
    assert adaptive_factor([0.7, 0.7, 0.7, 0.7]) == pytest.approx(0)
    assert adaptive_factor([0.7, 0.5, 0.4, 0.4]) == 0


def test_the_adaptive_rate_follows_the_growth_of_the_gap() -> None:
    recipe = dataclasses.replace(DEFAULT, drop_rate=0.1, drop_schedule="adaptive")
    # Three recent epochs, 0.05 over the first on average: half the rate at 0.1.
    assert drop_rate(recipe, 0.3, [0.2, 9.0, 0.2, 0.25, 0.3]) == pytest.approx(0.05)
    assert drop_rate(recipe, 0.3, [0.0, 0.1, 0.1, 0.1]) == pytest.approx(0.1)


def test_the_adaptive_rate_has_a_limit() -> None:
    recipe = dataclasses.replace(DEFAULT, drop_rate=0.1, drop_schedule="adaptive")
    assert drop_rate(recipe, 0.3, [0.0, 5.0, 5.0, 5.0]) == pytest.approx(0.2)
