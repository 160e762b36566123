"""Make the pictures of the exports: each is opened by a program that is not this one.

    python docs/make_exchange_pictures.py [--slide traps.tiff] [--output FOLDER]

The slide is that of ``make_region_pictures.py``, and quality control is let loose on it. GeoJSON is
read by json and shapely and drawn by matplotlib over the slide; OME-Zarr and OME-TIFF are opened in
napari without this plugin, which asks for ``pip install napari-ome-zarr``. The first rows of some
tables are printed as Markdown. Without a display put ``xvfb-run -a -s "-screen 0 1600x1000x24"``
in front.
"""

import argparse
import csv
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import napari
import numpy as np
import shapely
import tifffile
from make_pictures import Screen, small_png
from make_region_pictures import brought
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from PIL import Image
from qtpy.QtWidgets import QApplication
from shapely.geometry import shape

from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.regions.quality_check import check_quality
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.slides import open_slide, working_plane

CLOSE_PX = 640
"""Side of the close-up."""
WINDOW_PX = (1400, 900)
DENSEST = "Hotspot 1 of 0.24 mm²"
ROWS = {
    "cells.csv": ("cell", "tissue_density_percent", "tissue_density_low_percent",
                  "tissue_density_high_percent", "nuclei_per_mm2", "tissue_mm2", "band",
                  "crosses_band_limit"),
    "nuclei.csv": ("id", "cell", "centroid_x_um", "centroid_y_um", "area_um2",
                   "equivalent_diameter_um", "mean_haematoxylin_od", "origin"),
    "exclusions.csv": ("reason", "excluded_mm2", "regions"),
}  # fmt: skip
"""Columns shown of each table."""
FIRST, MOST = 30, 3
"""Rows passed over in long tables, rows shown."""


def results(slide: Path) -> Path:
    """Estimate unless results lie beside the slide, let quality control look; return the store."""
    store = slide.with_name(f"{slide.name}.glioma.zarr")
    if not store.exists():
        program("estimate", slide, "-o", slide.parent / "out")
        store = slide.parent / "out" / slide.name / store.name
    found = gather(store)
    regions = RegionFile.open(store)
    with open_slide(slide) as opened:
        plane = working_plane(opened, found.spec.working_um_per_px)
        for region in check_quality(plane, found.run.tissue):
            regions.put(region)
    return store


def exported(store: Path, slide: Path, to: str, name: str) -> Path:
    """Return what `glioma-density export` writes."""
    path = slide.parent / name
    program("export", store, "--to", to, "-o", path, "--slide", slide)
    return path


def program(*words: object) -> None:
    """Run `glioma-density`."""
    start = [sys.executable, "-m", "napari_glioma_density.cli"]
    subprocess.run([*start, *(str(word) for word in words)], check=True)


def draw_geojson(path: Path, slide: Path) -> bytes:
    """Draw annotations over the slide, and detections over a part of it."""
    features = json.loads(path.read_text())["features"]
    annotations, detections = (
        [each for each in features if each["properties"]["objectType"] == kind]
        for kind in ("annotation", "detection")
    )
    print(f"{path.name}: {len(annotations)} annotations, {len(detections)} detections")
    figure = Figure(figsize=(13, 5.6), layout="constrained")
    whole, close = figure.subplots(1, 2, width_ratios=(1.15, 1))
    with open_slide(slide) as opened:
        size = opened.width, opened.height
        whole.imshow(opened.thumbnail(1600).rgb, extent=(0, size[0], size[1], 0))
        draw_annotations(whole, annotations)
        (densest,) = (each for each in annotations if each["properties"]["name"] == DENSEST)
        middle = shape(densest["geometry"]).centroid
        x, y = int(middle.x - CLOSE_PX / 2), int(middle.y - CLOSE_PX / 2)
        rgb = opened.read(0, y, x, CLOSE_PX, CLOSE_PX).rgb
    close.imshow(rgb, extent=(x, x + CLOSE_PX, y + CLOSE_PX, y))
    draw_detections(close, detections, shapely.box(x, y, x + CLOSE_PX, y + CLOSE_PX))
    whole.set(xlim=(0, size[0]), ylim=(size[1], 0), title="annotations", xlabel="level-0 px")
    close.set(
        xlim=(x, x + CLOSE_PX), ylim=(y + CLOSE_PX, y), title="detections in the densest circle"
    )
    return png_of(figure)


def draw_annotations(axes: Axes, features: Iterable[dict[str, Any]]) -> None:
    """Draw cells in the colours they carry, everything else as a line with its name."""
    for feature in features:
        of, geometry = feature["properties"], shape(feature["geometry"])
        kind = of["classification"]["name"]
        colour = np.array(of.get("color", of["classification"]["color"])) / 255
        for part in shapely.get_parts(geometry):
            if kind == "Grid cell":
                axes.fill(*part.exterior.xy, color=(*colour, 0.35), lw=0)
            else:
                axes.plot(*part.exterior.xy, color=colour, lw=1)
        if kind not in ("Grid cell", "Hotspot"):
            axes.annotate(of["name"], geometry.centroid.coords[0], fontsize=7, ha="center")


def draw_detections(axes: Axes, features: Iterable[dict[str, Any]], part: shapely.Polygon) -> None:
    """Draw the outlines of nuclei that meet a part of the slide."""
    shapes = np.array([shape(feature["geometry"]) for feature in features])
    print(f"{shapely.is_valid(shapes).sum()} of {len(shapes)} detections are valid")
    near = shapes[shapely.intersects(shapes, part)]
    rings = [np.asarray(one.exterior.coords) for one in shapely.get_parts(near)]
    axes.add_collection(PolyCollection(rings, facecolors="none", edgecolors="#00E5FF", lw=1.1))


def png_of(figure: Figure) -> bytes:
    """Return a figure as a small PNG."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return small_png(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]))


def grab_ome(zarr: Path, tiff: Path, folder: Path) -> None:
    """Open both formats in napari, and say what each window is told of sizes."""
    viewer = napari.Viewer()
    viewer.window.resize(*WINDOW_PX)
    screen = Screen(viewer, None, folder)  # type: ignore[arg-type]  # it is not asked for a dock
    mask = viewer.open(str(zarr), plugin="napari-ome-zarr")[0]
    density = viewer.open(str(zarr / "density"), plugin="napari-ome-zarr")[0]
    density.colormap, density.opacity = "magma", 0.6
    viewer.canvas.overlays.scale_bar.visible = True
    viewer.reset_view()
    screen.rest(3)
    screen.grab("export-ome-zarr")
    for layer in (mask, density):
        print("OME-Zarr:", layer.name, layer.scale, layer.units)
    viewer.layers.clear()
    viewer.open(str(tiff), plugin="napari")
    viewer.reset_view()
    screen.rest(3)
    screen.grab("export-ome-tiff")
    viewer.close()
    QApplication.processEvents()
    with tifffile.TiffFile(tiff) as opened:
        for series in opened.series:
            print(
                "OME-TIFF:", series.name, series.shape, series.dtype, len(series.levels), "levels"
            )


def markdown(folder: Path) -> Iterator[str]:
    """Give some rows and columns of the tables."""
    for name, columns in ROWS.items():
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        first = FIRST if len(rows) > FIRST + MOST else 0
        yield f"`{name}`, {len(rows)} rows\n"
        yield f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
        for row in itertools.islice(rows, first, first + MOST):
            yield f"| {' | '.join(row[column] for column in columns)} |"
        yield ""


def main() -> None:
    """Make them all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slide", type=Path, help="drawn before; with its traps beside it")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "images")
    asked = parser.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        slide = brought(asked.slide, Path(folder))
        store = results(slide)
        geojson = exported(store, slide, "geojson", "traps.geojson")
        (asked.output / "export-geojson.png").write_bytes(draw_geojson(geojson, slide))
        print("\n".join(markdown(exported(store, slide, "csv", "tables"))))
        grab_ome(
            exported(store, slide, "ome-zarr", "traps.ome.zarr"),
            exported(store, slide, "ome-tiff", "traps.ome.tiff"),
            asked.output,
        )


if __name__ == "__main__":
    main()
