"""How far the main job is from what decoding and arithmetic allow, and from what others do.

    python -m benchmarks.speed [FOLDER] [-o FILE] [--quick] [--rounds N] [--device cpu]

Everything is a ratio of what took turns in this run, A B B A, after a round to warm up; median and
quartiles over the rounds. Prints a Markdown table; ``-o`` keeps the same as JSON, with seconds.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import torch

from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.estimate.estimation import BLOCK_PATCHES
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter

from .feeds import THREADS, Feeds, decoded_per_needed
from .naive import NaiveLoop
from .pairs import Figure, Seconds, as_table, ratio, take_turns
from .peers import instanseg
from .runs import Runs
from .samples import Sample, samples


def job_figures(runs: Runs, times: Seconds) -> list[Figure]:
    """How the whole job compares with its stages and with the naive loop."""
    name = runs.sample.name
    px_mm2 = (PATCH_PX * runs.um_per_px / 1000) ** 2
    aim = "≥ 2" if runs.segmenter.device != "cpu" or _has_bfloat16() else "≥ 1.2"
    figures = [
        Figure.of(name, "whole job, mm²/s", [px_mm2 / s for s in times["whole"]]),
        Figure.of(name, "naive loop ÷ whole job", ratio(times, "naive", "whole"), aim),
        floor_figure(name, times, runs.segmenter.device),
    ]
    return figures + [
        Figure.of(name, f"{stage} ÷ whole job", ratio(times, stage, "whole"))
        for stage in ("network", "decode", "colours", "results")
    ]


def floor_figure(name: str, times: Seconds, device: str) -> Figure:
    """How far the job is from its decoding and its network, which a GPU does at the same time."""
    together = max if device == "cuda" else sum
    floor = [together(pair) for pair in zip(times["decode"], times["network"], strict=True)]
    ratios = [w / f for w, f in zip(times["whole"], floor, strict=True)]
    if device == "cuda":
        return Figure.of(name, "whole job ÷ slower of decode and network", ratios, "≤ 1.25")
    return Figure.of(name, "whole job ÷ (decode + network)", ratios, "≤ 1.15")


def peer_figures(name: str, times: Seconds) -> list[Figure]:
    """How the whole job compares with the networks of others."""
    formats = [side for side in times if side.startswith("InstanSeg")]
    if not formats:
        return []
    faster = min(formats, key=lambda side: sum(times[side]))
    return [Figure.of(name, f"{faster}, fp32 ÷ whole job", ratio(times, faster, "whole"), "≥ 6")]


def feed_figures(name: str, times: Seconds) -> list[Figure]:
    """How our tile feed compares with others."""
    return [
        Figure.of(name, "feed, patches/s", [1 / s for s in times["feed"]]),
        Figure.of(name, "OpenSlide ÷ feed", ratio(times, "OpenSlide", "feed"), "≥ 1.8"),
        Figure.of(name, "dask.from_zarr ÷ feed", ratio(times, "dask", "feed"), "≥ 5"),
    ]


def precision_figure(runs: Runs) -> Figure:
    """What the number format does to the density of a patch."""
    name = f"density of a patch, {runs.segmenter.precision} − fp32, points at most"
    return Figure.of(runs.sample.name, name, [runs.precision_error()], "≤ 0.3")


def tile_figure(segmenter: NetworkSegmenter, folder: Path) -> Figure:
    """How often the job decodes a tile of a large slide."""
    side = BLOCK_PATCHES[segmenter.device]
    times = decoded_per_needed(segmenter.spec.halo_px, side, folder)
    return Figure.of("blank, 40 000 × 30 000 px", "tiles decoded ÷ needed", [times], "≤ 1.15")


def measured(
    sample: Sample, segmenter: NetworkSegmenter, folder: Path, asked: argparse.Namespace
) -> tuple[list[Figure], dict[str, Any]]:
    """Everything about one slide: figures, and the seconds a patch that they come from."""
    runs = Runs(sample, segmenter, folder / "results")
    feeds = Feeds(sample, segmenter.spec.um_per_px, runs.patch_windows())
    fed = take_turns(feeds.sides, max(asked.rounds, 9))
    naive = NaiveLoop(runs, asked.model)
    sides = {**runs.stages, "naive": naive.seconds, **instanseg(PATCH_PX)}
    done = take_turns(sides, asked.rounds)
    figures = [
        *job_figures(runs, done),
        *peer_figures(sample.name, done),
        *feed_figures(sample.name, fed),
        precision_figure(runs),
    ]
    return figures, {"patches": runs.patches, "seconds a patch": {**done, **fed}}


def machine(segmenter: NetworkSegmenter) -> dict[str, Any]:
    """Where this was measured, and what else was going on there."""
    return {
        "processor": _processor(),
        "AVX512-BF16": _has_bfloat16(),
        "cores": os.cpu_count(),
        "feed threads": THREADS,
        "device": segmenter.device,
        "precision": segmenter.precision,
        "torch": torch.__version__,
        "torch threads": torch.get_num_threads(),
        "load average": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "when": time.strftime("%Y-%m-%d %H:%M"),
    }


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    named = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 by itself; PyTorch has no public word for it."""
    return torch.cpu._is_avx512_bf16_supported()


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("build/speed"))
    parser.add_argument("-o", "--output", type=Path, help="JSON file")
    parser.add_argument("--quick", action="store_true", help="one small slide, about a minute")
    parser.add_argument("--rounds", type=int, help="7, or 3 when quick")
    parser.add_argument("--slides", default="", help="only slides whose name holds this")
    parser.add_argument("--model", default="fast")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", help="the one that a trial finds fastest unless given")
    asked = parser.parse_args()
    asked.rounds = asked.rounds or (3 if asked.quick else 7)
    asked.folder.mkdir(parents=True, exist_ok=True)
    segmenter = load_segmenter(asked.model, asked.device, asked.precision)
    report: dict[str, Any] = {"machine": machine(segmenter), "figures": [], "slides": {}}
    figures: list[Figure] = []
    for sample in samples(asked.folder, quick=asked.quick, named=asked.slides):
        print(f"{sample.name} …", file=sys.stderr, flush=True)
        found, report["slides"][sample.name] = measured(sample, segmenter, asked.folder, asked)
        figures += found
    figures.append(tile_figure(segmenter, asked.folder))
    shutil.rmtree(asked.folder / "results", ignore_errors=True)
    report["figures"] = [figure.as_row() for figure in figures]
    report["machine"]["load average after"] = os.getloadavg() if hasattr(os, "getloadavg") else None
    if asked.output:
        asked.output.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    print(json.dumps(report["machine"], ensure_ascii=False), as_table(figures), sep="\n\n")


if __name__ == "__main__":
    main()
