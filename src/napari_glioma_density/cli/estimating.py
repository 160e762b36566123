"""``glioma-density estimate``: the density of a slide, from the terminal."""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_glioma_density.cli.console import (
    STARTED,
    AsJson,
    complain,
    print_json,
    progress_bar,
    remark,
    say,
)
from napari_glioma_density.cli.estimate_figures import print_figures
from napari_glioma_density.cli.failures import files_named
from napari_glioma_density.cli.regions import Region, parse_region
from napari_glioma_density.cli.specimens import (
    OrganOption,
    SpecimenOption,
    parse_organ,
    parse_specimen,
)
from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.areas import square_mm
from napari_glioma_density.nuclei.memory import room_for

if TYPE_CHECKING:
    from napari_glioma_density.estimate import Estimation, Progress
    from napari_glioma_density.nuclei.segmenter_protocol import Segmenter
    from napari_glioma_density.results.specimen import Specimen
    from napari_glioma_density.slides import Slide
    from napari_glioma_density.slides.organ import Organ

RESULTS_FOLDER = Path("glioma-density")


@dataclass(frozen=True)
class _Asked:
    """What is asked of every slide."""

    output: Path
    load: "Callable[[], Segmenter]"
    """Gives the model, loaded once for all slides."""
    um_per_px: float | None
    organ: "Organ"
    region: Region | None
    cell_mm: float | None
    tissue_mask: bool
    resume: bool
    block_patches: int | None
    force: bool
    specimen: "Specimen | None"


def estimate(
    slides: Annotated[
        list[str],
        typer.Argument(metavar="SLIDE...", help="Slide files, or folders holding a DICOM slide."),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Results go to OUTPUT/<slide file name>/.")
    ] = RESULTS_FOLDER,
    model: Annotated[str, typer.Option(help="A model's name or weights file.")] = "fast",
    um_per_px: Annotated[
        float | None,
        typer.Option(help="Level-0 µm/px, if the file states none or a wrong one."),
    ] = None,
    organ: OrganOption = "brain",
    region: Annotated[str | None, typer.Option(help="X,Y,W,H in level-0 px.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    cell_mm: Annotated[float | None, typer.Option(help="Side of a grid cell, mm.")] = None,
    tissue_mask: Annotated[
        bool,
        typer.Option(
            "--tissue-mask/--no-tissue-mask", help="Leave bare glass out, or treat it as tissue."
        ),
    ] = True,
    resume: Annotated[
        bool,
        typer.Option("--resume/--restart", help="Go on where an earlier run ended, or begin anew."),
    ] = True,
    block_px: Annotated[
        int | None, typer.Option(help="Side of a block, a multiple of 480 working px.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Even if it does not look like brightfield H&E.")
    ] = False,
    specimen: SpecimenOption = None,
    as_json: AsJson = False,
) -> None:
    """Estimate nuclear density; called again after a stop, it goes on where it was."""
    _demand_cell_size(cell_mm)
    asked = _Asked(
        output,
        functools.cache(functools.partial(_loaded, model, device)),
        um_per_px,
        parse_organ(organ),
        None if region is None else parse_region(region),
        cell_mm,
        tissue_mask,
        resume,
        _block_patches(block_px),
        force,
        parse_specimen(specimen),
    )
    named = _named(slides)
    if len(named) == 1 and named == slides:  # a pattern promises several, be there but one
        figures = _estimated(named[0], asked, STARTED)
        if as_json:
            print_json(figures)
        else:
            print_figures(figures)
    else:
        _estimate_all(named, asked, as_json=as_json)


def _named(slides: list[str]) -> list[str]:
    """The slides that were named, each once; patterns that the shell has left are spelt out."""
    return list(dict.fromkeys(found for slide in slides for found in _spelt_out(slide)))


def _spelt_out(slide: str) -> list[str]:
    path = Path(slide)
    if "*" not in path.name or path.exists():
        return [slide]
    try:
        found = sorted(map(str, path.parent.glob(path.name)))
    except ValueError:  # a pattern that means nothing is a name, of which there is no file
        found = []
    return found or [slide]


def _estimate_all(slides: list[str], asked: _Asked, *, as_json: bool) -> None:
    """Estimate one slide after the other; one that fails is named in a line, and the rest go on."""
    done: list[dict[str, Any]] = []
    for slide in slides:
        try:
            with files_named(), room_for(slide):
                figures = _estimated(slide, asked, time.perf_counter())
        except BadInput as error:
            complain(str(error))
            continue
        done.append(figures)
        if not as_json:
            say(f"{slide}\n")
            print_figures(figures)
            say("\n")
    if as_json:
        print_json({"slides": done})
    if len(done) < len(slides):
        failed = len(slides) - len(done)
        raise BadInput(f"{failed} of {len(slides)} slides were not estimated: see the lines above")


def _estimated(slide: str, asked: _Asked, began: float) -> dict[str, Any]:
    """Estimate a slide, write its tables and return its figures."""
    from napari_glioma_density.slides import open_slide

    with open_slide(slide) as opened:
        known = opened if asked.um_per_px is None else opened.with_um_per_px(asked.um_per_px)
        folder = _folder(asked.output, known.name, known.path)
        # Importing torch takes seconds: not before the slide has turned out to be one.
        from napari_glioma_density.estimate import prepare

        estimation = prepare(
            known,
            asked.load(),
            folder,
            organ=asked.organ,
            tissue_mask=asked.tissue_mask,
            restart=not asked.resume,
            block_patches=asked.block_patches,
            force=asked.force,
        )
        try:
            return _carry_out(estimation, folder, asked, began)
        finally:
            estimation.close()


def _tell_other_um_per_px(slide: "Slide") -> None:
    """Say that the given µm/px is not the file's; called once the slide is known to be usable."""
    from napari_glioma_density.slides.resolution import GIVEN

    source = slide.resolution.source
    if source != GIVEN:
        remark(f"{slide.name}: {slide.um_per_px:g} µm/px {source}\n")


def _loaded(model: str, device: str) -> "Segmenter":
    from napari_glioma_density.nuclei.segmenter import load_segmenter

    return load_segmenter(model, device)


def _carry_out(
    estimation: "Estimation", folder: Path, asked: _Asked, began: float
) -> dict[str, Any]:
    from napari_glioma_density.exchange.tables import write_tables
    from napari_glioma_density.findings.gathering import gather
    from napari_glioma_density.findings.snapshot import Choices
    from napari_glioma_density.results.specimen import keep_specimen

    opened = time.perf_counter() - began
    scope = estimation.scope_of(asked.region)
    if not scope.any():
        raise BadInput("--region: lies outside the slide; `glioma-density info` prints its size")
    if asked.um_per_px is not None:
        _tell_other_um_per_px(estimation.slide)
    reused = _run_blocks(estimation, scope)
    spent, run = estimation.seconds, estimation.run
    store = run.folder.parent.parent
    if asked.specimen is not None:
        keep_specimen(store, asked.specimen)
    return write_tables(
        folder,
        gather(store, run, Choices(cell_mm=asked.cell_mm), scope),
        patches_reused=reused,
        seconds={
            "open": opened,
            "read": spent.read,
            "infer": spent.infer,
            "write": spent.write,
            "total": time.perf_counter() - began,
        },
    )


def _run_blocks(estimation: "Estimation", scope: Any) -> int:
    """Do what is left and return how many patches an earlier run had finished."""
    reused = estimation.patches_done(scope)
    with progress_bar("estimating", "patches") as bar:
        task = bar.add_task("", total=None)
        for progress in estimation.blocks(scope):
            bar.update(
                task,
                completed=progress.patches_done,
                total=progress.patches_total,
                description=_area_read(progress),
            )
    return reused


def _area_read(progress: "Progress") -> str:
    done, total = square_mm(progress.tissue_mm2_read), square_mm(progress.tissue_mm2_total)
    return f"{done} of {total} mm² of tissue read"


def _demand_cell_size(cell_mm: float | None) -> None:
    if cell_mm is not None and not 0 < cell_mm < inf:
        raise BadInput(f"--cell-mm {cell_mm:g}: give a positive number, as 1")


def _block_patches(block_px: int | None) -> int | None:
    if block_px is None:
        return None
    if block_px < 480 or block_px % 480:
        raise BadInput(f"--block-px {block_px}: give a multiple of 480")
    return block_px // 480


def _folder(output: Path, slide_name: str, slide: Path) -> Path:
    """Where results will go; made only once the slide has turned out to be measurable."""
    folder = output / slide_name
    if folder.resolve() == slide.resolve():
        raise BadInput(f"{folder}: is the slide itself; choose another --output")
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: is a file where results would go; choose another --output")
    return folder
