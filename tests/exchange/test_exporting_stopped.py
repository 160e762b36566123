"""An export that somebody stops leaves nothing of itself, whatever its format."""

from pathlib import Path

import pytest

from napari_glioma_density.exchange.exporting import Format, Wishes, export
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.slides import open_slide

NAMES = {
    Format.GEOJSON: "a.geojson",
    Format.OME_TIFF: "a.ome.tif",
    Format.OME_ZARR: "a.ome.zarr",
    Format.CSV: "tables",
    Format.REPORT: "a.html",
}


class Stopped(Exception):
    pass


@pytest.mark.parametrize("to", list(Format))
def test_an_export_that_is_stopped_leaves_nothing(
    to: Format, found: Findings, named_slide: Path, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []

    def stop(done: int, parts: int) -> None:
        told.append((done, parts))
        raise Stopped

    path = tmp_path / NAMES[to]
    with pytest.raises(Stopped):
        export(found, to, path, Wishes(slide=open_slide(named_slide)), on_progress=stop)
    assert told[0][0] == 1 <= told[0][1]
    assert not list(tmp_path.iterdir())


def test_a_report_can_be_stopped_at_every_picture(
    found: Findings, named_slide: Path, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    wishes = Wishes(slide=open_slide(named_slide))
    export(
        found,
        Format.REPORT,
        tmp_path / "a.html",
        wishes,
        on_progress=lambda *parts: told.append(parts),
    )
    parts = 1 + len(found.snapshot.hotspots)
    assert parts > 1
    assert told == [(part, parts) for part in range(1, parts + 1)]
