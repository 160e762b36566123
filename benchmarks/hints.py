"""Hints on annotated glioma: which nuclei that the model missed they point to, and at what price.

    GLIOMA_DENSITY_DATA=FOLDER python benchmarks/hints.py -o FOLDER [--model fast] [--threads N]

Writes FOLDER/hints.json and FOLDER/hints.md, and prints the latter. All at 0.5 µm/px, of nuclei of
at least 8 µm². The words:

missed     less than half of the nucleus' pixels are in the model's mask
true hint  its point lies in a missed nucleus, or half of its pixels or more do; such a nucleus
           counts as found
false hint any other, also one on a nucleus that the model has in part
accepted   the pixels of all true hints joined to the mask, as they are

The settings of the hints were chosen on every second field, the first among them; the table has
those fields and the others, of the same patients, in rows of their own. Each field is its own
slide for the stretch and the threshold, because the data are single fields.
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from napari_glioma_density.annotation.growing import grow
from napari_glioma_density.annotation.hint_settings import HintSettings, HintSource
from napari_glioma_density.annotation.hints import Hint, HintMap, find_hints, missing_hints
from napari_glioma_density.annotation.scores import Probability, Score
from napari_glioma_density.annotation.slide_scores import picture_score_statistics
from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.pictures import model_probability, resampled
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.nuclei.table import SMALLEST_NUCLEUS_UM2
from napari_glioma_density.training.dataset import Field, open_data_set, read_field
from napari_glioma_density.training.ignore_zones import read_ignored
from napari_glioma_density.training.metrics import PixelCounts

SETS = ("validation/lgg", "glioma_research/gbm")
UM_PER_PX = 0.5
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Ground:
    """A field at working resolution, what people drew in it, and what the model found."""

    rgb: NDArray[np.uint8]
    truth: NDArray[np.intp]
    unsure: NDArray[np.bool_]
    """Around clicks on nuclei that nobody outlined."""
    probability: NDArray[np.float32]
    mask: NDArray[np.bool_]

    @property
    def area(self) -> NDArray[np.intp]:
        """Pixels of each true nucleus, by id."""
        return np.bincount(self.truth.ravel())

    @property
    def there(self) -> NDArray[np.bool_]:
        """Whether there is a nucleus of some size, by id."""
        large = self.area * UM_PER_PX**2 >= SMALLEST_NUCLEUS_UM2
        large[0] = False
        return large

    @property
    def missed(self) -> NDArray[np.bool_]:
        """Whether the model missed it, by id."""
        area = self.area
        covered = np.bincount(self.truth[self.mask], minlength=len(area))
        return self.there & (covered < 0.5 * area)

    def score(self, source: HintSource) -> tuple[Score, float]:
        """The score and the suggested threshold, the field being its own slide."""
        model: Probability = lambda _: self.probability[np.newaxis]  # noqa: E731
        statistics = picture_score_statistics(self.rgb, source, model, UM_PER_PX)
        return statistics.score(self.rgb, UM_PER_PX, model), statistics.threshold


def read_ground(field: Field, segmenter: NetworkSegmenter) -> Ground:
    """Read a field of a data set and let the model segment it."""
    pixels = read_field(field)
    rgb = resampled(pixels.rgb, field.um_per_px, UM_PER_PX)
    ignored = read_ignored(field, pixels.labels)
    zones = np.zeros(pixels.labels.shape, np.uint8) if ignored is None else np.uint8(ignored)
    unsure = cv2.resize(zones, rgb.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    probability = model_probability(segmenter, rgb, UM_PER_PX)
    mask = probability >= segmenter.spec.threshold
    return Ground(rgb, _reduced(pixels.labels, rgb.shape[:2]), unsure > 0, probability, mask)


def _reduced(labels: NDArray[np.uint16], size: tuple[int, ...]) -> NDArray[np.intp]:
    """Ids at working resolution; a pixel is nucleus where half of its area is."""
    share = cv2.resize(np.float32(labels > 0), size[::-1], interpolation=cv2.INTER_AREA)
    # A nucleus' id where its pixel began on the other side of the outline, too.
    spread = np.where(labels > 0, labels, cv2.dilate(labels, np.ones((3, 3), np.uint8)))
    ids = cv2.resize(spread, size[::-1], interpolation=cv2.INTER_NEAREST)
    return np.where(share >= 0.5, ids, 0).astype(np.intp)


class Judged(NamedTuple):
    """What became of one hint."""

    is_true: bool
    nucleus: int
    iou: float
    confidence: float
    on_click: bool


def judge(ground: Ground, hint: Hint, shown: HintMap) -> Judged:
    """Compare a hint with what people drew."""
    missed, area = ground.missed, ground.area
    inside = shown.labels[hint.window] == hint.id
    shares = np.bincount(ground.truth[hint.window][inside], minlength=len(area))
    at_point = int(ground.truth[hint.y, hint.x])
    best = at_point if missed[at_point] else int(np.where(missed, shares, 0).argmax())
    is_true = bool(missed[best]) and (best == at_point or shares[best] >= 0.5 * inside.sum())
    union = int(inside.sum()) + area[best] - shares[best]
    on_click = bool(ground.unsure[hint.window][inside].any())
    return Judged(is_true, best, float(shares[best] / union), hint.confidence, on_click)


def row_of(name: str, fields: Sequence[Ground], source: HintSource) -> Row:
    """All figures of a source on some fields."""
    judged: list[Judged] = []
    before, after, found = PixelCounts(), PixelCounts(), 0
    for ground in fields:
        score, threshold = ground.score(source)
        hints = find_hints(score, HintSettings(source, threshold), UM_PER_PX)
        shown = missing_hints(hints, ground.mask.astype(np.uint8))
        mine = [judge(ground, hint, shown) for hint in shown.hints]
        accepted = [hint.id for hint, one in zip(shown.hints, mine, strict=True) if one.is_true]
        before += PixelCounts.of(ground.mask, ground.truth)
        after += PixelCounts.of(ground.mask | np.isin(shown.labels, accepted), ground.truth)
        found += len({one.nucleus for one in mine if one.is_true})
        judged += mine
    missed = sum(int(ground.missed.sum()) for ground in fields)
    true = [one for one in judged if one.is_true]
    false = [one for one in judged if not one.is_true]
    return {
        "fields": name,
        "source": str(source),
        "nuclei": sum(int(ground.there.sum()) for ground in fields),
        "missed": missed,
        "found": found,
        "found_percent": 100 * found / max(1, missed),
        "false_per_true": len(false) / max(1, len(true)),
        "false_on_clicks": sum(one.on_click for one in false),
        "iou": float(np.median([one.iou for one in true])) if true else None,
        "confidence_auc": _auc([o.confidence for o in true], [o.confidence for o in false]),
        **_change(before, after),
    }


def _change(before: PixelCounts, after: PixelCounts) -> Row:
    return {
        f"{name}_{when}_percent": 100 * counts.scores()[name]
        for name in ("recall", "precision")
        for when, counts in (("before", before), ("after", after))
    }


def _auc(high: Sequence[float], low: Sequence[float]) -> float | None:
    """Share of pairs in which the true hint is the more confident one."""
    if not high or not low:
        return None
    above = np.subtract.outer(np.array(high), np.array(low))
    return float((above > 0).mean() + (above == 0).mean() / 2)


def clicked(name: str, fields: Sequence[Ground], source: HintSource) -> Row:
    """A click on the centroid of every nucleus: how good is what grows there."""
    ious, seconds = [], []
    for ground in fields:
        score, _ = ground.score(source)
        free = np.zeros(score.shape, dtype=np.bool_)
        for nucleus in np.flatnonzero(ground.there):
            mine = ground.truth == nucleus
            y, x = (round(float(places.mean())) for places in np.nonzero(mine))
            began = time.process_time()
            grown = grow(score, y, x, UM_PER_PX, free, SMALLEST_NUCLEUS_UM2, 150)
            seconds.append(time.process_time() - began)
            both = 0 if grown is None else int((grown & mine).sum())
            union = int((mine if grown is None else grown | mine).sum())
            ious.append(both / union)
    return {
        "fields": name,
        "source": str(source),
        "clicks": len(ious),
        "median_iou": float(np.median(ious)),
        "iou_above_half_percent": 100 * float(np.mean(np.array(ious) > 0.5)),
        "p95_ms": 1000 * float(np.quantile(seconds, 0.95)),
    }


def speed(fields: Sequence[Ground], source: HintSource) -> Row:
    """Processor time of a threshold moved, on fields laid side by side."""
    times: Row = {"source": str(source)}
    row = np.hstack([ground.score(source)[0] for ground in fields[:8]])
    for side in (480, 1920):
        score = np.ascontiguousarray(np.tile(row, (8, 1))[:side, :side])
        settings = HintSettings(source, fields[0].score(source)[1])
        spent = []
        for _ in range(5):
            began = time.process_time()
            find_hints(score, settings, UM_PER_PX)
            spent.append(time.process_time() - began)
        times[str(side)] = 1000 * float(np.median(spent))
    return times


def table(result: Row) -> str:
    """The figures as Markdown."""
    hints = (
        "fields | source | nuclei | missed | found | false per true | false on clicks | IoU | AUC "
        "| recall % | precision %",
        map(_hint_line, result["hints"]),
    )
    grown = (
        "fields | source | clicks | median IoU | IoU over 0.5 | p95 ms",
        (
            f"{r['fields']} | {r['source']} | {r['clicks']} | {r['median_iou']:.2f} "
            f"| {r['iou_above_half_percent']:.0f} % | {r['p95_ms']:.1f}"
            for r in result["grown"]
        ),
    )
    sides = [f"{r['source']} | {r['480']:.0f} | {r['1920']:.0f}" for r in result["speed"]]
    fast = ("find_hints, processor time | 480², ms | 1920², ms", sides)
    return "\n".join(itertools.starmap(_markdown, (hints, grown, fast)))


def _markdown(heading: str, lines: Iterable[str]) -> str:
    rule = " | ".join("---" for _ in heading.split("|"))
    return "".join(f"| {line} |\n" for line in (heading, rule, *lines))


def _hint_line(r: Row) -> str:
    iou, auc = ("–" if r[name] is None else f"{r[name]:.2f}" for name in ("iou", "confidence_auc"))
    return (
        f"{r['fields']} | {r['source']} | {r['nuclei']} | {r['missed']} "
        f"| {r['found']} ({r['found_percent']:.0f} %) | {r['false_per_true']:.1f} "
        f"| {r['false_on_clicks']} | {iou} | {auc} "
        f"| {r['recall_before_percent']:.2f} → {r['recall_after_percent']:.2f} "
        f"| {r['precision_before_percent']:.2f} → {r['precision_after_percent']:.2f}"
    )


def main() -> None:
    """Write and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the results")
    parser.add_argument("--model", default="fast")
    parser.add_argument("--threads", type=int, default=0, help="of the processor")
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    data = Path(os.environ.get("GLIOMA_DENSITY_DATA", "")) / "data"
    if not data.is_dir():
        raise BadInput("GLIOMA_DENSITY_DATA: names no folder that holds data; set it")
    segmenter = load_segmenter(asked.model)
    grounds = {
        name: [read_ground(field, segmenter) for field in open_data_set(data / name)]
        for name in SETS
    }
    halves = [
        (f"{name}, {half}", fields[first::2])
        for name, fields in grounds.items()
        for first, half in ((1, "other half"), (0, "chosen on"))
    ]
    result = {
        "model": segmenter.spec.name,
        "hints": [row_of(*half, source) for half in halves for source in HintSource],
        "grown": [clicked(*half, source) for half in halves for source in HintSource],
        "speed": [speed(grounds[SETS[0]], source) for source in HintSource],
    }
    asked.output.mkdir(parents=True, exist_ok=True)
    write_atomically(asked.output / "hints.json", json.dumps(result, indent=1).encode())
    write_atomically(asked.output / "hints.md", table(result).encode())
    print(table(result), end="")


if __name__ == "__main__":
    try:
        main()
    except BadInput as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
