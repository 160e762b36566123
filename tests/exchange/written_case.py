"""What was written of a slide, read back."""

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.ui.stored import ShownRun

Row = dict[str, str]
ROUNDED = {
    "density_percent": 4,
    "tissue_density_percent": 4,
    "nuclei_per_mm2": 2,
    "tissue_mm2": 6,
    "read_mm2": 6,
}
"""What is said of every place, and the decimals that tables state it with."""
IN_QUPATH = {
    "density_percent": "Nuclear area % of read area",
    "tissue_density_percent": "Nuclear area % of tissue",
    "nuclei_per_mm2": "Nuclei per mm^2 of tissue",
    "tissue_mm2": "Tissue mm^2",
    "read_mm2": "Read mm^2",
}


@dataclass(frozen=True)
class Written:
    """All that was written of one slide, read back, and what the screen shows of it."""

    folder: Path
    findings: Findings
    shown: ShownRun

    @property
    def screen(self) -> Snapshot:
        return self.shown.snapshot

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "estimate/summary.json").read_text())
        return found

    def rows(self, name: str) -> list[Row]:
        with (self.folder / name).open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))

    def features(self, kind: str) -> list[dict[str, Any]]:
        """Objects of QuPath of one class."""
        features = json.loads((self.folder / "slide.geojson").read_text())["features"]
        return [each for each in features if each["properties"]["classification"]["name"] == kind]

    def report(self, place: str) -> dict[str, dict[str, float | None]]:
        """Figures of the report's table rows of one kind, by what the row is of."""
        html = (self.folder / "report.html").read_text(encoding="utf-8")
        rows = re.findall(rf'<tr data-{place}="([^"]*)">(.*?)</tr>', html, re.DOTALL)
        return {key: figures_of(row) for key, row in rows}

    @property
    def report_totals(self) -> dict[str, float | None]:
        html = (self.folder / "report.html").read_text(encoding="utf-8")
        return figures_of(html[html.index('id="totals"') : html.index('id="map"')])


def figures_of(html: str) -> dict[str, float | None]:
    pairs = re.findall(r'data-name="([^"]+)" data-value="([^"]*)"', html)
    return {name: float(value) if value else None for name, value in pairs}
