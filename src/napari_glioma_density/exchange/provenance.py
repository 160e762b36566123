"""What stands beside exported numbers: which slide, which model, and what they are not for."""

from importlib.metadata import version
from typing import Final

import numpy as np

from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.nuclei.kept_metrics import title_of
from napari_glioma_density.slides import Slide

RESEARCH_USE: Final = "Research use only, not for diagnosis, grading or margins."


def software() -> str:
    """Return the program's name and version."""
    return f"napari-glioma-density {version('napari-glioma-density')}"


def provenance(findings: Findings) -> dict[str, str | float]:
    """Return where numbers come from, by name; of the slide its pseudonym alone."""
    spec = findings.spec
    return {
        "slide": findings.pseudonym,
        "slide_width_px": findings.slide_width,
        "slide_height_px": findings.slide_height,
        "um_per_px": spec.um_per_px,
        "um_per_px_source": spec.um_per_px_source,
        "working_um_per_px": spec.working_um_per_px,
        "tissue_mask": "yes" if spec.tissue_mask else "no",
        "brightfield": "yes" if findings.run.is_brightfield else "no",
        "sharper_than_checked": "yes" if findings.is_sharper else "no",
        "organ": spec.organ,
        "specimen": findings.specimen,
        "model": spec.model,
        "tuned_elsewhere": "yes" if findings.is_tuned_elsewhere else "no",
        "weights_sha256": spec.weights_sha256,
        "run": spec.run_id,
        "of": measured_part(findings),
        "regions_of": "slide",  # a part is of whole patches: it would cut what somebody drew
        "hotspots_ranked_by": ranked_by(findings),
        "bands": findings.snapshot.scale.name,
        "band_limits_percent": " ".join(findings.snapshot.scale.written_limits),
        "complete": "yes" if findings.snapshot.totals.complete else "no",
        "corrected_patches": corrected_patches(findings),
        "software": software(),
        "note": RESEARCH_USE,
    }


def measured_part(findings: Findings) -> str:
    """Return what totals are those of, in a word: slide, a section's name, or part."""
    snapshot = findings.snapshot
    if snapshot.grid.section:
        return snapshot.grid.section
    return "slide" if snapshot.scope is None else "part"


def ranked_by(findings: Findings) -> str:
    """Return by whose values hotspots are ranked, in a word: model, or corrected."""
    snapshot = findings.snapshot
    return "corrected" if snapshot.rank_corrected and snapshot.corrected.any() else "model"


def corrected_patches(findings: Findings) -> int:
    """Return how many of the patches that count a person corrected."""
    shown = findings.snapshot
    asked = shown.corrected if shown.scope is None else shown.corrected & shown.scope
    return int(np.count_nonzero(asked))


def mask_description(findings: Findings) -> str:
    """Say what an exported mask shows."""
    return (
        f"Nuclei found by model {title_of(findings.spec.model)}, corrected fields in place: 255 "
        "nucleus, 0 none; coarser levels show the mean. What was left out of the sums is not cut "
        "out of it, nor is what lies outside a section or part that was chosen. "
        f"Specimen: {findings.specimen}. {RESEARCH_USE}"
    )


def density_description(findings: Findings) -> str:
    """Say what an exported density map shows."""
    return (
        f"Nuclear area of all cell types in percent, by model {title_of(findings.spec.model)}, one "
        f"px a patch; not a number where nothing counts. Measured: {_measured(findings)}. "
        f"Specimen: {findings.specimen}. {RESEARCH_USE}"
    )


def _measured(findings: Findings) -> str:
    part = measured_part(findings)
    words = {"slide": "the whole slide", "part": "a part of the slide"}.get(part)
    return words or f"section {part}"


def demand_slide(slide: Slide | None, pseudonym: str) -> None:
    """Refuse another slide than the one that goes by `pseudonym`; none at all will do.

    Raises
    ------
    BadInput
        When it is another.
    """
    if slide is not None and slide.pseudonym != pseudonym:
        raise BadInput(
            f"{slide.name}: is not the slide of these results ({pseudonym}); "
            "name the slide that was measured"
        )
