"""What plots draw is what was measured."""

import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from napari_glioma_density import lettering
from napari_glioma_density.density import (
    COLOUR_BLIND_BANDS,
    PAPER_BANDS,
    PATCH_PX,
    Lattice,
    PatchState,
    PatchTable,
    slide_quantile_bands,
)
from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.plots import (
    draw_band_shares,
    draw_patch_histogram,
    draw_profile,
    figure_bytes,
    save_figure,
)
from napari_glioma_density.exchange.plots.paper import words_of
from napari_glioma_density.exchange.plots.words import CHINESE, ENGLISH
from napari_glioma_density.findings.decay import Decay, Side, Slope, slope, steps_beside
from napari_glioma_density.findings.interval import Interval
from napari_glioma_density.findings.profiles import Profile, ProfileKind
from napari_glioma_density.lettering import chinese_font


@pytest.fixture
def patches() -> PatchTable:
    """Densities of 0.5, 1.5, … 29.5 %, one patch each, and one that was not read."""
    lattice = Lattice.over(PATCH_PX, 31 * PATCH_PX, 0.5)
    read = np.full((1, 31), 20_000)
    nucleus = np.minimum(np.arange(31) * 200 + 100, 6000)[None]
    state = np.full((1, 31), PatchState.READ, np.uint8)
    state[0, -1] = PatchState.UNREAD
    return PatchTable(lattice, state, nucleus, read, read, 0 * read, nucleus // 50)


def heights_by_colour(figure) -> dict[str, float]:
    heights: dict[str, float] = {}
    for bar in figure.axes[0].patches:
        red, green, blue = (round(255 * part) for part in bar.get_facecolor()[:3])
        name = f"#{red:02X}{green:02X}{blue:02X}"
        heights[name] = heights.get(name, 0) + bar.get_height()
    return heights


def test_patches_without_a_nucleus_are_drawn_as_such(patches):
    empty = replace(patches, nucleus_px=0 * patches.nucleus_px)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        counted = heights_by_colour(draw_patch_histogram(empty, PAPER_BANDS))
    assert {colour: n for colour, n in counted.items() if n} == {PAPER_BANDS.colours[0]: 30}


@pytest.mark.parametrize("scale", [PAPER_BANDS, COLOUR_BLIND_BANDS])
def test_the_histogram_counts_read_patches_by_band(patches, scale):
    counted = heights_by_colour(draw_patch_histogram(patches, scale))
    # Halves of 0.5 … 29.5 below 2, 4, 8, 16, 20 and from there on.
    assert counted == dict(zip(scale.colours, (2, 2, 4, 8, 4, 10), strict=True))


def test_the_histogram_keeps_to_the_scope_and_draws_the_limits(patches):
    scope = np.zeros((1, 31), bool)
    scope[0, :18] = True
    figure = draw_patch_histogram(patches, PAPER_BANDS, scope)
    assert sum(heights_by_colour(figure).values()) == 18
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == [2, 4, 8, 16]


def test_the_histogram_parts_a_bin_that_holds_a_limit(patches):
    scale = slide_quantile_bands(patches.density_percent())
    assert set(heights_by_colour(draw_patch_histogram(patches, scale)).values()) == {5}


def test_band_shares_are_those_of_the_totals(patches):
    totals = patches.totals()
    bars = draw_band_shares(totals, PAPER_BANDS).axes[0].patches
    assert [bar.get_height() for bar in bars] == [100 * share for share in totals.bands]


def test_limits_of_bands_have_the_same_digits_in_every_plot(patches):
    scale = slide_quantile_bands(17 + patches.density_percent() / 40)
    moved = replace(patches, nucleus_px=3400 + patches.nucleus_px // 40)
    bars = draw_band_shares(moved.totals(scale=scale), scale).axes[0]
    assert tuple(label.get_text() for label in bars.get_xticklabels()) == scale.spans
    lines = {text.get_text() for text in draw_patch_histogram(moved, scale).axes[0].texts}
    assert lines
    assert lines <= set(scale.written_limits)


def test_plots_of_nothing_say_so(patches):
    nothing = replace(patches, state=np.zeros_like(patches.state))
    for figure in (
        draw_patch_histogram(nothing, PAPER_BANDS),
        draw_band_shares(nothing.totals(), PAPER_BANDS),
    ):
        assert [text.get_text() for text in figure.axes[0].texts] == [ENGLISH.nothing]


def test_a_profile_shows_densities_and_the_fit_of_its_side():
    distance = np.arange(-950, 1000, 100.0)
    tissue = np.full((1, distance.size), 1000.0)
    profile = Profile(distance, 100.0, tissue * 0.2, tissue, tissue, 2.5e-7)
    decay = Decay(500.0, Interval(400.0, 600.0), 12.0, 8.0)
    figure = draw_profile(profile, ProfileKind.FROM, decay=decay, side=Side.RIGHT)
    measured, fitted = figure.axes[0].lines[:2]
    np.testing.assert_allclose(measured.get_xdata(), distance / 1000)
    np.testing.assert_allclose(measured.get_ydata(), 20)
    assert fitted.get_xdata()[0] == 0
    assert fitted.get_ydata()[0] == pytest.approx(20)
    at_length = np.interp(0.5, fitted.get_xdata(), fitted.get_ydata())
    assert at_length == pytest.approx(8 + 12 / np.e, abs=1e-3)
    assert "0.50 mm (95 % interval 0.40 to 0.60)" in figure.legends[0].get_texts()[0].get_text()


def test_of_two_sides_that_are_drawn_it_is_said_which_one_was_fitted():
    tissue = np.full((1, 20), 1000.0)
    both = Profile(np.arange(-950, 1000, 100.0), 100.0, tissue * 0.2, tissue, tissue, 2.5e-7)
    decay = Decay(500.0, Interval(400.0, 600.0), 12.0, 8.0)
    fits = {"decay": decay, "slope": Slope(-3.0, Interval(-4.0, -2.0))}

    def said(profile, kind=ProfileKind.FROM, side=Side.RIGHT):
        (legend,) = draw_profile(profile, kind, side=side, **fits).legends
        return [text.get_text() for text in legend.get_texts()]

    assert all(line.startswith("on the right: ") for line in said(both))
    assert all(line.startswith("on the left: ") for line in said(both, side=Side.LEFT))
    alone = steps_beside(both, Side.RIGHT), ProfileKind.FROM
    for seen in (said(both, side=Side.BOTH), said(*alone), said(both, ProfileKind.ALONG)):
        assert not any("on the" in line for line in seen)


@pytest.mark.parametrize(
    ("side", "ends", "words"),
    [
        (Side.RIGHT, (0.05, 0.95), ENGLISH.right_side),
        (Side.LEFT, (-0.95, -0.05), ENGLISH.sides),
        (Side.BOTH, (-0.95, 0.95), ENGLISH.sides),
    ],
)
def test_a_plot_of_one_side_of_a_border_shows_that_side_alone(side, ends, words):
    tissue = np.full((2, 20), 1000.0)
    profile = Profile(np.arange(-950, 1000, 100.0), 100.0, tissue * 0.2, tissue, tissue, 2.5e-7)
    kept = steps_beside(profile, side)
    (axes,) = draw_profile(kept, ProfileKind.FROM, side=side).axes
    distance = axes.lines[0].get_xdata()
    assert (distance[0], distance[-1]) == pytest.approx(ends)
    assert words in axes.get_xlabel()
    assert kept.tissue_px.shape == (2, distance.size)
    assert slope(kept, side) == slope(profile, side)


@pytest.fixture
def profile() -> Profile:
    tissue = np.full((1, 8), 1000.0)
    return Profile(np.arange(50, 850, 100.0), 100.0, tissue / 5, tissue, tissue, 2.5e-7)


@pytest.mark.parametrize("name", ["$", "x$_^{$", "5 $ to 7 $", "a\\$b$c"])
@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_dollar_sign_in_a_name_is_a_dollar_sign(profile: Profile, name: str, kind: str):
    figure = draw_profile(profile, ProfileKind.ALONG, name=name)
    assert figure_bytes(figure, kind)
    assert figure.axes[0].get_title(loc="left") == f"{ENGLISH.along_line}\n{name}"


@pytest.mark.parametrize("font", [True, False])
def test_characters_that_no_font_has_are_squares_and_no_warning(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, font: bool
):
    if not font:
        monkeypatch.setattr(lettering, "chinese_font", lambda: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_profile(profile, ProfileKind.ALONG, name="皮质\tä\U0010ffff\u2028µ")
        assert figure_bytes(figure, "svg")
    assert not caplog.records
    drawn = figure.axes[0].get_title(loc="left").removeprefix(f"{ENGLISH.along_line}\n")
    assert drawn == ("皮质" if font and chinese_font() else "□□") + " ä□ µ"


def test_saved_plots_open_elsewhere(patches, tmp_path: Path):
    figure = draw_patch_histogram(patches, PAPER_BANDS)
    save_figure(tmp_path / "plot.PNG", figure)
    save_figure(tmp_path / "plot.svg", figure)
    with Image.open(tmp_path / "plot.PNG") as picture:
        assert min(picture.size) > 400
        assert np.ptp(np.asarray(picture.convert("L"))) > 200
    assert ElementTree.parse(tmp_path / "plot.svg").getroot().tag.endswith("svg")


def test_another_suffix_is_refused_in_one_line(patches, tmp_path: Path):
    figure = draw_band_shares(patches.totals(), PAPER_BANDS)
    with pytest.raises(BadInput, match=r"plot\.pdf: .*\.png or \.svg"):
        save_figure(tmp_path / "plot.pdf", figure)
    assert not list(tmp_path.iterdir())


def test_chinese_words_need_a_font_that_has_them(monkeypatch):
    assert words_of("zh") == (CHINESE if chinese_font() else ENGLISH)
    monkeypatch.setattr("napari_glioma_density.exchange.plots.paper.chinese_font", lambda: None)
    assert words_of("zh") == ENGLISH


@pytest.mark.parametrize(
    "name", ["border 1", "the rim of the cavity, drawn where it is plain " * 2]
)
def test_a_line_is_named_whole_within_the_plot(profile, name):
    figure = draw_profile(profile, ProfileKind.FROM, name=name)
    figure.draw_without_rendering()
    _, *named = figure.axes[0].get_title(loc="left").split("\n")
    assert " ".join(named) == name.strip()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert 0 <= drawn.x0 < drawn.x1 <= width
    assert 0 <= drawn.y0 < drawn.y1 <= height


@pytest.mark.parametrize("module", ["exchange.plots", "training.learning_curves"])
def test_a_backend_that_matplotlib_does_not_know_does_not_matter_to_plots(module):
    draw = {
        "exchange.plots": "draw_band_shares(totals, PAPER_BANDS)",
        "training.learning_curves": "learning_curves(log, 'A')",
    }[module]
    script = f"""
from napari_glioma_density.{module} import *
from napari_glioma_density.density import PAPER_BANDS, Lattice, PatchTable
totals = PatchTable.pending(Lattice.over(9, 9, 0.5)).totals()
log = [{{"epoch": 1, "epochs": 1, "loss": 0.5, "learning_rate": 1e-3, "drop_rate": 0.1}}]
{draw}
import os, matplotlib
print(os.environ["MPLBACKEND"], matplotlib.rcParams["backend"])
"""
    for backend, taken in (("nonsense", False), ("svg", True)):
        environment = {**os.environ, "MPLBACKEND": backend}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        named, known = done.stdout.split()
        assert named == backend
        assert (known == backend) is taken
