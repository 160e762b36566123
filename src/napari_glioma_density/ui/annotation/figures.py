"""What fields say in numbers: of themselves, and of the whole slide."""

from collections.abc import Iterable

from napari_glioma_density.annotation.field import Choice
from napari_glioma_density.density import Block
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.known_error import beside_fields
from napari_glioma_density.findings.random_fields import CorrectionFactor, slide_factor
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.ui.annotation.shelved import ShelvedField, counting


def field_densities(snapshot: Snapshot, block: Block) -> tuple[float | None, float | None]:
    """Return the nuclear area of patches in % of tissue: the model's, and as corrected."""
    return (
        snapshot.model.tissue_density_percent_of(block),
        snapshot.patches.tissue_density_percent_of(block),
    )


def slide_correction(
    snapshot: Snapshot, fields: Iterable[ShelvedField], validated: DensityError | None
) -> CorrectionFactor | None:
    """Return what the random, finished fields say of the whole slide.

    `validated` is the model's error as validation has it.
    """
    done = [field for field in fields if field.done and field.tells_of_error]
    drawn, chosen = (
        counting(one for one in done if (one.record.choice is Choice.RANDOM) is random)
        for random in (True, False)
    )
    return slide_factor(beside_fields(snapshot), drawn, chosen, validated)
