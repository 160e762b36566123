"""Test-time views: turned and flipped copies, averaged."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.device import DevicePlan
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.registry import Model
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.views import mean_margins, symmetries

SPEC = ModelSpec(name="test", title="", architecture="unet", base_width=4)
BLOCK = torch.rand(2, 3, 48, 80)


def segmenter(views: int) -> NetworkSegmenter:
    torch.manual_seed(3)
    spec = SPEC.with_(views=views)
    network = build_network(spec).eval()
    model = Model(spec, Path("test.safetensors"), "0" * 64, {})
    return NetworkSegmenter(model, network, DevicePlan("cpu", "fp32"))


def first_channel(images: torch.Tensor) -> torch.Tensor:
    """A network whose margin is the first channel: it commutes with every symmetry."""
    return torch.stack([torch.zeros_like(images[:, 0]), images[:, 0]], dim=1)


def test_the_eight_views_are_the_symmetries_of_the_square() -> None:
    square = torch.arange(9.0).reshape(1, 1, 3, 3)
    seen = {tuple(view.of(square).flatten().tolist()) for view in symmetries(8, "test")}
    turned = [torch.rot90(square, quarters, (-2, -1)) for quarters in range(4)]
    expected = [*turned, *(one.flip(-1) for one in turned)]
    assert seen == {tuple(one.flatten().tolist()) for one in expected}


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_every_view_is_undone_on_blocks_that_are_not_square(count: int) -> None:
    for view in symmetries(count, "test"):
        assert torch.equal(view.undone(view.of(BLOCK)[:, 0]), BLOCK[:, 0])
    margins = mean_margins(first_channel, BLOCK, symmetries(count, "test"))
    assert torch.allclose(margins, BLOCK[:, 0])


def test_views_are_averaged_as_written_out_by_hand() -> None:
    network = build_network(SPEC).eval()
    with torch.inference_mode():
        found = mean_margins(network, BLOCK, symmetries(8, "test"))
        by_hand = torch.zeros(2, 48, 80)
        for quarters in range(4):
            for mirror in (False, True):
                seen = torch.rot90(BLOCK, quarters, (-2, -1))
                logits = network((seen.flip(-1) if mirror else seen).contiguous())
                margins = logits[:, 1] - logits[:, 0]
                margins = margins.flip(-1) if mirror else margins
                by_hand += torch.rot90(margins, -quarters, (-2, -1)) / 8
    assert torch.allclose(found, by_hand, atol=1e-5)


def test_with_eight_views_a_turned_picture_gives_the_turned_answer() -> None:
    image = np.random.default_rng(1).integers(0, 256, (1, 48, 80, 3), dtype=np.uint8)
    turned = np.ascontiguousarray(np.rot90(image, axes=(1, 2)))
    one, eight = segmenter(1), segmenter(8)
    expected = np.rot90(eight.probability(image), axes=(1, 2))
    assert np.allclose(eight.probability(turned), expected, atol=1e-5)
    unlike = np.rot90(one.probability(image), axes=(1, 2))
    assert not np.allclose(one.probability(turned), unlike, atol=1e-3)


def test_one_view_runs_the_network_once() -> None:
    seen = []

    class Counted(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(images)
            return first_channel(images)

    images = BLOCK.contiguous(memory_format=torch.channels_last)
    mean_margins(Counted(), images, symmetries(1, "test"))
    assert len(seen) == 1
    assert seen[0] is images


@pytest.mark.parametrize("count", [0, 3, 16])
def test_other_counts_are_refused(count: int) -> None:
    with pytest.raises(ModelError, match=rf"test: asks for {count} views; .*1, 2, 4 or 8"):
        segmenter(count)


def test_weights_that_do_not_speak_of_views_have_one() -> None:
    old = SPEC.to_json().replace(', "views": 1', "")
    assert "views" not in old
    assert ModelSpec.from_json(old, "old.safetensors").views == 1
