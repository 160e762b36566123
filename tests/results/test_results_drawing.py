"""Text on pictures."""

from dataclasses import replace

import numpy as np
import pytest

from napari_glioma_density.density import (
    PATCH_PX,
    CellGrid,
    Lattice,
    PatchTable,
    slide_quantile_bands,
)
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


def test_the_legend_is_written_in_letters_that_its_pictures_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[str] = []
    monkeypatch.setattr(legend, "write", lambda _picture, text, *_: written.append(text))
    patches = PatchTable.pending(Lattice.over(2 * PATCH_PX, 3 * PATCH_PX, 0.5))
    totals = replace(patches.totals(), bands=(1.0, 0.1667, 0.0, 0.0, 0.0, 0.0))
    narrow = slide_quantile_bands(np.linspace(17.8, 17.9, 500))
    legend.draw_legend(totals, CellGrid(patches.lattice, 4), narrow, 8, left_out=True)
    assert all(map(str.isascii, written)), "what the font lacks is a box"
    shares = [text for text in written if text.endswith("of patches")]
    assert shares[:2] == ["100.0 % of patches", "16.7 % of patches"]
    for limit in narrow.written_limits:
        assert any(limit in text.split() for text in written)
