import numpy as np
import pytest

from napari_glioma_density.stain import some_pixels


@pytest.mark.parametrize("most", [1, 99, 100, 101, 10_000])
def test_read_pixels_alone_evenly_and_no_more_than_asked_for(most: int) -> None:
    luck = np.random.default_rng(5)
    rgb = luck.integers(0, 256, (2, 30, 20, 3), np.uint8)
    read = luck.random((2, 30, 20)) < 0.3
    of_all = rgb[read]
    taken = some_pixels(rgb, read, most)
    assert len(taken) <= most
    np.testing.assert_array_equal(taken, of_all[:: -(-len(of_all) // most)])


def test_nothing_read_gives_nothing() -> None:
    rgb = np.zeros((4, 4, 3), np.uint8)
    assert some_pixels(rgb, np.zeros((4, 4), np.bool_), 10).shape == (0, 3)
