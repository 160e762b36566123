"""The files a person takes away from a run: tables, a picture of the map, a summary."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_glioma_density.exchange.csv_files import write_patches_and_grid
from napari_glioma_density.exchange.extras_gathering import intervals, sections_of
from napari_glioma_density.exchange.provenance import measured_part, ranked_by
from napari_glioma_density.exchange.whole_output import whole_files
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.uncertainty import BY_HAND
from napari_glioma_density.results.heatmap import write_heatmap
from napari_glioma_density.results.summary import (
    corrections_summary,
    excluded_summary,
    summary,
    totals_figures,
    write_summary,
)


def write_tables(
    folder: Path,
    findings: Findings,
    *,
    patches_reused: int = 0,
    seconds: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Write patches.csv, grid.csv, heatmap.png and summary.json.

    With corrections every figure is a corrected one, the model's stand beside it, and hotspots
    keep the order the model gives unless they were to be ranked by corrected values.

    Parameters
    ----------
    folder
        Where to; made when it is not there. All of them are replaced, or none.
    findings
        What is said of the slide.
    patches_reused, seconds
        Of the job that has just ended, for the summary.

    Returns
    -------
    dict
        The figures of summary.json.

    Raises
    ------
    StoreError
        When a file cannot be written; what was there before is kept.
    """
    shown = findings.snapshot
    figures = figures_of(folder, findings, patches_reused=patches_reused, seconds=seconds)
    with whole_files(folder) as part:
        write_patches_and_grid(part, findings)
        write_heatmap(part / "heatmap.png", shown.patches, shown.grid, shown.scale, shown.scope)
        write_summary(part / "summary.json", figures)
    return figures


def figures_of(
    folder: Path,
    findings: Findings,
    *,
    patches_reused: int = 0,
    seconds: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Return the figures of summary.json, all as JSON knows them."""
    shown = findings.snapshot
    figures = summary(
        folder=folder,
        store=findings.store,
        spec=findings.spec,
        totals=shown.totals,
        hotspots=shown.hotspots,
        patches_reused=patches_reused,
        seconds=seconds or {},
    )
    figures |= {"of": measured_part(findings), "hotspots_ranked_by": ranked_by(findings)}
    figures["tuned_elsewhere"] = findings.is_tuned_elsewhere
    figures["brightfield"] = findings.run.is_brightfield
    figures |= {"sharpness": findings.run.sharpness, "sharper_than_checked": findings.is_sharper}
    figures |= {"specimen": findings.specimen, "intervals": _intervals(findings)}
    figures["sections"] = _sections(findings)
    if findings.corrected is not None:
        figures["corrections"] = corrections_summary(findings.corrected, shown.scope)
    if findings.excluded_mm2:
        figures["excluded"] = excluded_summary(shown.patches, findings.exclusions, shown.scope)
    return figures


def _intervals(findings: Findings) -> dict[str, Any] | None:
    """Ends of the 95 % intervals of the totals, and what they rest on; None when not known."""
    known = intervals(findings)
    if known is None or known.total is None:
        return None
    return {
        "density_percent": [round(end, 4) for end in known.total.density],
        "tissue_density_percent": [round(end, 4) for end in known.total.tissue_density],
        "basis": BY_HAND if known.total.is_known else str(known.error.basis),
    }


def _sections(findings: Findings) -> list[dict[str, Any]]:
    """Return each piece of tissue with its totals; none when there is but one."""
    return [
        {"section": each.section.name, **totals_figures(each.totals)}
        for each in sections_of(findings)
    ]
