"""Text on pictures."""

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_glioma_density.density import CellGrid, Lattice, PatchTable, slide_quantile_bands
from napari_glioma_density.results import legend
from napari_glioma_density.results.drawing import INK, PAPER, canvas, write, write_centred


def test_text_stands_on_its_baseline_in_its_ink() -> None:
    picture = canvas(40, 80)
    write(picture, "B6", (10, 30), INK)
    y, x = np.nonzero((picture != PAPER).any(axis=-1))
    assert (y.max(), x.min()) == (29, pytest.approx(10, abs=2))
    assert 8 <= y.max() - y.min() + 1 <= 11
    assert (picture[y, x] >= INK).all()
    assert (picture == INK).all(axis=-1).any()


@pytest.mark.parametrize("at", [(-8, 30), (70, 30), (10, 4), (10, 45), (-200, -200), (300, 300)])
def test_what_lies_beyond_the_picture_is_cut_off(at: tuple[int, int]) -> None:
    wide = canvas(640, 680)
    write(wide, "B6 and D4", (at[0] + 300, at[1] + 300))
    cut = canvas(40, 80)
    write(cut, "B6 and D4", at)
    assert np.array_equal(cut, wide[300:340, 300:380])


def test_a_name_is_centred_on_its_plate() -> None:
    picture = np.zeros((41, 81, 3), np.uint8)
    write_centred(picture, "HH", (40, 20), on_plate=True)
    y, x = np.nonzero(picture.any(axis=-1))
    assert (y.min() + y.max()) / 2 == pytest.approx(20, abs=1)
    assert (x.min() + x.max()) / 2 == pytest.approx(40, abs=1)


def test_every_letter_of_the_legend_is_among_those_of_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[str] = []
    monkeypatch.setattr(legend, "write", lambda _, text, *__: written.append(text))
    lattice = Lattice(2, 2, 960, 960, 0.5)
    totals = PatchTable.pending(lattice).totals()
    scale = slide_quantile_bands(np.linspace(17, 18, 40))
    legend.draw_legend(totals, CellGrid(lattice, 2), scale, 10, left_out=True)
    assert f"0 to {scale.written_limits[1]} %" in written
    lacking = drawn("\uffff")
    assert not {letter for letter in "".join(written) if np.array_equal(drawn(letter), lacking)}


def drawn(letter: str) -> NDArray[np.uint8]:
    picture = canvas(40, 40)
    write(picture, letter, (10, 30))
    return picture
