"""Colour inputs of a GPU are those of NumPy."""

import numpy as np
import pytest
import torch

from napari_glioma_density.nuclei.tensor_colours import TENSOR_INPUTS
from napari_glioma_density.stain import INPUTS, normalise

FLAT = (0.5, 0.55, 0.6, 0.62)
"""Means so close that the least step between them counts."""


@pytest.mark.parametrize("name", TENSOR_INPUTS)
@pytest.mark.parametrize("fitted", [True, False])
def test_they_are_those_of_numpy(name: str, fitted: bool) -> None:
    images = np.random.default_rng(1).integers(0, 256, (2, 40, 30, 3), dtype=np.uint8)
    images[0, :3] = 0
    images[0, 3:6] = 255
    statistics = FLAT if fitted and INPUTS[name].is_fitted else INPUTS[name].typical
    found = TENSOR_INPUTS[name](torch.from_numpy(images), statistics)
    assert found.dtype == torch.float32
    assert np.allclose(found.numpy(), normalise(images, name, statistics), atol=2e-6)


def test_what_is_left_to_the_processor_is_what_is_fitted_in_the_slides_light() -> None:
    assert set(INPUTS) - set(TENSOR_INPUTS) == {"macenko", "reinhard", "vahadane"}
