"""The commands that make the figures of a report again."""

import shlex
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.exchange.plots.words import Language
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.snapshot import Bands, Snapshot
from napari_glioma_density.slides.organ import BRAIN

_BY_HAND = ("given", "estimated")
"""How the source of a µm/px begins that the slide's file does not hold."""
_SCALES = {"this slide": Bands.SLIDE, "colour-blind safe": Bands.SAFE}


def commands(findings: Findings, language: Language) -> tuple[str, ...]:
    """Return what to type to estimate the slide and to write the report, without any file name.

    Empty if the figures are those of a section or of a drawn polygon, or if hotspots are ranked by
    corrected values: the command line has no option for these.
    """
    if not _can_be_typed(findings.snapshot):
        return ()
    estimate = ["glioma-density estimate SLIDE -o FOLDER", *_estimate_options(findings)]
    report = ["glioma-density export STORE --to report -o report.html", *_choices(findings)]
    if language != "en":
        report.append(f"--language {language}")
    return " ".join(estimate), " ".join(report)


def _can_be_typed(snapshot: Snapshot) -> bool:
    """Whether there is an option for all that was chosen: for rectangles of patches there is."""
    if snapshot.grid.section or (snapshot.rank_corrected and snapshot.corrected.any()):
        return False
    scope = snapshot.scope
    return scope is None or bool(scope[np.ix_(scope.any(axis=1), scope.any(axis=0))].all())


def _estimate_options(findings: Findings) -> Iterator[str]:
    spec = findings.spec
    yield f"--model {shlex.quote(spec.model)}"
    if spec.um_per_px_source.startswith(_BY_HAND):
        yield f"--um-per-px {spec.um_per_px!r}"
    if spec.organ != BRAIN:
        yield f"--organ {spec.organ}"
    yield from _region(findings)
    if not spec.tissue_mask:
        yield "--no-tissue-mask"
    if not findings.run.is_brightfield:
        yield "--force"
    yield _cell_mm(findings)


def _choices(findings: Findings) -> Iterator[str]:
    yield f"--run {findings.spec.run_id}"
    yield _cell_mm(findings)
    scale = _SCALES.get(findings.snapshot.scale.name)
    if scale is not None:
        yield f"--bands {scale.name.lower()}"
    if findings.specimen != "unknown":
        yield f"--specimen {findings.specimen}"
    yield from _region(findings)


def _region(findings: Findings) -> Iterator[str]:
    scope = findings.snapshot.scope
    if scope is not None and not scope.all():
        side = PATCH_PX * findings.plane.level0_px_per_px
        yield f"--region {','.join(str(px) for px in _region_level0_px(scope, side))}"


def _cell_mm(findings: Findings) -> str:
    return f"--cell-mm {findings.snapshot.grid.cell_mm:.4g}"


def _region_level0_px(scope: NDArray[np.bool_], side: float) -> tuple[int, int, int, int]:
    """x, y, width and height of the patches in scope, `side` px each, a little within them.

    The command grows a region to whole patches, so edges just inside the outer patches give the
    same scope.
    """
    rows, columns = np.nonzero(scope)
    x, y = (int((first + 0.25) * side) for first in (columns.min(), rows.min()))
    right, bottom = (int((last + 0.75) * side) for last in (columns.max(), rows.max()))
    return x, y, right - x, bottom - y
