"""A whole slide of tissue from the click to the finished run: how long, and how busy the GPU is.

    python benchmarks/whole_slide.py FOLDER [--slide SLIDE] [--size 80000x50000] [--um-per-px 0.5]
        [--model accurate] [--views 1] [--device cuda] [--precision bf16] [--block-px 1920]
        [--rounds 1]

The slide is made of a real one (a synthetic one without `--slide`), its tiles over and over, as
`scale.py` makes it. `accurate` has base width 32; with `--views 1` it looks at each block once. The
model is loaded and has seen a blank block before the clock starts, as in the window.

Prints one JSON object: patches, seconds before the first block, of the blocks, of the nucleus table
and in all; thread seconds of the stages; ms a block of the network alone, its blocks in memory, and
what share of the blocks' time that is; how busy the GPU said it was meanwhile (NVML, %), where
`nvidia-ml-py` is installed; peak memory of the program and of the GPU, MB; the tissue's density.
"""

import argparse
import contextlib
import json
import resource
import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from scale import PATTERN_PX, pattern, write_slide

from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.estimate import Estimation, prepare, rehearse_first_block
from napari_glioma_density.estimate.measurement import block_window, unseen_rim_px
from napari_glioma_density.nuclei.block_queue import block_queue
from napari_glioma_density.nuclei.registry import find_model
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.nuclei.weights import load_network, save_network
from napari_glioma_density.slides import open_slide
from napari_glioma_density.synthesis import synthesize

ALONE, UNDER_WAY = 40, 4
STAGES = ("read", "infer", "write")
MIB = 2**20


def weights_with_views(model: str, views: int, folder: Path) -> Path:
    """The weights of a model that looks so many times."""
    spec, network = load_network(find_model(model).path)
    path = folder / f"{model}-{views}.safetensors"
    save_network(path, spec.with_(views=views, soft_views=0), network)
    return path


@contextlib.contextmanager
def busy_percent(device: str) -> Iterator[list[float]]:
    """What the GPU says of itself every tenth of a second; nothing where it cannot be asked."""
    told: list[float] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.1):
            told.append(float(torch.cuda.utilization()))

    asking = threading.Thread(target=ask, daemon=True)
    if device == "cuda" and _can_be_asked():
        asking.start()
    yield told
    over.set()


def _can_be_asked() -> bool:
    try:
        torch.cuda.utilization()
    except (ModuleNotFoundError, RuntimeError):
        return False
    return True


def alone(job: Estimation, segmenter: NetworkSegmenter) -> float:
    """Milliseconds a block of the network alone, blocks in memory, several under way."""
    spec = job.run.spec
    block = max(job.run.finished, key=lambda each: (each.rows * each.columns, each))
    pixels = job.plane.read(*block_window(block, job.run.lattice, spec.halo_px))
    queue = block_queue(segmenter, unseen_rim_px(spec.halo_px))
    uploaded = queue.uploaded(pixels.rgb)
    queue.begin(uploaded)()
    begun = time.perf_counter()
    answers = []
    for _ in range(ALONE):
        answers.append(queue.begin(uploaded))
        if len(answers) > UNDER_WAY:
            answers.pop(0)()
    for answer in answers:
        answer()
    return 1e3 * (time.perf_counter() - begun) / ALONE


def measured(path: Path, segmenter: NetworkSegmenter, block_px: int | None) -> dict[str, Any]:
    """Run the whole slide once."""
    side = None if block_px is None else block_px // PATCH_PX
    rehearse_first_block(segmenter)
    begun = time.perf_counter()
    with open_slide(path) as slide, busy_percent(segmenter.device) as busy:
        job = prepare(slide, segmenter, path.parent, restart=True, block_patches=side)
        opened = time.perf_counter()
        done = [time.perf_counter() for _ in job.blocks(tables=False)]
        told = list(busy)
        job.finish()
        finished = time.perf_counter()
        totals = job.run.patches().totals()
        ms = alone(job, segmenter.fitted(job.run.spec.colour_statistics))
        job.close()
    report = {
        "patches": int((job.run.patches().read_px > 0).sum()),
        "blocks": len(done),
        "before the first block, s": opened - begun,
        "first block, s": done[0] - opened,
        "blocks, s": done[-1] - opened,
        "nucleus table, s": finished - done[-1],
        "in all, s": finished - begun,
        "thread seconds": {stage: getattr(job.seconds, stage) for stage in STAGES},
        "network alone, ms a block": ms,
        "network alone ÷ blocks": ms * len(done) / 1e3 / (done[-1] - opened),
        "GPU busy, %": statistics.mean(told) if told else None,
        "peak memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB,
        "density, %": totals.density_percent,
        "nuclei a mm² of tissue": totals.nuclei_per_mm2,
    }
    if segmenter.device == "cuda":
        report["peak memory of the GPU, MB"] = torch.cuda.max_memory_allocated() / MIB
    return report


def rounded(report: Any) -> Any:
    """The same to two places."""
    if isinstance(report, dict):
        return {name: rounded(value) for name, value in report.items()}
    return round(report, 2) if isinstance(report, float) else report


def main() -> None:
    """Make the slide, run it, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slide", type=Path)
    parser.add_argument("--size", default="80000x50000")
    parser.add_argument("--um-per-px", type=float, default=0.5)
    parser.add_argument("--model", default="accurate")
    parser.add_argument("--views", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision")
    parser.add_argument("--block-px", type=int)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    source = asked.slide or asked.folder / "synthetic.tiff"
    if not source.exists():
        synthesize(source, PATTERN_PX, PATTERN_PX, 0.5, seed=1, tissue_fraction=0.8)
    path = asked.folder / f"{asked.size} at {asked.um_per_px}.tiff"
    width, height = (int(side) for side in asked.size.split("x"))
    write_slide(path, pattern(source), width, height, um_per_px=asked.um_per_px)
    weights = weights_with_views(asked.model, asked.views, asked.folder)
    segmenter = load_segmenter(weights, asked.device, asked.precision)
    for _ in range(asked.rounds):
        report = {"size": asked.size, "µm/px": asked.um_per_px, "model": asked.model}
        report |= {"device": segmenter.device, "precision": segmenter.precision}
        report |= measured(path, segmenter, asked.block_px)
        print(json.dumps(rounded(report), ensure_ascii=False), flush=True)
        shutil.rmtree(path.with_name(f"{path.name}.glioma.zarr"), ignore_errors=True)


if __name__ == "__main__":
    main()
