"""What another scanner would make of the same fields: F1 and density of each of its pictures.

    python benchmarks/scanners.py --data DATA_SET [--data …] [--model NAME]

Annotated fields, all of them scanned at about 0.25 µm/px, are turned into what coarser, softer,
sharper, noisier, darker or more compressed scans would show, and a model is run on them. Its
probability is brought back to the field's own pixels, so the truth is as it was annotated.

Prints one JSON object: for each data set and scan the pooled F1, the mean absolute density error
and the mean density less the true one (bias), both in points, how sharp its fields are, how many of
them are sharper than what the model's error is known from, and of how many of these and of the
others its 95 % intervals hold the true density.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from named_data_sets import print_of_each
from numpy.typing import NDArray

from napari_glioma_density.findings.density_error import DensityError, density_error
from napari_glioma_density.findings.uncertainty import density_interval
from napari_glioma_density.nuclei.pictures import model_probability, resampled
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter
from napari_glioma_density.slides.organ import organ_named
from napari_glioma_density.stain.sharpness import sharpness
from napari_glioma_density.training.dataset import DataSet, read_field
from napari_glioma_density.training.metrics import PixelCounts

Picture = NDArray[np.uint8]
GREYS: Final = 255
COARSE_UM: Final = 0.5
LENS_UM: Final = 0.27
"""Gaussian σ of the image of a point: 0.21 · 0.55 µm ÷ 0.45, a common NA of a 20× lens."""


class Scan(NamedTuple):
    """A picture, and the µm/px that its scanner states."""

    rgb: Picture
    um_per_px: float


Scanner = Callable[[Scan], Scan]


def compressed(rgb: Picture, quality: int) -> Picture:
    """Through JPEG with halved colour, as slides are stored."""
    how = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, written = cv2.imencode(".jpg", rgb[..., ::-1], how)
    read: Any = cv2.imdecode(written, cv2.IMREAD_COLOR)  # None is for what is no picture
    return np.ascontiguousarray(read[..., ::-1])


def soft(scan: Scan, sigma_um: float) -> Scan:
    """Out of focus."""
    blurred = cv2.GaussianBlur(scan.rgb, (0, 0), sigma_um / scan.um_per_px)
    return scan._replace(rgb=np.asarray(blurred, np.uint8))


def sharpened(scan: Scan, amount: float, sigma_um: float = 0.5) -> Scan:
    """As scanners' own software sharpens: more of what a blur takes away."""
    smooth = cv2.GaussianBlur(scan.rgb, (0, 0), sigma_um / scan.um_per_px)
    return scan._replace(rgb=cv2.addWeighted(scan.rgb, 1 + amount, smooth, -amount, 0))


def at_20(scan: Scan, quality: int, sigma_um: float = LENS_UM) -> Scan:
    """By a 20× lens onto px of 0.5 µm."""
    seen = soft(scan, sigma_um)
    height, width = (round(side * scan.um_per_px / COARSE_UM) for side in scan.rgb.shape[:2])
    small = cv2.resize(seen.rgb, (width, height), interpolation=cv2.INTER_AREA)
    return Scan(compressed(np.asarray(small), quality), scan.um_per_px * scan.rgb.shape[1] / width)


def noisy(scan: Scan, greys: float) -> Scan:
    """With a sensor's noise of that standard deviation, in grey levels, alike for every call."""
    noise = np.random.default_rng(0).normal(0, greys, scan.rgb.shape)
    return scan._replace(rgb=np.clip(scan.rgb + noise, 0, GREYS).round().astype(np.uint8))


def thicker(scan: Scan, factor: float) -> Scan:
    """A section that many times as thick, or as strongly stained: optical density times that."""
    light = (np.arange(GREYS + 1) / GREYS) ** factor * GREYS
    return scan._replace(rgb=np.asarray(cv2.LUT(scan.rgb, light.round().astype(np.uint8))))


SCANNERS: Final[dict[str, Scanner]] = {
    "as it is": lambda scan: scan,
    "JPEG 50": lambda scan: scan._replace(rgb=compressed(scan.rgb, 50)),
    "20×, JPEG 80": lambda scan: at_20(scan, 80),
    "20×, JPEG 50": lambda scan: at_20(scan, 50),
    "20×, soft, JPEG 70": lambda scan: at_20(scan, 70, 0.5),
    "20×, sharpened": lambda scan: sharpened(at_20(scan, 80), 1.0),
    "soft by 0.5 µm": lambda scan: soft(scan, 0.5),
    "soft by 0.8 µm": lambda scan: soft(scan, 0.8),
    "sharpened": lambda scan: sharpened(scan, 1.0),
    "sharpened much": lambda scan: sharpened(scan, 2.5),
    "noise of 8 grey levels": lambda scan: noisy(scan, 8),
    "half as thick": lambda scan: thicker(scan, 0.5),
    "twice as thick": lambda scan: thicker(scan, 2.0),
    "µm/px stated 10 % low": lambda scan: scan._replace(um_per_px=scan.um_per_px * 0.9),
    "µm/px stated 10 % high": lambda scan: scan._replace(um_per_px=scan.um_per_px * 1.1),
}


class Seen(NamedTuple):
    """What a model finds in a field as a scanner shows it, and how sharp that is."""

    counts: PixelCounts
    sharpness: float

    @property
    def error(self) -> float:
        """Density found less the true one, in points."""
        return self.counts.predicted_density_percent - self.counts.true_density_percent

    def is_held(self, known: DensityError) -> bool:
        """Whether the interval of the density found holds the true one."""
        low, high = density_interval(self.counts.predicted_density_percent, known)
        return low <= self.counts.true_density_percent <= high


def seen(segmenter: NetworkSegmenter, scan: Scan, labels: NDArray[np.integer]) -> Seen:
    """Pixels of a field, as a scanner shows it, right and wrong; every field shows something."""
    probability = model_probability(segmenter, scan.rgb, scan.um_per_px)
    own = cv2.resize(probability, labels.shape[::-1], interpolation=cv2.INTER_CUBIC)
    um_per_px = segmenter.spec.um_per_px
    sharp = sharpness(resampled(scan.rgb, scan.um_per_px, um_per_px)[None], um_per_px)
    return Seen(PixelCounts.of(own >= segmenter.spec.threshold, labels), sharp or 0.0)


def summed(fields: list[Seen], known: DensityError) -> dict[str, float]:
    """What this prints of one scan of a data set."""
    pooled = sum((each.counts for each in fields), PixelCounts())
    sharp, biases = [each.sharpness for each in fields], [each.error for each in fields]
    held = [each.is_held(known) for each in fields]
    sharper = [each.sharpness > (known.sharpest or np.inf) for each in fields]
    return {
        "f1": round(100 * pooled.scores()["f1"], 1),
        "density_error": round(float(np.mean(np.abs(biases))), 2),
        "bias": round(float(np.mean(biases)), 2),
        "sharpness_median": round(float(np.median(sharp)), 3),
        "sharpness_most": round(max(sharp), 3),
        "sharper_fields": sum(sharper),
        "sharper_fields_held": int(np.count_nonzero(np.array(held) & sharper)),
        "other_fields_held": int(np.count_nonzero(np.array(held) & ~np.array(sharper))),
    }


def measured(segmenter: NetworkSegmenter, data_set: DataSet) -> dict[str, dict[str, float]]:
    """Everything this prints of one data set."""
    organ = organ_named(data_set.fields[0].organ)
    of_organ = segmenter.for_organ(organ)
    fields: dict[str, list[Seen]] = {name: [] for name in SCANNERS}
    for field in data_set:
        rgb, labels = read_field(field)
        for name, scanner in SCANNERS.items():
            scan = scanner(Scan(rgb, field.um_per_px))
            fields[name].append(seen(of_organ, scan, labels))
    known = density_error(segmenter.sha256, organ)
    if known is None:
        raise SystemExit("no scores are kept for this model: evaluate --keep first")
    return {name: summed(each, known) for name, each in fields.items()}


def main() -> None:
    """Measure the data sets that were named."""
    print_of_each(measured, __doc__)


if __name__ == "__main__":
    main()
