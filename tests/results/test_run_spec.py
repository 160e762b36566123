"""What a run was made with: its name, and what a damaged one is refused for."""

from dataclasses import replace

import pytest

from napari_glioma_density.results import RunSpec

SPEC = RunSpec(
    "fast", "a" * 64, "unet", "rgb", 0.4, 0.25, "given", 0.5, 0, 32, 960, 960, 1, frozenset(),
    True, "cpu", "fp32", 96,
)  # fmt: skip


def test_runs_on_different_organs_are_different_runs() -> None:
    """Though the model may have one threshold for all: their intervals rest on other fields."""
    assert replace(SPEC, organ="other").run_id != SPEC.run_id


def test_runs_from_before_organs_were_told_keep_their_names_and_are_of_the_brain() -> None:
    kept = SPEC.to_json()
    del kept["organ"]
    read = RunSpec.from_json(kept)
    assert (read.organ, read.run_id) == ("brain", "fast-97e91d1f9257")


@pytest.mark.parametrize("organ", ["liver", 3, None])
def test_an_organ_that_there_is_not_is_damage(organ: object) -> None:
    with pytest.raises((ValueError, TypeError), match="organ is"):
        RunSpec.from_json(SPEC.to_json() | {"organ": organ})
