"""What a data set's name of an organ means."""

import pytest

from napari_glioma_density.slides.organ import BRAIN, OTHER, organ_named


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "brain: glioblastoma", "human brain", "Brain ", "cerebrum", "Human cerebellum",
        "GBM", "TCGA-LGG", "high-grade glioma", "Glioblastoma, IDH wild type", "astrocytoma",
    ],
)  # fmt: skip
def test_what_is_of_the_brain_or_not_said_is_brain(name: str) -> None:
    assert organ_named(name) == BRAIN


@pytest.mark.parametrize(
    "name", ["colon", "breast: triple-negative breast cancer", "none", "0", "paraganglioma"]
)
def test_all_else_is_another_organ(name: str) -> None:
    assert organ_named(name) == OTHER
