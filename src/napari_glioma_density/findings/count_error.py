"""How far nucleus counts are off where the tissue is about as dense."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari_glioma_density.density import PAPER_BANDS, band_of
from napari_glioma_density.findings.validation import is_of
from napari_glioma_density.slides.organ import BRAIN, Organ


@dataclass(frozen=True)
class CountError:
    """Nuclei found against nuclei annotated, in fields of one band of true density.

    Attributes
    ----------
    relative
        Found over annotated, less 1: -0.14 finds 14 of a hundred too few.
    fields
        Number of fields.
    from_percent, to_percent
        Limits of the band (P1).
    basis
        Data sets that the fields are of.
    """

    relative: float
    fields: int
    from_percent: float
    to_percent: float
    basis: str


def count_error(
    metrics: Mapping[str, Any], percent: float, organ: Organ = BRAIN
) -> CountError | None:
    """Return the known error of the nucleus count at a density.

    Fields of the organ alone count where any of them lies in the band, all others if not.

    Parameters
    ----------
    metrics
        Scores as ``evaluate --json`` printed them (`nuclei.kept_metrics.metrics_of`).
    percent
        Nuclear density, % of tissue.
    organ
        What the slide is of.

    Returns
    -------
    CountError | None
        None where no field with nuclei lies in the band.
    """
    band = int(band_of(percent))
    rows = [
        (one, row)
        for one in metrics.get("data_sets", ())
        for row in one.get("nucleus_count", {}).get("by_density", ())
        if row["band"] == band and row["true"]
    ]
    rows = [(one, row) for one, row in rows if is_of(organ, one)] or rows
    if not rows:
        return None
    true, found, fields = (
        sum(int(row[name]) for _, row in rows) for name in ("true", "predicted", "fields")
    )
    limits = PAPER_BANDS.limits_percent
    return CountError(
        relative=found / true - 1,
        fields=fields,
        from_percent=limits[band],
        to_percent=limits[band + 1],
        basis=", ".join(str(one["name"]) for one, _ in rows),
    )
