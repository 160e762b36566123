"""The estimates of one slide: what each is called, and how another differs from that on show."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from napari_glioma_density.findings.estimate_comparison import (
    EstimateComparison,
    compare_estimates,
)
from napari_glioma_density.findings.gathering import gather, open_run
from napari_glioma_density.findings.snapshot import Choices, Snapshot
from napari_glioma_density.nuclei.kept_metrics import title_of
from napari_glioma_density.results import ResultStore, RunSpec
from napari_glioma_density.ui.regions.places import Place
from napari_glioma_density.ui.specimen import ORGAN_NAMES
from napari_glioma_density.ui.stored import ShownRun

BEFORE = "before correction"
"""Name and key of what the model found before anybody corrected it."""
AFTER = "as corrected"

DIFFER: tuple[Callable[[RunSpec], str], ...] = (
    lambda spec: ORGAN_NAMES[spec.organ].lower(),
    lambda spec: f"threshold {spec.threshold:g}",
    lambda spec: f"{spec.working_um_per_px:.3g} µm/px",
    lambda spec: "tissue alone" if spec.tissue_mask else "glass too",
    lambda spec: f"input {spec.input}",
    lambda spec: f"weights {spec.weights_sha256[:6]}",
    lambda spec: f"slide at {spec.um_per_px:.4g} µm/px",
)
"""What runs of one model may differ in, as the screen says it."""


def run_names(specs: Iterable[RunSpec]) -> dict[str, str]:
    """Name runs by their id: by the model, and by what parts those of one model."""
    every = tuple(specs)
    return {spec.run_id: _name(spec, [s for s in every if s.model == spec.model]) for spec in every}


def _name(spec: RunSpec, same_model: list[RunSpec]) -> str:
    parting = [say for say in DIFFER if len({say(each) for each in same_model}) > 1]
    names = Counter(tuple(say(each) for say in parting) for each in same_model)
    words = tuple(say(spec) for say in parting)
    told = ", ".join((*words, spec.run_id[-4:]) if names[words] > 1 else words)
    return f"{title_of(spec.model)} ({told})" if told else title_of(spec.model)


def other_runs(shown: ShownRun) -> tuple[str, tuple[Place, ...]]:
    """Return what the run on show is called, and the others of its store; reads the disk."""
    names = run_names(ResultStore(shown.store).runs())
    own = names.pop(shown.spec.run_id, title_of(shown.spec.model))
    return own, tuple((name, run_id) for run_id, name in names.items())


def compare_with(
    key: str, shown: ShownRun, snapshot: Snapshot, choices: Choices
) -> EstimateComparison:
    """Compare what is on show with another estimate of the slide; slow.

    Of two runs both are taken as their models found them: where a person corrected, both would be
    the same.

    Parameters
    ----------
    key
        Id of the other run, or `BEFORE`.
    shown, snapshot
        What is on show: the second of the comparison.
    choices
        How the slide is summed up.

    Raises
    ------
    BadInput
        When the other run has other patches, or cannot be read.
    """
    if key == BEFORE:
        return compare_estimates(snapshot.model, snapshot.patches)
    other = gather(shown.store, open_run(shown.store, key), replace(choices, section=None))
    return compare_estimates(other.snapshot.model, snapshot.model)
