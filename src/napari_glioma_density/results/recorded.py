"""What the attributes of a run say, read back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_glioma_density.errors import StoreError
from napari_glioma_density.results.failures import COMPUTE_ANEW, damage_named
from napari_glioma_density.results.spec import RunSpec


def recorded_spec(folder: Path, attributes: dict[str, Any]) -> RunSpec:
    """Return what a run was made with; StoreError when its attributes do not say."""
    with damage_named(folder, "its specification is damaged", f"move it away, or {COMPUTE_ANEW}"):
        unknown = RunSpec.unknown(attributes["spec"])
        if not unknown:
            return RunSpec.from_json(attributes["spec"])
    raise StoreError(
        f"{folder}: was written by a newer version ({', '.join(unknown)}): update the program, or "
        "move the folder away"
    )


def recorded_learnt(attributes: Mapping[str, Any]) -> frozenset[str]:
    """Return the digests of pictures that the model of a run is recorded to have learnt from."""
    kept = attributes.get("learnt")
    return frozenset(map(str, kept)) if isinstance(kept, list) else frozenset()


def recorded_tuned_on(attributes: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the slides that the model of a run is recorded to be fine-tuned on; None for none."""
    kept = attributes.get("tuned_on")
    return frozenset(map(str, kept)) if isinstance(kept, list) else None


def recorded_sharpness(attributes: Mapping[str, Any]) -> float | None:
    """Return how sharp the slide of a run is recorded to be; None where that is not known."""
    kept = attributes.get("sharpness")
    return kept if isinstance(kept, float) else None


def recorded_pending(attributes: Mapping[str, Any]) -> int | None:
    """Return how many patches were left to do when a run was finished; None where not known."""
    totals = attributes.get("totals")
    pending = totals.get("pending") if isinstance(totals, dict) else None
    return pending if isinstance(pending, int) else None
