"""A slide's colours are fitted once, from all over its tissue, and belong to its run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.estimate import prepare
from napari_glioma_density.estimate import slide_colours as colours
from napari_glioma_density.estimate.slide_colours import fit_slide_colours, read_windows
from napari_glioma_density.exchange.tables import write_tables
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.nuclei.weights import load_network, save_network
from napari_glioma_density.results import ResultStore, Run
from napari_glioma_density.slides import Slide, find_tissue, open_slide, working_plane
from napari_glioma_density.stain import INPUTS

FITTED = [name for name, one in INPUTS.items() if one.is_fitted]


def of_input(
    weights: Path, folder: Path, name: str, views: int, tissue: NDArray[np.uint8]
) -> NetworkSegmenter:
    """Random weights for an input, which call about a fifth of ``tissue`` nucleus."""
    import torch

    torch.manual_seed(7)
    spec = load_network(weights)[0].with_(name="fitted", input=name, views=views, threshold=0.5)
    path = folder / "fitted.safetensors"
    network = build_network(spec)
    save_network(path, spec, network)
    sees = load_segmenter(path, "cpu", "fp32").fitted(INPUTS[name].fit(tissue.reshape(-1, 3)))
    threshold = float(np.quantile(sees.probability(tissue[None]), 0.8))
    save_network(path, spec.with_(threshold=threshold), network)
    return load_segmenter(path, "cpu", "fp32")


def run_of(slide: Slide, segmenter: Any, folder: Path, **how: Any) -> Run:
    estimation = prepare(slide, segmenter, folder, **how)
    for _ in estimation.blocks():
        pass
    estimation.close()
    return estimation.run


@pytest.mark.parametrize("name", FITTED)
def test_statistics_are_about_those_of_all_tissue_px(
    slide: Slide, tissue_rgb: NDArray[np.uint8], name: str
) -> None:
    found = fit_slide_colours(read_windows(working_plane(slide, 0.5)), name)
    everything = INPUTS[name].fit(tissue_rgb[:, : 7 * 256].reshape(-1, 3)[::7])
    assert found.source == "fitted to the slide"
    assert found.statistics == pytest.approx(everything, rel=0.05, abs=0.05)


def test_they_do_not_depend_on_the_tissue_mask_or_on_when_they_are_fitted(
    slide: Slide, dark: Any, tmp_path: Path
) -> None:
    dark.spec = dark.spec.with_(input="rgb + relative")
    runs = [
        prepare(slide, dark, tmp_path / str(number), **how)
        for number, how in enumerate(({}, {"tissue_mask": False}, {"block_patches": 1}))
    ]
    assert len({one.run.spec.colour_statistics for one in runs}) == 1
    assert dark.fitted_to == [one.run.spec.colour_statistics for one in runs]
    for one in runs:
        one.close()


def test_windows_lie_all_over_the_tissue_and_nowhere_else() -> None:
    kinds = np.zeros((160, 320), np.uint8)
    kinds[:, 160:] = 1
    centres = np.array(colours._windows(kinds)) + colours.WINDOW_PX // 2
    assert len(centres) == colours.WINDOWS
    assert (centres[:, 1] >= 160 * 16).all()
    assert set(centres[:, 0] // 256) == set(range(10))
    assert len(set(centres[:, 1] // 256)) > 6


def test_windows_move_along_with_the_tissue() -> None:
    kinds = np.zeros((160, 320), np.uint8)
    kinds[20:90, 30:200] = 1
    moved = np.zeros((170, 345), np.uint8)
    moved[27:97, 55:225] = 1
    shift = np.array((7, 25)) * 16
    assert np.array_equal(np.array(colours._windows(kinds)) + shift, colours._windows(moved))


def test_a_single_place_of_tissue_is_enough() -> None:
    kinds = np.zeros((100, 100), np.uint8)
    kinds[99, 3] = 1
    half = colours.WINDOW_PX // 2
    assert colours._windows(kinds) == [(99 * 16 - half, 3 * 16 - half)]


def test_an_input_that_is_not_fitted_says_so(slide: Slide) -> None:
    found = fit_slide_colours(read_windows(working_plane(slide, 0.5)), "rgb")
    assert (found.statistics, found.source) == ((), "input is not fitted")


def test_too_little_tissue_gives_typical_statistics_and_says_so(tmp_path: Path, dark: Any) -> None:
    path = tmp_path / "glass.tiff"
    glass = np.full((600, 600, 3), 243, np.uint8)
    tifffile.imwrite(path, glass, tile=(256, 256), photometric="rgb")
    dark.spec = dark.spec.with_(input="vahadane")
    with open_slide(path) as slide:
        run = run_of(slide.with_um_per_px(0.5), dark, tmp_path / "r", tissue_mask=False)
    assert run.spec.colour_statistics == INPUTS["vahadane"].typical
    figures = write_tables(tmp_path / "t", gather(run.folder.parent.parent, run))
    assert figures["colour_source"] == "typical: too little tissue"


def test_px_of_damaged_tiles_do_not_count(slide_path: Path) -> None:
    with tifffile.TiffFile(slide_path) as tiff:
        page = tiff.pages[0]
        tiles = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    with slide_path.open("r+b") as file:
        for offset, length in tiles[::4]:
            file.seek(offset)
            file.write(b"\x99" * length)
    with open_slide(slide_path) as slide:
        plane = working_plane(slide, 0.5)
        windows = read_windows(plane)
        pixels = colours.tissue_colours(plane, find_tissue(plane))
    assert any(not read.all() for _, read in windows)
    assert len(pixels) > 10_000
    assert np.mean((pixels == 255).all(axis=-1)) < 0.001  # which stands for what was not read


def test_they_are_in_the_run_and_in_the_summary(slide: Slide, dark: Any, tmp_path: Path) -> None:
    dark.spec = dark.spec.with_(input="reinhard")
    run = run_of(slide, dark, tmp_path / "r")
    recorded = ResultStore(run.folder.parent.parent).run(run.spec.run_id).spec
    assert recorded == run.spec
    assert len(recorded.colour_statistics) == len(INPUTS["reinhard"].typical)
    write_tables(tmp_path / "t", gather(run.folder.parent.parent, run))
    summary = json.loads((tmp_path / "t/summary.json").read_text())
    assert tuple(summary["colour_statistics"]) == recorded.colour_statistics
    assert summary["colour_source"] == "fitted to the slide"
    assert summary["input"] == "reinhard"


def test_a_resumed_run_keeps_them_and_a_restarted_one_fits_anew(
    slide: Slide, dark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dark.spec = dark.spec.with_(input="rgb + relative")
    first = prepare(slide, dark, tmp_path / "r")
    first.close()
    monkeypatch.setattr(colours, "WINDOWS", 3)
    resumed = prepare(slide, dark, tmp_path / "r")
    resumed.close()
    again = prepare(slide, dark, tmp_path / "r", restart=True)
    again.close()
    assert resumed.run.spec == first.run.spec
    assert again.run.spec.colour_statistics != first.run.spec.colour_statistics
    assert dark.fitted_to[0] == dark.fitted_to[1] != dark.fitted_to[2]


def test_a_run_from_before_there_were_statistics_still_opens(
    slide: Slide, dark: Any, tmp_path: Path
) -> None:
    run = run_of(slide, dark, tmp_path / "r")
    group = run.folder / "zarr.json"
    node = json.loads(group.read_text())
    for name in ("colour_statistics", "colour_source"):
        del node["attributes"]["spec"][name]
    group.write_text(json.dumps(node))
    assert ResultStore(run.folder.parent.parent).run(run.spec.run_id).spec == run.spec
    resumed = prepare(slide, dark, tmp_path / "r")
    assert resumed.run.finished == run.finished
    resumed.close()


@pytest.mark.parametrize(("name", "views"), [("rgb + relative", 8), ("macenko", 1)])
def test_block_size_changes_no_pixel_with_fitted_colours_and_views(
    slide: Slide,
    weights: Path,
    tmp_path: Path,
    tissue_rgb: NDArray[np.uint8],
    name: str,
    views: int,
) -> None:
    tissue = np.ascontiguousarray(tissue_rgb[:480, 1280:1760])
    segmenter = of_input(weights, tmp_path, name, views, tissue)
    masks = []
    # In blocks of three patches the last ones are three high and two wide.
    for side in (1, 3):
        estimation = prepare(slide, segmenter, tmp_path / str(side), block_patches=side)
        list(estimation.blocks(estimation.scope_of((1440, 0, 480, 1440))))
        masks.append(estimation.run.mask(0)[:1440, 1440:1920])
        estimation.close()
    assert 0.02 < masks[0].mean() < 0.6
    assert np.array_equal(*masks)


def test_statistics_of_a_real_slide_are_stable(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_slide(data_folder / "slides/CMU-1-Small-Region.svs") as slide:
        plane = working_plane(slide, 0.5)
        for name in FITTED:
            monkeypatch.setattr(colours, "WINDOWS", 24)
            some = fit_slide_colours(read_windows(plane), name).statistics
            monkeypatch.setattr(colours, "WINDOWS", 200)
            more = fit_slide_colours(read_windows(plane), name).statistics
            assert some == pytest.approx(more, rel=0.2, abs=0.06)
