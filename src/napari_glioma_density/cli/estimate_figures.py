"""What ``estimate`` shows a person: the headline, how sure it is, cautions and hotspots."""

from typing import Any

from napari_glioma_density.cli.console import say
from napari_glioma_density.findings import written
from napari_glioma_density.findings.areas import square_mm
from napari_glioma_density.findings.written import span


def print_figures(figures: dict[str, Any]) -> None:
    """Print what a person needs of the figures of summary.json."""
    lines = [
        _headline(figures),
        *_how_sure(figures),
        *_cautions(figures),
        *_count(figures),
        f"{square_mm(figures['tissue_mm2'])} mm² of tissue read, "
        f"{square_mm(figures['unread_mm2'])} mm² unread",
        *(
            f"hotspot {place}: {spot['cell']}, {spot['tissue_density_percent']:.1f} % of tissue"
            for place, spot in enumerate(figures["hotspots"][:3], 1)
        ),
        *_by_a_person(figures),
        f"tables and map: {figures['folder']}",
        "research use only, not for diagnosis, grading or margins",
    ]
    say("\n".join(lines) + "\n")


def _headline(figures: dict[str, Any]) -> str:
    density, tissue = figures["density_percent"], figures["tissue_density_percent"]
    if density is None:
        left_out = (figures.get("excluded") or {}).get("read_mm2")
        return "all that was read is left out" if left_out else "nothing could be read"
    if tissue is None:
        unread = ": all that may be tissue is unreadable" if figures["unread_mm2"] else ""
        return f"nothing that counts is tissue{unread}"
    return f"nuclear area {tissue:.1f} % of tissue, all cell types ({density:.1f} % of pixels)"


def _count(figures: dict[str, Any]) -> list[str]:
    count = figures["nuclei_per_mm2"]
    return [] if count is None else [f"{written.count(count)} nuclei/mm² of tissue"]


def _how_sure(figures: dict[str, Any]) -> list[str]:
    """Say the interval of the headline, or why there is none."""
    from napari_glioma_density.findings.uncertainty import BY_HAND, UNKNOWN
    from napari_glioma_density.results.spec import SHARPER
    from napari_glioma_density.results.specimen import NOT_VALIDATED

    known = figures["intervals"]
    if figures["tissue_density_percent"] is None:
        return []
    if known is None and figures["specimen"] in NOT_VALIDATED:
        return [f"not validated on specimens of this kind: {figures['specimen']}"]
    if known is None:
        return [SHARPER if figures["sharper_than_checked"] else UNKNOWN]
    if known["basis"] == BY_HAND:
        return [BY_HAND]
    ends = span(known["tissue_density_percent"], 1)
    return [f"95 % interval {ends} %, by {known['basis']}"]


def _cautions(figures: dict[str, Any]) -> list[str]:
    from napari_glioma_density.findings.tuning import TUNED_ELSEWHERE
    from napari_glioma_density.results.spec import GLASS_TOO, NOT_BRIGHTFIELD
    from napari_glioma_density.slides.organ import BRAIN

    said = {"tissue_mask": GLASS_TOO, "brightfield": NOT_BRIGHTFIELD}
    tuned = [TUNED_ELSEWHERE] if figures["tuned_elsewhere"] else []
    other = ["estimated as an organ other than the brain"] if figures["organ"] != BRAIN else []
    return other + [caution for name, caution in said.items() if not figures[name]] + tuned


def _by_a_person(figures: dict[str, Any]) -> list[str]:
    """Say what of the figures is not the model's own doing."""
    lines = []
    if corrections := figures.get("corrections"):
        fields, model = corrections["fields"], corrections["model_tissue_density_percent"]
        corrected = f"{fields} field{'s' * (fields != 1)} corrected"
        lines.append(corrected + ("" if model is None else f"; the model alone: {model:.1f} %"))
    if excluded := figures.get("excluded"):
        reasons = excluded["read_mm2_by_reason"].items()
        parts = ", ".join(f"{reason} {square_mm(mm2)}" for reason, mm2 in reasons)
        lines.append(f"{square_mm(excluded['read_mm2'])} mm² left out: {parts}")
    return lines
