"""Whether a patch costs the same on a slide of any size, and memory stays.

    python benchmarks/scale.py FOLDER [--slide SLIDE] [--sizes 25000x15000 250000x150000]
        [--patches N] [--model NAME]

Slides at 0.5 µm/px are made of the real one (a synthetic one without `--slide`): 4096 × 4096 px of
it, cut into JPEG tiles, over and over, each tile's bytes in the file once. The main job runs over
each in a program of its own with a network that finds nothing, so what is timed is what lies around
the network: decoding, colours left out, patch sums, mask and journal on disk. With `--model` that
model finds what it finds.

Prints one JSON object, for every size: patches (`--patches` ends a run after so many), milliseconds
a patch over the whole run and over its first and last thousand, peak memory in MB, the tissue
found; then of its store: seconds to open it as the dock does, and milliseconds to read a screen of
the mask at three zooms, median of twenty places.
"""

import argparse
import json
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.estimate import prepare
from napari_glioma_density.findings.snapshot import Choices
from napari_glioma_density.nuclei.segmenter import load_segmenter
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.slides import open_slide
from napari_glioma_density.synthesis import synthesize
from napari_glioma_density.synthesis.tiff_writing import encode_tile
from napari_glioma_density.ui.stored import stored_results

TILE_PX, PATTERN_PX = 256, 4096
DOWNSAMPLES = (1, 4, 16, 64)
SCREEN_PX = (1000, 1600)
END = 1000
MIB = 2**20
Rgb = NDArray[np.uint8]


class FindsNothing:
    """A network that costs nothing and finds nothing."""

    spec = ModelSpec(name="nothing", title="Nothing", architecture="none", input="rgb")
    sha256 = "0" * 64
    device, precision = "cpu", "fp32"

    def learnt(self) -> frozenset[str]:
        """Return nothing: it has learnt from no picture."""
        return frozenset()

    def tuned_on(self) -> None:
        """Return nothing: it was not fine-tuned."""

    def segment(self, images: Rgb) -> Rgb:
        """Return empty masks."""
        return np.zeros(images.shape[:3], np.uint8)

    def on(self, *_: str) -> "FindsNothing":
        """Return itself: it runs anywhere."""
        return self

    def for_organ(self, _: Any) -> "FindsNothing":
        """The same: it knows no organ."""
        return self

    def fitted(self, _: object) -> "FindsNothing":
        """Return itself: there is nothing to fit."""
        return self


# --- the slide ----------------------------------------------------------------------------------


def pattern(path: Path) -> Rgb:
    """Return 4096 × 4096 px of a slide, mirrored where it ends."""
    with open_slide(path) as slide:
        height, width = (min(side, PATTERN_PX) for side in (slide.height, slide.width))
        rgb = slide.read(0, 0, 0, height, width).rgb
    missing = [(0, PATTERN_PX - side) for side in rgb.shape[:2]]
    return np.pad(rgb, [*missing, (0, 0)], mode="symmetric")


def write_slide(path: Path, rgb: Rgb, width: int, height: int, um_per_px: float = 0.5) -> None:
    """Write a BigTIFF whose tiles of a level are those of `rgb`, over and over."""
    levels = [_level(rgb, downsample, width, height) for downsample in DOWNSAMPLES]
    with path.open("wb") as file:
        file.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))
        before = 8
        for number, (size, tiles, order) in enumerate(levels):
            offsets = []
            for tile in tiles:
                offsets.append(file.tell())
                file.write(tile)
            counts = np.array([len(tile) for tile in tiles], "<u8")[order]
            places = _written(file, np.array(offsets, "<u8")[order]), _written(file, counts)
            at = file.tell()
            per_cm = round(10_000 / um_per_px)
            file.write(_directory(size, len(order), *places, per_cm, is_reduced=number > 0))
            file.seek(before)
            file.write(struct.pack("<Q", at))
            file.seek(0, 2)
            before = file.tell() - 8


def _level(
    rgb: Rgb, downsample: int, width: int, height: int
) -> tuple[tuple[int, int], list[bytes], NDArray[np.int64]]:
    """Size of a level, its different tiles, and which of them lies where."""
    side = PATTERN_PX // downsample
    small = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA)
    repeats = max(1, TILE_PX // side)
    small = np.tile(small, (repeats, repeats, 1))
    across = len(small) // TILE_PX
    starts = [TILE_PX * number for number in range(across)]
    tiles = [
        encode_tile(np.ascontiguousarray(small[y : y + TILE_PX, x : x + TILE_PX]))
        for y in starts
        for x in starts
    ]
    size = -(-width // downsample), -(-height // downsample)
    columns, rows = (-(-part // TILE_PX) for part in size)
    order = (np.arange(rows)[:, None] % across) * across + np.arange(columns) % across
    return size, tiles, order.ravel()


def _written(file: Any, values: NDArray[np.uint64]) -> int:
    at = int(file.tell())
    file.write(values.tobytes())
    return at


def _directory(
    size: tuple[int, int], tiles: int, offsets: int, counts: int, per_cm: int, *, is_reduced: bool
) -> bytes:
    """One image directory: JPEG in YCbCr 4:2:2; the next one's place is left open."""
    resolution = struct.pack("<II", per_cm, 1)
    entries = [
        (254, 4, 1, struct.pack("<Q", int(is_reduced))),
        (256, 4, 1, struct.pack("<Q", size[0])),
        (257, 4, 1, struct.pack("<Q", size[1])),
        (258, 3, 3, struct.pack("<4H", 8, 8, 8, 0)),
        (259, 3, 1, struct.pack("<Q", 7)),
        (262, 3, 1, struct.pack("<Q", 6)),
        (277, 3, 1, struct.pack("<Q", 3)),
        (282, 5, 1, resolution),
        (283, 5, 1, resolution),
        (296, 3, 1, struct.pack("<Q", 3)),
        (322, 3, 1, struct.pack("<Q", TILE_PX)),
        (323, 3, 1, struct.pack("<Q", TILE_PX)),
        (324, 16, tiles, struct.pack("<Q", offsets)),
        (325, 16, tiles, struct.pack("<Q", counts)),
        (530, 3, 2, struct.pack("<4H", 2, 1, 0, 0)),
    ]
    packed = b"".join(struct.pack("<HHQ", *head) + value for *head, value in entries)
    return struct.pack("<Q", len(entries)) + packed + struct.pack("<Q", 0)


# --- what is measured ---------------------------------------------------------------------------


def run(path: Path, most_patches: int, model: str) -> dict[str, Any]:
    """Estimate a slide from its first to its last patch, or to so many."""
    segmenter = load_segmenter(model) if model else FindsNothing()
    times = [time.perf_counter()]
    done = [0]
    with open_slide(path) as slide:
        estimation = prepare(slide, segmenter, path.parent, restart=True)
        opened = time.perf_counter()
        for progress in estimation.blocks(halted=lambda: done[-1] >= most_patches):
            times.append(time.perf_counter())
            done.append(progress.patches_done)
        estimation.close()
        patches = estimation.run.patches()
    return {
        "patches": done[-1],
        "open, s": opened - times[0],
        "ms a patch": 1e3 * (times[-1] - opened) / done[-1],
        "ms a patch, first thousand": _ms_between(times, done, 0, END),
        "ms a patch, last thousand": _ms_between(times, done, done[-1] - END, done[-1]),
        "finish, s": time.perf_counter() - times[-1],
        "peak memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB,
        "tissue, mm²": float(patches.totals().tissue_mm2),
    }


def _ms_between(times: list[float], done: list[int], first: int, last: int) -> float:
    """Milliseconds a patch between two numbers of finished patches."""
    begin, end = (int(np.searchsorted(done, number)) for number in (first, min(last, done[-1])))
    begin = max(begin, 1)
    return 1e3 * (times[end] - times[begin]) / (done[end] - done[begin])


def reopen(path: Path, *_same_as_run: object) -> dict[str, Any]:
    """Open the store as the dock does, and read screens of the mask."""
    with open_slide(path) as slide:
        begun = time.perf_counter()
        shown = stored_results(slide, Choices())
        opened = time.perf_counter() - begun
    assert shown is not None
    luck = np.random.default_rng(0)
    screens = {}
    for zoom, mask in zip((1, 4, 16), shown.masks, strict=True):
        times = []
        for _ in range(20):
            y, x = (
                int(luck.integers(0, max(1, side - part)))
                for side, part in zip(mask.shape, SCREEN_PX, strict=True)
            )
            begun = time.perf_counter()
            mask[y : y + SCREEN_PX[0], x : x + SCREEN_PX[1]]
            times.append(1e3 * (time.perf_counter() - begun))
        screens[f"1:{zoom}"] = statistics.median(times)
    return {"open the store, s": opened, "a screen of the mask, ms": screens}


def _elsewhere(what: str, path: Path, asked: argparse.Namespace) -> dict[str, Any]:
    same = ["--patches", str(asked.patches), "--model", asked.model]
    told = subprocess.run(
        [sys.executable, __file__, str(path), "--only", what, *same],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def main() -> None:
    """Measure every size and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slide", type=Path)
    parser.add_argument(
        "--sizes", nargs="+", default=["25000x15000", "80000x50000", "250000x150000"]
    )
    parser.add_argument("--patches", type=int, default=sys.maxsize)
    parser.add_argument("--model", default="", help="none: a network that finds nothing")
    parser.add_argument("--only", choices=("run", "reopen"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        do = run if asked.only == "run" else reopen
        print(json.dumps(do(asked.folder, asked.patches, asked.model)))
        return
    asked.folder.mkdir(parents=True, exist_ok=True)
    source = asked.slide or asked.folder / "synthetic.tiff"
    if not source.exists():
        synthesize(source, PATTERN_PX, PATTERN_PX, 0.5, seed=1, tissue_fraction=0.8)
    rgb, report = pattern(source), {}
    for size in asked.sizes:
        path = asked.folder / f"{size}.tiff"
        write_slide(path, rgb, *(int(side) for side in size.split("x")))
        found = _elsewhere("run", path, asked) | _elsewhere("reopen", path, asked)
        report[size] = {n: round(v, 2) if isinstance(v, float) else v for n, v in found.items()}
        print(f"{size}: {report[size]}", file=sys.stderr, flush=True)
        shutil.rmtree(path.with_name(f"{path.name}.glioma.zarr"), ignore_errors=True)
    print(json.dumps(report, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
