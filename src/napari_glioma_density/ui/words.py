"""Numbers in the words of the screen."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import Cell, PatchState, Totals
from napari_glioma_density.findings.areas import square_mm
from napari_glioma_density.findings.interval import Interval
from napari_glioma_density.findings.uncertainty import BY_HAND, Uncertainty
from napari_glioma_density.findings.written import count, span
from napari_glioma_density.findings.written import signed as signed  # re-exported

if TYPE_CHECKING:
    from napari_glioma_density.estimate import Progress

PLUGIN = "napari-glioma-density"
MEASURE = "nuclear area, % of tissue, all cell types"
PURPOSE = "Research use only, not for diagnosis, grading or margins."
NO_RESOLUTION = "This slide states no µm/px: give it under Slide."
NO_MODEL = "No model is installed: train one with glioma-density train."
OTHER_MODEL = "These results are of “{name}”, a model that is no longer here."
KEPT = (
    "Nothing is estimated with this model yet. What “{name}” found is kept: "
    "choose it again to see it."
)
KEPT_ORGAN = (
    "Nothing is estimated for this organ yet. What was found for “{name}” is kept: "
    "choose it again to see it."
)
TUNED_ELSEWHERE = (
    "“{name}” was fine-tuned on other slides and stays chosen: "
    "check its outlines on this one, or choose another model."
)
NONE = "–"
CORRECTED = "✎"
"""Marks what a person has corrected."""


def percent(value: float | None) -> str:
    """Return a percentage with one decimal, as in 17.9 %."""
    return NONE if value is None else f"{value:.1f} %"


def number(value: float | None) -> str:
    """Return a count with its thousands apart, as in 4 812."""
    return NONE if value is None else count(value)


def area(mm2: float) -> str:
    """Return an area with its unit, as in 0.0576 mm²."""
    return f"{square_mm(mm2)} mm²"


def length(mm: float) -> str:
    """Return a length in mm, as in 0.25 mm."""
    return f"{mm:.2g} mm"


def duration(seconds: float) -> str:
    """Return a time to wait: seconds, minutes, or hours and minutes."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def interval(ends: Interval) -> str:
    """Return a 95 % interval of percentages, as in 16.1 to 20.0 %."""
    return f"{span(ends, 1)} %"


def sureness(unsure: Uncertainty) -> str:
    """Return how sure a density of tissue is, as in 95 % interval 16.1 to 20.0 %."""
    if unsure.is_known:
        return BY_HAND
    return f"95 % interval {interval(unsure.tissue_density)}"


def cell_values(
    cell: Cell, model: Cell | None = None, unsure: Uncertainty | None = None, band: str = ""
) -> str:
    """Return what was measured in a cell, a few lines of it.

    `model` is given for a corrected one, `unsure` where it is known; `band` says that the cell's
    band may be another.
    """
    first = f"{percent(cell.tissue_density_percent)} of tissue is nucleus"
    nuclei = f"{number(cell.nuclei_per_mm2)} nuclei/mm²"
    rest = f"{nuclei}, tissue {square_mm(cell.tissue_mm2)} of {area(cell.read_mm2)} read"
    if model is not None:
        first += f" {CORRECTED} (the model says {percent(model.tissue_density_percent)})"
    lines = [first, rest]
    if unsure is not None:
        lines.insert(1, f"{sureness(unsure)}{band}")
    if not cell.complete:
        lines.append("provisional: not all of it is read")
    return "\n".join(lines)


def nothing_in_cell(states: NDArray[np.uint8], left_out_mm2: dict[str, float]) -> str:
    """Return why a cell without measurements has none, by the states of its patches.

    `left_out_mm2` is what of it is left out, by reason.
    """
    if (states == PatchState.PENDING).any():
        return "nothing of it is read yet"
    if (states == PatchState.UNREAD).any():
        return "cannot be read: the slide file is damaged here"
    if (states == PatchState.EXCLUDED).any():
        reasons = ", ".join(sorted(left_out_mm2, key=lambda each: -left_out_mm2[each]))
        return f"left out: {reasons}"
    return "bare glass"


def totals_values(totals: Totals, unsure: Uncertainty | None = None) -> str:
    """Return the nuclei per mm² of all that was read, marked when it is not all.

    The 95 % interval of the tissue density comes first, where it is known.
    """
    sure = f"{sureness(unsure)}\n" if unsure else ""
    nuclei = f"{number(totals.nuclei_per_mm2)} nuclei per mm² of tissue"
    unread = f"; {area(totals.unread_mm2)} unreadable" if totals.unread_mm2 else ""
    return sure + nuclei + unread + ("" if totals.complete else "; provisional")


def left_out(mm2: dict[str, float]) -> str:
    """Return what is left out, as in left out 3.1 mm²: pen 1.2, blur 1.9; empty if nothing is."""
    if not mm2:
        return ""
    ranked = sorted(mm2.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{reason} {square_mm(each)}" for reason, each in ranked)
    return f"left out {area(sum(mm2.values()))}: {parts}"


def extent(width: int, height: int, um_per_px: float | None) -> str:
    """Return a slide's size in px, and in mm when its resolution is known."""
    px = f"{number(width)} × {number(height)} px"
    if um_per_px is None:
        return px
    return f"{px} · {width * um_per_px / 1000:.3g} × {height * um_per_px / 1000:.3g} mm"


def resolution(um_per_px: float | None, source: str) -> str:
    """Return µm/px and where the figure comes from."""
    if um_per_px is None:
        return source
    return f"{um_per_px:.4g} µm/px ({source})"


def read_of(read_mm2: float, tissue_mm2: float, whose: str = "tissue") -> str:
    """Return how much of the tissue is read, as in 3.10 of 42.0 mm² of tissue read."""
    return f"{square_mm(read_mm2)} of {area(tissue_mm2)} of {whose} read"


def progress(now: "Progress") -> str:
    """Return how far a job is, how fast, and how long it will still take."""
    read = read_of(now.tissue_mm2_read, now.tissue_mm2_total)
    if not now.patches_a_second:
        return read
    left = (now.patches_total - now.patches_done) / now.patches_a_second
    return f"{read}\n{now.patches_a_second:.1f} patches/s, {duration(left)} left"
