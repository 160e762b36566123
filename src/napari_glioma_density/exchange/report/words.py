"""What a report says; the sentences of each language lie in files of their own."""

from dataclasses import dataclass

from napari_glioma_density.exchange.plots.words import Language
from napari_glioma_density.findings.validation import Basis


@dataclass(frozen=True)
class ReportWords:
    """Every text of a report; names in braces are filled in."""

    html_language: str
    title: str
    purpose: str
    reading_line: str
    not_validated: dict[str, str]
    """By specimen; one without a line was validated, or is unknown."""
    not_brightfield: str
    """Of slides that somebody insisted on."""
    glass_too: str
    """Of runs without a tissue mask."""
    tuned_elsewhere: str
    """Of models that were fine-tuned, and on none of the slide's fields."""
    provisional: str
    # Who and when
    case: str
    slide: str
    slide_size: str
    made: str
    run_made: str
    organ: str
    organs: dict[str, str]
    specimen: str
    specimens: dict[str, str]
    scope: str
    whole_slide: str
    all_readable: str
    """Where the slide's file is damaged."""
    part_of_slide: str
    # In short
    in_short: str
    tissue_density: str
    density: str
    nuclei: str
    tissue_mm2: str
    read_mm2: str
    unread_mm2: str
    interval: str
    by_hand: str
    interval_from: str
    basis_annotated: str
    basis_corrected: str
    no_interval: str
    no_interval_of_such: str
    """Of specimens that nothing was validated on."""
    no_interval_of_sharper: str
    """Of slides sharper than what was validated on."""
    count_error: str
    how_to_read: str
    reading: tuple[str, ...]
    # Map
    map: str
    map_caption: str
    map_without_slide: str
    orientation: str
    thumbnail_caption: str
    legend: str
    scale_name: str
    scales: dict[str, str]
    scale_notes: dict[str, str]
    share: str
    sparse: str
    damaged: str
    left_out_sign: str
    hotspot_sign: str
    cell_side: str
    # Hotspots
    hotspots: str
    hotspots_text: str
    hotspots_by_model: str
    no_hotspots: str
    rank: str
    plain: str
    outlined: str
    picture_place: str
    no_slide: str
    field_hotspots: str
    field_hotspots_text: str
    circle: str
    centre: str
    # Plots
    spread: str
    spread_text: str
    # Cells
    cells: str
    cells_text: str
    cell: str
    band: str
    signs: str
    sign_crosses: str
    sign_corrected: str
    sign_reviewed: str
    sign_incomplete: str
    reference_tissues: dict[str, str]
    ratio: str
    model_value: str
    sections: str
    section: str
    # Left out
    left_out: str
    left_out_text: str
    nothing_left_out: str
    reason: str
    reasons: dict[str, str]
    excluded_mm2: str
    all_reasons: str
    drawn_by: str
    origins: dict[str, str]
    # Not measured
    not_measured: str
    states: dict[str, str]
    patches: str
    area_mm2: str
    all_measured: str
    # Corrected and reviewed
    corrections: str
    no_corrections: str
    corrected: str
    corrected_text: str
    reviewed: str
    comments: str
    elsewhere: str
    elsewhere_text: str
    place: str
    # Against what
    regions_whole: str
    """Of reports of a part of the slide."""
    comparisons: str
    comparison_text: str
    covers: str
    covered: dict[str, str]
    """By what the intervals of a comparison cover."""
    first: str
    second: str
    difference: str
    ratio_of: str
    profiles: str
    decay: str
    # How it was measured
    how: str
    um_per_px: str
    um_per_px_from: str
    sources: dict[str, str]
    working_um_per_px: str
    model: str
    weights: str
    network: str
    model_input: str
    threshold: str
    colours: str
    colour_sources: dict[str, str]
    device: str
    versions: str
    run: str
    scores: str
    scores_text: str
    no_scores: str
    data_set: str
    fields: str
    precision: str
    recall: str
    density_error: str
    density_bias: str
    card: str
    again: str
    again_text: str
    readers: dict[str, str]
    comma: str
    percent_sign: str
    points: str

    def basis(self, basis: Basis) -> str:
        """Return what an interval rests on."""
        form = self.basis_annotated if basis.data_sets else self.basis_corrected
        return form.format(
            fields=basis.fields, slides=basis.slides, data_sets=", ".join(basis.data_sets)
        )

    def source(self, source: str) -> str:
        """Return where a µm/px comes from, and what the slide's file states otherwise."""
        for english, own in self.sources.items():
            source = source.replace(english, own)
        return source

    def reference_tissue(self, name: str) -> str:
        """Return the name of reference tissue; one that people gave stays as it is."""
        return self.reference_tissues.get(name, name)


def words_in(language: Language) -> ReportWords:
    """Return the words of a language."""
    # Each file needs the class above.
    from napari_glioma_density.exchange.report.words_en import ENGLISH
    from napari_glioma_density.exchange.report.words_zh import CHINESE

    return {"en": ENGLISH, "zh": CHINESE}[language]
