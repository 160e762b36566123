"""The slides that are measured: made-up ones with JPEG tiles, and real ones where they are."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_glioma_density.slides import Slide, open_slide
from napari_glioma_density.synthesis import synthesize


@dataclass(frozen=True)
class Sample:
    """A slide, and its µm/px where the file does not say."""

    name: str
    path: Path
    um_per_px: float | None = None

    def open(self) -> Slide:
        """The slide, with nothing in its cache."""
        slide = open_slide(self.path)
        return slide.with_um_per_px(self.um_per_px) if self.um_per_px else slide


def samples(folder: Path, *, quick: bool, named: str = "") -> Iterator[Sample]:
    """Slides to measure whose name holds ``named``, drawn into ``folder`` on first use.

    Drawn at 20× and at 40×, where four px are decoded for one that the network sees; then the real
    ones in the folder that ``GLIOMA_DENSITY_DATA`` names.
    """
    width, height = (2400, 1920) if quick else (4800, 3840)
    drawn = {"synthetic, 20×": (width, height, 0.5)}
    if not quick:
        drawn["synthetic, 40×"] = (2 * width, 2 * height, 0.25)
    for name, size in drawn.items():
        if named in name:
            yield _drawn(folder, name, *size)
    if not quick:
        yield from (sample for sample in _real() if named in sample.name)


def _drawn(folder: Path, name: str, width: int, height: int, um_per_px: float) -> Sample:
    path = folder / f"{width}x{height}.tiff"
    if not path.exists():
        synthesize(path, width, height, um_per_px, seed=1, tissue_fraction=0.8)
    return Sample(name, path)


def _real() -> list[Sample]:
    data = os.environ.get("GLIOMA_DENSITY_DATA")
    if not data:
        return []
    known = [
        Sample("CMU-1-Small-Region, 20×", Path(data) / "slides/CMU-1-Small-Region.svs"),
        # The file does not say; a TCGA section is scanned at 40×.
        Sample("TCGA, 40×", Path(data) / "slides/TCGA-CR-7395-01A-01-TS1.svs", 0.25),
    ]
    return [sample for sample in known if sample.path.exists()]
