"""``glioma-density export`` and ``import``: results leave, and drawings of QuPath come back."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_glioma_density.cli.console import AsJson, remark, show
from napari_glioma_density.cli.regions import Region, parse_region
from napari_glioma_density.cli.specimens import SpecimenOption, parse_specimen
from napari_glioma_density.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_glioma_density.results import Run
    from napari_glioma_density.slides import Slide

Store = Annotated[
    Path, typer.Argument(help="A result store, or the folder that `estimate` wrote it into.")
]
SlideOption = Annotated[
    Path | None, typer.Option("--slide", help="The slide, when it does not lie beside the store.")
]
LANGUAGES = ("en", "zh")
SUFFIX = ".glioma.zarr"


def export(
    store: Store,
    to: Annotated[str, typer.Option("--to", help="geojson, ome-tiff, ome-zarr, csv or report.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file or folder to write.")],
    slide: SlideOption = None,
    run: Annotated[str | None, typer.Option(help="A run's id; else the last estimated.")] = None,
    cell_mm: Annotated[float | None, typer.Option(help="Side of a grid cell, mm.")] = None,
    bands: Annotated[
        str, typer.Option(help="Band scale of maps and reports: paper, slide or safe.")
    ] = "paper",
    region: Annotated[
        str | None, typer.Option(help="X,Y,W,H in level-0 px; else all that was read.")
    ] = None,
    specimen: SpecimenOption = None,
    language: Annotated[str, typer.Option(help="Language of a report: en or zh.")] = "en",
    case_id: Annotated[str, typer.Option(help="Case id of a report; kept nowhere else.")] = "",
    as_json: AsJson = False,
) -> None:
    """Export results to QuPath, an image format, tables or a report."""
    from napari_glioma_density.exchange.exporting import Format, Wishes
    from napari_glioma_density.exchange.exporting import export as write
    from napari_glioma_density.findings.gathering import gather, open_run
    from napari_glioma_density.findings.snapshot import Bands, Choices

    if to not in list(Format):
        raise BadInput(f"--to {to}: give one of {', '.join(Format)}")
    if language not in LANGUAGES:
        raise BadInput(f"--language {language}: give {' or '.join(LANGUAGES)}")
    if bands.upper() not in Bands.__members__:
        raise BadInput(f"--bands {bands}: give one of {', '.join(Bands.__members__).lower()}")
    asked, prepared = None if region is None else parse_region(region), parse_specimen(specimen)
    path = named_store(store)
    opened_run = open_run(path, run)
    if run is None:
        _tell_of_others(path, opened_run)
    choices = Choices(Bands[bands.upper()], cell_mm)
    scope = asked and _scope(opened_run, asked)
    findings = gather(path, opened_run, choices, scope, specimen=prepared)
    with _slide_of(path, slide) as opened:
        wishes = Wishes(opened, language, case_id)
        said = write(findings, Format(to), output, wishes)
    show({"written": str(output), "holds": said}, as_json)


def _tell_of_others(store: Path, taken: "Run") -> None:
    """Say which run it is where there are several."""
    from napari_glioma_density.results import ResultStore
    from napari_glioma_density.slides.organ import BRAIN

    runs = ResultStore(store).runs()
    organ = "the brain" if taken.spec.organ == BRAIN else "an organ other than the brain"
    glass = "" if taken.spec.tissue_mask else ", without a tissue mask"
    if len(runs) > 1:
        remark(
            f"of {len(runs)} runs the one last estimated: {taken.spec.run_id}, model "
            f"{taken.spec.model}, as {organ}, {taken.spec.um_per_px:g} µm/px{glass}; "
            "--run names another\n"
        )


def _scope(run: "Run", region: Region) -> "NDArray[np.bool_]":
    spec = run.spec
    x, y, width, height = (px * spec.um_per_px / spec.working_um_per_px for px in region)
    scope = run.lattice.touched(x, y, width, height)
    if not scope.any():
        raise BadInput("--region: lies outside the slide; `glioma-density info` prints its size")
    return scope


def import_(
    store: Store,
    file: Annotated[Path, typer.Argument(help="GeoJSON that QuPath exported.")],
    slide: SlideOption = None,
    author: Annotated[str, typer.Option(help="Author of drawings that name none.")] = "",
    as_json: AsJson = False,
) -> None:
    """Bring annotations and nuclei drawn in QuPath in as regions and corrections."""
    from napari_glioma_density.exchange.importing import import_geojson

    path = named_store(store)
    with _slide_of(path, slide) as opened:
        brought = import_geojson(path, file, slide=opened, author=author)
    show(
        {
            "regions": brought.regions,
            "fields": list(brought.fields),
            "nuclei": brought.nuclei,
            "nuclei_outside_fields": brought.left,
            "patches_of_fields_without_nuclei_in_the_file": brought.silent,
            "passed_over": dict(brought.passed_over),
            "outlines_mended": brought.mended,
        },
        as_json,
    )
    for line in brought.remarks():
        remark(f"{line}\n")


def named_store(path: Path) -> Path:
    """Return the store that a path names, or that the folder of an estimate holds.

    Raises
    ------
    BadInput
        When there is none, or more than one.
    """
    if path.name.endswith(SUFFIX) and path.is_dir():
        return path
    held = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else []
    if len(held) != 1:
        found = "holds several result stores" if held else "no such result store"
        raise BadInput(f"{path}: {found}; name a folder that ends in {SUFFIX}")
    return held[0]


@contextmanager
def _slide_of(store: Path, named: Path | None) -> "Iterator[Slide | None]":
    """The slide that was named, else the one beside the store, else none."""
    from napari_glioma_density.exchange.exporting import slide_beside
    from napari_glioma_density.slides import open_slide

    slide = slide_beside(store) if named is None else open_slide(named)
    with nullcontext() if slide is None else closing(slide) as _:
        yield slide
