"""The main job: every block on disk before it is announced, in whatever order and however often."""

import errno
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tifffile
import torch
import zarr
from numpy.typing import NDArray
from skimage.measure import label

from napari_glioma_density.density import PatchState
from napari_glioma_density.errors import SlideError, StoreError
from napari_glioma_density.estimate import Focus, prepare
from napari_glioma_density.estimate.crew import Crew, crew_for
from napari_glioma_density.estimate.order import REST_S
from napari_glioma_density.estimate.processes import Processes, Sent, send
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.results import ResultStore, Run
from napari_glioma_density.slides import Slide, open_slide
from napari_glioma_density.slides.positional_file import PositionalFile


def run_whole(slide: Slide, segmenter: Any, folder: Path, **how: Any) -> Run:
    estimation = prepare(slide, segmenter, folder, **how)
    for _ in estimation.blocks():
        pass
    estimation.close()
    return estimation.run


def test_density_is_that_of_the_pixels(
    slide: Slide, dark: Any, tissue_rgb: NDArray[np.uint8], tmp_path: Path
) -> None:
    totals = run_whole(slide, dark, tmp_path / "r", tissue_mask=False).patches().totals()
    truth = tissue_rgb[..., 0] < 150
    assert totals.complete
    assert totals.density_percent == pytest.approx(100 * truth.mean())
    assert totals.read_mm2 == pytest.approx(truth.size * 0.25e-6)


def test_the_mask_on_disk_is_the_one_computed(
    slide: Slide, dark: Any, tissue_rgb: NDArray[np.uint8], tmp_path: Path
) -> None:
    run = run_whole(slide, dark, tmp_path / "r", tissue_mask=False)
    assert np.array_equal(run.mask(0)[:, :], tissue_rgb[..., 0] < 150)


def test_the_run_keeps_what_its_model_learnt_from(slide: Slide, dark: Any, tmp_path: Path) -> None:
    run = run_whole(slide, dark, tmp_path / "r")
    store = ResultStore(run.folder.parent.parent)
    assert store.learnt(run.spec.run_id) == frozenset()
    dark.pictures = frozenset({"ab", "cd"})
    run_whole(slide, dark, tmp_path / "r")
    assert store.learnt(run.spec.run_id) == {"ab", "cd"}
    assert store.learnt("another") == frozenset()


def test_block_size_changes_no_pixel_of_the_mask(
    slide: Slide, segmenter: Any, tmp_path: Path
) -> None:
    masks = [
        run_whole(slide, segmenter, tmp_path / str(side), block_patches=side).mask(0)[:, :]
        for side in (1, 2, 4)
    ]
    assert 0.02 < masks[0].mean() < 0.6
    assert np.array_equal(masks[0], masks[1])
    assert np.array_equal(masks[0], masks[2])


def test_block_size_hardly_changes_the_nucleus_count(
    slide: Slide, dark: Any, tmp_path: Path
) -> None:
    counts = [
        int(run_whole(slide, dark, tmp_path / str(side), block_patches=side).patches().count.sum())
        for side in (1, 2, 4)
    ]
    assert counts[0] == counts[1] == counts[2]


def test_every_nucleus_is_counted_once(
    slide: Slide, dark: Any, tissue_rgb: NDArray[np.uint8], tmp_path: Path
) -> None:
    run = run_whole(slide, dark, tmp_path / "r", block_patches=1)
    components = label(tissue_rgb[..., 0] < 150, return_num=True)[1]
    nuclei = run.nuclei()
    assert len(nuclei) == run.patches().count.sum()
    assert components <= len(nuclei) < 1.5 * components
    assert len(np.unique(nuclei[["y_px", "x_px"]])) == len(nuclei)


def test_bare_glass_never_reaches_the_network(slide: Slide, dark: Any, tmp_path: Path) -> None:
    images = []
    dark.on_image = lambda: images.append(1)
    run = run_whole(slide, dark, tmp_path / "r", block_patches=1)
    state = run.patches().state
    assert (state[:, -1] == PatchState.BACKGROUND).all()
    assert len(images) == (state == PatchState.READ).sum()


def test_glass_around_the_tissue_of_a_block_is_not_computed_and_changes_nothing(
    slide: Slide, segmenter: NetworkSegmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    uploadable = NetworkSegmenter.uploadable

    def noted(self: NetworkSegmenter, rgb: NDArray[np.uint8]) -> torch.Tensor:
        shown.append(rgb.size)
        return uploadable(self, rgb)

    monkeypatch.setattr(NetworkSegmenter, "uploadable", noted)
    segmenter = segmenter.on("cpu", "openvino-fp32")
    parts = run_whole(slide, segmenter, tmp_path / "parts")
    px_of_parts, shown[:] = sum(shown), []
    part = "napari_glioma_density.estimate.pipeline.segmented_part"
    steps: list[int] = []
    monkeypatch.setattr(part, lambda *given: steps.append(given[3]) or np.s_[:, :])
    wholes = run_whole(slide, segmenter, tmp_path / "wholes")
    assert px_of_parts < 0.95 * sum(shown)
    assert set(steps) == {segmenter.step_px}, "each further size of blocks takes memory"
    assert parts.mask(0)[:, :].any()
    assert np.array_equal(parts.mask(0)[:, :], wholes.mask(0)[:, :])
    assert np.array_equal(parts.nuclei(), wholes.nuclei())


def test_what_is_computed_of_a_block_comes_back_to_its_place(tmp_path: Path, dark: Any) -> None:
    rgb = np.full((1500, 2100, 3), 244, np.uint8)
    for y, x in ((330, 1010), (620, 1210), (1180, 250)):
        rgb[y : y + 160, x : x + 320] = (225, 175, 205)
        rgb[y + 40 : y + 52, x + 90 : x + 110] = rgb[y + 99 : y + 120, x + 280 : x + 290] = 90
    path = tmp_path / "islands.tiff"
    tifffile.imwrite(
        path,
        rgb,
        tile=(256, 256),
        photometric="rgb",
        resolution=(20000, 20000),
        resolutionunit="CENTIMETER",
    )
    shown: list[tuple[int, ...]] = []
    segment = dark.segment
    dark.segment = lambda images: shown.append(images.shape[1:3]) or segment(images)
    with open_slide(path) as slide:
        run = run_whole(slide, dark, tmp_path / "r")
    assert np.array_equal(run.mask(0)[:, :], rgb[..., 0] == 90)
    assert len(run.nuclei()) == 6
    assert 0 < sum(height * width for height, width in shown) < rgb[..., 0].size / 2


def test_each_block_is_on_disk_before_it_is_announced(
    slide: Slide, dark: Any, tmp_path: Path
) -> None:
    estimation = prepare(slide, dark, tmp_path / "r", block_patches=1)
    store = ResultStore(estimation.run.folder.parent.parent)
    for progress in estimation.blocks():
        seen = store.run(estimation.run.spec.run_id)
        assert progress.block in seen.finished
        assert (seen.patches().state[progress.block.patches] == PatchState.READ).all()
    assert progress.patches_done == progress.patches_total
    assert progress.tissue_mm2_read == pytest.approx(progress.tissue_mm2_total)


def test_progress_ends_with_the_tissue_of_the_totals(
    tissue_rgb: NDArray[np.uint8], dark: Any, tmp_path: Path
) -> None:
    stated = {"resolution": (20_000, 20_000), "resolutionunit": "CENTIMETER"}
    odd = tissue_rgb[:1001, :963]  # not one whole place at either edge
    tifffile.imwrite(tmp_path / "odd.tiff", odd, tile=(256, 256), photometric="rgb", **stated)
    with open_slide(tmp_path / "odd.tiff") as slide:
        estimation = prepare(slide, dark, tmp_path / "r")
        *_, last = estimation.blocks()
        estimation.close()
    totals = estimation.run.patches().totals()
    assert totals.tissue_mm2 == pytest.approx(odd[..., 0].size * 0.25e-6)
    assert last.tissue_mm2_read == pytest.approx(totals.tissue_mm2, rel=1e-12)


def test_the_block_under_the_focus_comes_first_and_is_small(
    slide: Slide, dark: Any, tmp_path: Path
) -> None:
    focus = Focus(y=1200, x=100)
    estimation = prepare(slide, dark, tmp_path / "r", focus=focus, block_patches=2)
    first = next(estimation.blocks(focus=focus)).block
    assert (first.row, first.column, first.rows, first.columns) == (2, 0, 1, 1)
    estimation.close()


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_blocks_side_by_side_change_nothing(
    slide: Slide, tmp_path: Path, threads: Callable[[int], None]
) -> None:
    runs = []
    for count in (1, 2):
        threads(count)
        fast = load_segmenter("fast", "cpu", "openvino-int8")
        runs.append(run_whole(slide, fast, tmp_path / str(count), block_patches=1))
    one, two = runs
    assert one.mask(0)[:, :].any()
    assert np.array_equal(one.mask(0)[:, :], two.mask(0)[:, :])
    assert np.array_equal(np.sort(one.nuclei()), np.sort(two.nuclei()))


def test_after_a_halt_only_blocks_that_were_begun_come(
    slide: Slide, tmp_path: Path, threads: Callable[[int], None]
) -> None:
    threads(2)
    fast = load_segmenter("fast", "cpu", "openvino-int8")
    for focus in (None, Focus(y=1200, x=100)):
        estimation = prepare(slide, fast, tmp_path / str(focus), focus=focus, block_patches=1)
        is_halted: list[bool] = []
        blocks = estimation.blocks(focus=focus, halted=lambda: bool(is_halted))  # noqa: B023
        next(blocks)
        is_halted.append(True)
        assert len(list(blocks)) <= 2
        assert not estimation.run.patches().totals().complete
        estimation.close()


def test_a_moved_view_changes_the_order(slide: Slide, dark: Any, tmp_path: Path) -> None:
    focus = Focus(y=0, x=0)
    estimation = prepare(slide, dark, tmp_path / "r", block_patches=1)
    blocks = []
    for progress in estimation.blocks(focus=focus):
        blocks.append(progress.block)
        focus.move(y=1400, x=1600)
    assert [(block.row, block.column) for block in blocks[:2]] == [(0, 0), (2, 3)]
    assert len(blocks) == len(set(blocks)) == len(estimation.run.finished)
    estimation.close()


def test_no_block_is_begun_while_the_view_moves(slide: Slide, dark: Any, tmp_path: Path) -> None:
    focus, began = Focus(y=0, x=0), []
    dark.on_image = lambda: began.append(time.monotonic())
    estimation = prepare(slide, dark, tmp_path / "r", block_patches=1)
    blocks = estimation.blocks(focus=focus)
    next(blocks)
    known = len(began)
    focus.stir()
    stirred = time.monotonic()
    assert len(list(blocks)) + 1 == len(estimation.run.finished)
    assert min(began[known:]) > stirred + 0.9 * REST_S
    estimation.close()


def test_blocks_under_way_are_told_and_a_stop_is_heard_while_the_view_moves(
    slide: Slide, dark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    focus, halted, told = Focus(y=0, x=0), threading.Event(), threading.Event()
    estimation = prepare(slide, dark, tmp_path / "r", block_patches=1)
    blocks = estimation.blocks(focus=focus, halted=halted.is_set)
    begun = [next(blocks).block for _ in range(3)]
    monkeypatch.setattr("napari_glioma_density.estimate.order.REST_S", 1000.0)
    monkeypatch.setattr("napari_glioma_density.estimate.order.MOST_S", 1000.0)
    focus.stir()

    def go_on() -> None:
        for progress in blocks:
            begun.append(progress.block)
            told.set()

    going = threading.Thread(target=go_on, daemon=True)
    going.start()
    assert told.wait(60), "one was under way behind the network"
    halted.set()
    going.join(60)
    assert not going.is_alive()
    assert set(begun) == set(estimation.run.finished)
    assert not estimation.run.patches().totals().complete
    estimation.close()


def test_stopping_keeps_what_is_done_and_resuming_does_not_repeat_it(
    slide: Slide, dark: Any, tmp_path: Path
) -> None:
    estimation = prepare(slide, dark, tmp_path / "r", block_patches=1)
    blocks = estimation.blocks()
    done = {next(blocks).block for _ in range(4)}
    blocks.close()
    estimation.close()
    resumed = prepare(slide, dark, tmp_path / "r", block_patches=1)
    assert done <= resumed.run.finished
    again = list(resumed.blocks())
    assert not {progress.block for progress in again} & done
    assert again[0].patches_done > len(done)
    assert resumed.run.patches().totals().complete
    resumed.close()


def test_a_drive_that_fails_ends_the_run_and_nothing_counts_as_damaged(
    slide_path: Path, dark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_whole(open_slide(slide_path), dark, tmp_path / "whole", block_patches=1)
    reads = itertools.count()
    answer = PositionalFile._read

    def fail_after_a_while(file: PositionalFile, offset: int, count: int) -> bytes:
        if next(reads) > 40:
            raise OSError(errno.EIO, "Input/output error")
        return answer(file, offset, count)

    slide = open_slide(slide_path)
    estimation = prepare(slide, dark, tmp_path / "r", block_patches=1)
    slide._cache.clear()
    with monkeypatch.context() as broken:
        broken.setattr(PositionalFile, "_read", fail_after_a_while)
        with pytest.raises(SlideError, match="cannot be read any more"):
            list(estimation.blocks())
    assert not (estimation.run.patches().state == PatchState.UNREAD).any()
    assert not estimation.run.patches().totals().complete
    list(estimation.blocks())
    assert estimation.run.patches().totals() == whole.patches().totals()
    estimation.close()


def test_a_resumed_run_keeps_its_own_blocks(slide: Slide, dark: Any, tmp_path: Path) -> None:
    first = prepare(slide, dark, tmp_path / "r", block_patches=1)
    next(blocks := first.blocks())
    blocks.close()
    first.close()
    resumed = prepare(slide, dark, tmp_path / "r", block_patches=4)
    assert resumed.run.spec.block_patches == 1
    resumed.close()


def test_a_region_is_grown_to_whole_patches(slide: Slide, dark: Any, tmp_path: Path) -> None:
    estimation = prepare(slide, dark, tmp_path / "r")
    assert np.argwhere(estimation.scope_of((470, 10, 20, 20))).tolist() == [[0, 0], [0, 1]]
    assert np.argwhere(estimation.scope_of((480, 480, 480, 480))).tolist() == [[1, 1]]
    assert not estimation.scope_of((-900, -900, 100, 100)).any()
    estimation.close()


def test_a_region_first_and_the_rest_later_is_the_whole(
    slide: Slide, dark: Any, tmp_path: Path
) -> None:
    part = prepare(slide, dark, tmp_path / "a", block_patches=1)
    list(part.blocks(part.scope_of((0, 0, 600, 600))))
    part.close()
    run = run_whole(slide, dark, tmp_path / "a", block_patches=1)
    whole = run_whole(slide, dark, tmp_path / "b", block_patches=1)
    assert np.array_equal(run.nuclei(), whole.nuclei())
    assert np.array_equal(run.mask(0)[:, :], whole.mask(0)[:, :])


@pytest.mark.parametrize("step", ["write_mask", "record"])
def test_a_full_disk_keeps_the_blocks_before_it(
    slide: Slide, dark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    estimation = prepare(slide, dark, tmp_path / "r", block_patches=1)
    commit, done = getattr(estimation.run, step), []

    def until_full(result: Any) -> Any:
        if len(done) == 3:
            raise StoreError("results: the disk is full")
        kept = commit(result)
        done.append(result.block)
        return kept

    monkeypatch.setattr(estimation.run, step, until_full)
    with pytest.raises(StoreError, match="disk is full"):
        list(estimation.blocks())
    estimation.close()
    resumed = prepare(slide, dark, tmp_path / "r")
    assert resumed.run.finished == frozenset(done)
    resumed.close()


@pytest.mark.parametrize("processes", [0, 2])
def test_many_hands_give_what_few_give(
    slide: Slide, dark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    few = prepare(slide, dark, tmp_path / "few", block_patches=1)
    assert len(list(few.blocks())) > 6
    many = Crew(readers=4, ahead=6, measurers=4, unwritten=8, processes=processes)
    monkeypatch.setattr("napari_glioma_density.estimate.pipeline.crew_for", lambda _: many)
    busy = prepare(slide, dark, tmp_path / "many", block_patches=1)
    measured_elsewhere = ready_processes_only(monkeypatch) if processes else []
    list(busy.blocks())
    assert len(measured_elsewhere) == (len(busy.run.finished) if processes else 0)
    for job in (few, busy):
        job.close()
    assert np.array_equal(busy.run.nuclei(), few.run.nuclei())
    assert busy.run.patches().totals() == few.run.patches().totals()
    for level in range(3):
        assert np.array_equal(busy.run.mask(level)[:, :], few.run.mask(level)[:, :])
    assert not (busy.run.folder / "unclosed").exists()


def test_a_run_begun_on_a_gpu_is_resumed_without_one_as_a_processor_does(
    slide: Slide, dark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(dark), "device", "cuda", raising=False)
    prepare(slide, dark, tmp_path / "r").close()
    monkeypatch.undo()
    monkeypatch.setattr(type(dark), "on", lambda self, *_: self)
    asked: list[str] = []

    def crew_of(device: str) -> Crew:
        asked.append(device)
        return crew_for(device)

    monkeypatch.setattr("napari_glioma_density.estimate.pipeline.crew_for", crew_of)
    resumed = prepare(slide, dark, tmp_path / "r")
    assert resumed.run.spec.device == "cuda"
    assert list(resumed.blocks())
    resumed.close()
    assert asked == ["cpu"]


def test_processes_are_begun_for_many_blocks_only() -> None:
    crew = Crew(readers=8, ahead=10, measurers=12, unwritten=14, processes=8)
    assert crew.processes_for(12) == 0, "those of a view"
    assert crew.processes_for(1000) == 8
    assert crew_for("cpu").processes_for(1000) == 0
    assert crew_for("cuda").processes_for(10**6) > 0


def ready_processes_only(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Have processes waited for, and note what they are asked."""
    submit, asked = Processes.submit, []

    def noted(self: Processes, *work: Any) -> Any:
        asked.append(work)
        return submit(self, *work)

    monkeypatch.setattr(Processes, "submit", noted)
    monkeypatch.setattr(Processes, "is_ready", True)
    return asked


def test_a_process_that_is_killed_costs_no_block(
    slide: Slide, dark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew = Crew(readers=2, ahead=3, measurers=2, unwritten=2, processes=2)
    monkeypatch.setattr("napari_glioma_density.estimate.pipeline.crew_for", lambda _: crew)
    ready_processes_only(monkeypatch)
    sent = noted_memory(monkeypatch)
    job = prepare(slide, dark, tmp_path / "r", block_patches=1)
    blocks = job.blocks()
    next(blocks)
    for child in psutil.Process().children(recursive=True):
        if "forkserver" in " ".join(child.cmdline()) or "spawn" in " ".join(child.cmdline()):
            child.kill()
    rest = list(blocks)
    job.close()
    assert rest[-1].patches_done == rest[-1].patches_total
    assert not (job.run.folder / "unclosed").exists()
    assert len(sent) > 1
    assert not any((Path("/dev/shm") / memory).exists() for memory in sent)


def noted_memory(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the shared memory that is sent from now on."""
    names: list[str] = []

    def noted(*arrays: Any) -> Sent:
        sent = send(*arrays)
        names.append(sent.memory)
        return sent

    monkeypatch.setattr("napari_glioma_density.estimate.measuring.send", noted)
    return names


def test_a_damaged_tile_is_unread_and_no_density(
    slide_path: Path, dark: Any, tissue_rgb: NDArray[np.uint8], tmp_path: Path
) -> None:
    import tifffile

    with tifffile.TiffFile(slide_path) as tiff:
        page = tiff.pages[0]
        offset, length = page.dataoffsets[0], page.databytecounts[0]
    with slide_path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\x99" * length)
    with open_slide(slide_path) as slide:
        estimation = prepare(slide, dark, tmp_path / "r", tissue_mask=False)
        *_, last = estimation.blocks()
        estimation.close()
        run = estimation.run
    totals = run.patches().totals()
    assert last.patches_done == last.patches_total
    assert last.tissue_mm2_read == pytest.approx(last.tissue_mm2_total - totals.unread_mm2)
    truth = tissue_rgb[..., 0] < 150
    truth_read = np.ones(truth.shape, bool)
    truth_read[:256, :256] = False
    assert totals.unread_mm2 == pytest.approx(256**2 * 0.25e-6)
    assert totals.density_percent == pytest.approx(100 * truth[truth_read].mean())
    assert not run.mask(0)[:256, :256].any()


def test_a_damaged_tile_is_read_again_once_the_file_was_put_right(
    slide_path: Path, dark: Any, tmp_path: Path
) -> None:
    import tifffile

    sound = slide_path.read_bytes()
    with tifffile.TiffFile(slide_path) as tiff:
        page = tiff.pages[0]
        offset, length = page.dataoffsets[0], page.databytecounts[0]

    def estimate() -> Run:
        with open_slide(slide_path) as slide:
            # As that of a large slide, of which a few MiB are looked at.
            slide.fingerprint = "one"
            return run_whole(slide, dark, tmp_path / "r", tissue_mask=False)

    slide_path.write_bytes(sound[:offset] + b"\x99" * length + sound[offset + length :])
    for _ in range(2):  # as long as it is damaged it is not done over and over again
        damaged = estimate()
        assert damaged.patches().totals().unread_mm2 > 0
    lines = (damaged.folder / "journal.jsonl").read_bytes().count(b"\n")
    assert lines == len(damaged.finished)
    slide_path.write_bytes(sound)
    read = estimate()
    assert read.patches().totals().unread_mm2 == 0
    with open_slide(slide_path) as slide:
        whole = run_whole(slide, dark, tmp_path / "whole", tissue_mask=False)
    assert read.patches().totals() == whole.patches().totals()
    assert np.array_equal(read.nuclei(), whole.nuclei())


def test_other_settings_are_another_run(slide: Slide, dark: Any, tmp_path: Path) -> None:
    run_whole(slide, dark, tmp_path / "r")
    run_whole(slide, dark, tmp_path / "r", tissue_mask=False)
    store = next((tmp_path / "r").glob("*.glioma.zarr"))
    assert len(ResultStore(store).runs()) == 2
    assert zarr.open_group(store, mode="r")["runs"] is not None
