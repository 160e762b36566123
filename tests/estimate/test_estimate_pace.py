"""How fast a job is said to be: not by blocks that waited for what comes once."""

import pytest

from napari_glioma_density.estimate.progress import Pace


def test_the_first_blocks_say_nothing_of_the_pace_of_the_rest() -> None:
    pace = Pace()
    assert pace.after(1, 20.0) is None
    assert pace.after(5, 21.0) is None
    assert pace.after(9, 22.0) == pytest.approx(4.0)
    assert pace.after(13, 24.0) == pytest.approx(8 / 3)


def test_patches_of_an_earlier_run_are_not_of_this_ones_pace() -> None:
    pace = Pace()
    paces = [pace.after(1000 + 4 * block, float(block)) for block in range(5)]
    assert paces == [None, None, 4.0, 4.0, 4.0]
