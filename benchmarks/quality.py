"""What quality control leaves out of sound tissue, and what it finds of blur, folds and pen.

    GLIOMA_DENSITY_DATA=FOLDER python benchmarks/quality.py -o WORK [--sets gbm lgg …]

Annotated fields are laid out as slides, one for every laboratory, organ or patient, so that what is
usual on a slide is usual there: fields side by side, each mirrored so that no edge shows, each
slide in JPEG. Prints one JSON object: for every set its mm², the share left out by reason, and how
much of the same tissue is found once it is blurred by a Gaussian, folded on itself in bands of
100 µm, or marked with a blue pen.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import shapely
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.regions.quality_check import check_quality
from napari_glioma_density.slides import open_slide, whole_slide_tissue, working_plane
from napari_glioma_density.training.dataset import Field, open_data_set, read_rgb

Picture = NDArray[np.uint8]
SETS = {
    "gbm": "glioma_research/gbm",
    "lgg": "validation/lgg",
    "kumar": "validation/kumar",
    "consep": "validation/consep",
    "tnbc": "train/tnbc",
    "nuinsseg": "train/nuinsseg",
}
SOUND = {"consep": ("train_12", "train_15", "train_2")}
"""Fields that are inked or dirty indeed."""
# Nominal 0.275, by the size of its nuclei 0.35 to 0.4.
TRUE_UM = {"consep": 0.38}
MOST_FIELDS = 16
BANDS_UM = (100, 500)


def slide_of(name: str, field: Field) -> str:
    """Name what was stained and scanned alike."""
    stem = field.image.stem
    if name == "kumar":
        return stem
    if name in ("nuinsseg", "tnbc", "lgg"):
        return stem.rsplit("_", 1)[0]
    return name


def laid_out(pictures: list[Picture]) -> Picture:
    """Lay fields out in rows, each with its mirror images."""
    side = min(min(each.shape[:2]) for each in pictures)
    mirrored = []
    for each in pictures:
        wide = np.hstack([each[:side, :side], each[:side, :side][:, ::-1]])
        mirrored.append(np.vstack([wide, wide[::-1]]))
    across = int(np.ceil(np.sqrt(len(mirrored))))
    mirrored += mirrored[: -len(mirrored) % across]
    rows = [np.hstack(mirrored[at : at + across]) for at in range(0, len(mirrored), across)]
    return np.ascontiguousarray(np.vstack(rows))


def bands(picture: Picture, um_per_px: float) -> NDArray[np.bool_]:
    """Return columns of px that are to be spoilt: a band in every so many."""
    wide, every = (round(um / um_per_px) for um in BANDS_UM)
    spoilt = (np.arange(picture.shape[1]) + every // 2) % every < wide
    return np.broadcast_to(spoilt, picture.shape[:2])


def folded(picture: Picture, um_per_px: float) -> Picture:
    """Lay the tissue's mirror image over it, slightly out of focus, in bands."""
    other = cv2.GaussianBlur(picture[::-1], (0, 0), 1.0 / um_per_px).astype(np.float32)
    twice = picture * np.minimum(other / 243, 1)
    return np.where(bands(picture, um_per_px)[..., None], twice, picture).astype(np.uint8)


def inked(picture: Picture, um_per_px: float) -> Picture:
    """Draw a blue pen over bands; nuclei still show through."""
    passes = np.array([0.12, 0.45, 0.85], np.float32)
    marked = picture * passes
    return np.where(bands(picture, um_per_px)[..., None], marked, picture).astype(np.uint8)


def blurred(by_um: float) -> Callable[[Picture, float], Picture]:
    """Return what blurs a picture; noise of the sensor stays sharp."""

    def blur(picture: Picture, um_per_px: float) -> Picture:
        soft = cv2.GaussianBlur(picture, (0, 0), by_um / um_per_px).astype(np.float32)
        noise = np.random.default_rng(0).normal(0, 1.5, picture.shape[:2])
        taken: Picture = np.clip(np.rint(soft + noise[..., None]), 0, 255).astype(np.uint8)
        return taken

    return blur


SPOILT: dict[str, tuple[str, Callable[[Picture, float], Picture]]] = {
    "blurred by 1 µm": ("blur", blurred(1.0)),
    "blurred by 1.5 µm": ("blur", blurred(1.5)),
    "blurred by 2 µm": ("blur", blurred(2.0)),
    "blurred by 3 µm": ("blur", blurred(3.0)),
    "blurred by 6 µm": ("blur", blurred(6.0)),
    "folded": ("fold", folded),
    "pen": ("pen", inked),
}


def left_out(
    picture: Picture, um_per_px: float, work: Path, where: NDArray[np.bool_] | None = None
) -> tuple[float, Counter[str], float]:
    """Return mm² of the slide, mm² left out by reason, and how many seconds it took.

    `where` limits what is counted.
    """
    path = work / f"{os.getpid()}.tiff"
    per_cm = 1e4 / um_per_px
    tifffile.imwrite(
        path, picture, tile=(256, 256), compression="jpeg", compressionargs={"level": 85},
        photometric="rgb", resolution=(per_cm, per_cm), resolutionunit="CENTIMETER",
    )  # fmt: skip
    px_mm2 = (um_per_px / 1000) ** 2
    counted = np.ones(picture.shape[:2], bool) if where is None else where
    with open_slide(path) as slide:
        plane = working_plane(slide, 0.5)
        started = time.perf_counter()
        regions = check_quality(plane, whole_slide_tissue(plane).kinds)
        seconds = time.perf_counter() - started
    path.unlink()
    by_reason: Counter[str] = Counter()
    for region in regions:
        drawn = np.zeros(picture.shape[:2], np.uint8)
        for part in shapely.get_parts(region.geometry):
            rings = [np.rint(np.array(ring.coords)).astype(np.int32) for ring in
                     (part.exterior, *part.interiors)]  # fmt: skip
            cv2.fillPoly(drawn, rings, 1)
        mm2 = int(np.count_nonzero(drawn[counted])) * px_mm2
        by_reason[str(region.reason)] += mm2  # type: ignore[assignment]  # it adds fractions, too
    return int(np.count_nonzero(counted)) * px_mm2, by_reason, seconds


def slides_of(name: str, data: Path) -> Iterator[tuple[Picture, float]]:
    """Yield the slides of a set and their µm/px."""
    by_slide: defaultdict[str, list[Field]] = defaultdict(list)
    for field in open_data_set(data / SETS[name]):
        if field.image.stem not in SOUND.get(name, ()):
            by_slide[slide_of(name, field)].append(field)
    for fields in by_slide.values():
        um = TRUE_UM.get(name, fields[0].um_per_px)
        yield laid_out([read_rgb(field.image) for field in fields[:MOST_FIELDS]]), um


def measure(name: str, data: Path, work: Path) -> dict[str, Any]:
    """Return the figures of one set."""
    mm2 = seconds = 0.0
    reasons: Counter[str] = Counter()
    worst = 0.0
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for number, (picture, um) in enumerate(slides_of(name, data)):
        here, by_reason, took = left_out(picture, um, work)
        mm2, seconds, reasons = mm2 + here, seconds + took, reasons + by_reason
        worst = max(worst, by_reason.total() / here)
        for spoilt, (reason, spoil) in SPOILT.items() if number < 6 else ():
            where = bands(picture, um) if reason != "blur" else None
            here, by_reason, _ = left_out(spoil(picture, um), um, work, where)
            found[spoilt].append((by_reason[reason], here))
    return {
        "mm2": round(mm2, 2),
        "left_out_percent": {key: round(100 * each / mm2, 3) for key, each in reasons.items()},
        "left_out_percent_in_all": round(100 * reasons.total() / mm2, 3),
        "worst_slide_percent": round(100 * worst, 2),
        "found_percent": {
            key: round(100 * sum(a for a, _ in each) / sum(b for _, b in each), 1)
            for key, each in found.items()
        },
        "seconds": round(seconds, 1),
    }


def main() -> None:
    """Print the figures of all sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the slides")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    asked = parser.parse_args()
    if "GLIOMA_DENSITY_DATA" not in os.environ:
        sys.exit("name the folder of the annotated sets in GLIOMA_DENSITY_DATA")
    data = Path(os.environ["GLIOMA_DENSITY_DATA"]) / "data"
    asked.output.mkdir(parents=True, exist_ok=True)
    figures = {name: measure(name, data, asked.output) for name in asked.sets}
    print(json.dumps(figures, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
