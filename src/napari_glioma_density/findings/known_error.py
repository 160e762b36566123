"""What is known of a model's error on a slide: from its corrected fields, else from validation."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import Choice, FieldRecord, FieldValues
from napari_glioma_density.annotation.stored import fitting, tells_of_error
from napari_glioma_density.density import PatchTable
from napari_glioma_density.findings.density_error import DensityError, density_error
from napari_glioma_density.findings.random_fields import corrected_error
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.nuclei.kept_metrics import learnt_pictures
from napari_glioma_density.results import ResultStore, Run, RunSpec
from napari_glioma_density.results.pictures import picture_digest


def known_error(
    store: Path, spec: RunSpec, snapshot: Snapshot, reader: str = "first"
) -> DensityError | None:
    """Return the error that intervals of a run's figures are made from.

    From three finished random fields on these, and else the model's validation. Fields that the
    model was fine-tuned on say nothing of how far it is off elsewhere, nor do those that began with
    the outlines of another model.

    Parameters
    ----------
    store
        Folder of the slide's result store.
    spec, snapshot
        The run, and what it found.
    reader
        Whose fields count.

    Returns
    -------
    DensityError | None
        None when neither is known: then there are no intervals.

    Raises
    ------
    StoreError
        When a field is damaged.
    ModelError
        When a file of scores cannot be read.
    """
    model = beside_fields(snapshot)
    fields = tuple(_finished(store, spec, reader))
    drawn = [values for values, choice in fields if choice is Choice.RANDOM]
    chosen = [values for values, choice in fields if choice is not Choice.RANDOM]
    validated = density_error(spec.weights_sha256, spec.organ)
    return corrected_error(model, drawn, chosen, validated) or validated


def beside_fields(snapshot: Snapshot) -> PatchTable:
    """Return the model's values as those of corrected fields are to be compared with.

    Values of fields are without exclusions: so are these. Patches that are left out whole are not
    read, so that fields there do not count.
    """
    return replace(snapshot.measured, state=snapshot.model.state)


def is_sharper(run: Run) -> bool:
    """Tell whether a slide is sharper than every field its model was validated on.

    Raises
    ------
    ModelError
        When a file of scores cannot be read.
    """
    validated = density_error(run.spec.weights_sha256, run.spec.organ)
    if validated is None or validated.sharpest is None or run.sharpness is None:
        return False
    return run.sharpness > validated.sharpest


def holding(error: DensityError | None, *, is_validated: bool) -> DensityError | None:
    """Return what of an error holds for a specimen.

    Of a kind that no validation has seen, or a slide sharper than all that it has, what validation
    found does not; what fields of the slide itself have shown does.
    """
    return None if error and error.basis.data_sets and not is_validated else error


def learnt_by_model(store: Path, spec: RunSpec) -> frozenset[str]:
    """Return digests of the pictures that a run's model learnt from.

    Of what the run has kept, and of what lies beside the weights: these may be gone, or never were
    among the models here; of earlier runs they alone tell.

    Raises
    ------
    StoreError
        When the run cannot be read.
    ModelError
        When a file of scores cannot be read.
    """
    return ResultStore(store).learnt(spec.run_id) | learnt_pictures(spec.weights_sha256)


def is_learnt(corrections: Corrections, record: FieldRecord, learnt: frozenset[str]) -> bool:
    """Tell whether a field is among the pictures, given by digest, that a model learnt from."""
    return bool(learnt) and picture_digest(corrections.rgb(record.name)) in learnt


def _finished(store: Path, spec: RunSpec, reader: str) -> Iterator[tuple[FieldValues, Choice]]:
    corrections = Corrections.open(store, reader, writable=False)
    learnt = learnt_by_model(store, spec)
    for record in fitting(corrections, spec):
        if not tells_of_error(record, spec) or is_learnt(corrections, record, learnt):
            continue
        notes = corrections.notes(record.name)
        if notes.done and notes.values is not None:
            yield notes.values, record.choice
