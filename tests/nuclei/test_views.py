"""Test-time views: turned and flipped copies, averaged."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.device import DevicePlan
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.registry import Model
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.views import (
    SOFT_HALO_PX,
    View,
    mean_margins,
    softened,
    views_of,
    with_views,
)

SPEC = ModelSpec(name="test", title="", architecture="unet", base_width=4)
BLOCK = torch.rand(2, 3, 48, 80)


def symmetries(count: int) -> tuple[View, ...]:
    return views_of(SPEC.with_(views=count))


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
    seen = {tuple(view.of(square).flatten().tolist()) for view in symmetries(8)}
    turned = [torch.rot90(square, quarters, (-2, -1)) for quarters in range(4)]
    expected = [*turned, *(one.flip(-1) for one in turned)]
    assert seen == {tuple(one.flatten().tolist()) for one in expected}


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_every_view_is_undone_on_blocks_that_are_not_square(count: int) -> None:
    for view in symmetries(count):
        assert torch.equal(view.undone(view.of(BLOCK)[:, 0]), BLOCK[:, 0])
    margins = mean_margins(first_channel, BLOCK, symmetries(count))
    assert torch.allclose(margins, BLOCK[:, 0])


def test_views_are_averaged_as_written_out_by_hand() -> None:
    network = build_network(SPEC).eval()
    with torch.inference_mode():
        found = mean_margins(network, BLOCK, symmetries(8))
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
    mean_margins(Counted(), images, symmetries(1))
    assert len(seen) == 1
    assert seen[0] is images


@pytest.mark.parametrize("count", [0, 3, 16])
def test_other_counts_are_refused(count: int) -> None:
    with pytest.raises(ModelError, match=rf"test: asks for {count} views; .*1, 2, 4 or 8"):
        segmenter(count)


def test_softened_is_a_gaussian_of_two_px() -> None:
    image = np.random.default_rng(2).random((60, 70)).astype(np.float32)
    found = softened(torch.from_numpy(image)[None, None])[0, 0].numpy()
    assert np.allclose(found, gaussian_filter(image, 2.0, mode="nearest"), atol=0.03)
    assert np.ptp(found) > 0.1
    assert torch.equal(softened(torch.ones(1, 5, 9, 9)), torch.ones(1, 5, 9, 9))


def test_softening_takes_no_light_away_in_bfloat16() -> None:
    images = torch.rand(1, 3, 32, 32)
    found = softened(images.bfloat16())
    assert found.dtype == torch.bfloat16
    assert torch.allclose(found.float(), softened(images), atol=0.005)


def test_soft_views_are_averaged_with_the_others() -> None:
    network, images = build_network(SPEC).eval(), BLOCK
    sharp, soft = symmetries(4)[:3], symmetries(4)[3]
    with torch.inference_mode():
        found = mean_margins(network, images, views_of(SPEC.with_(views=4, soft_views=1)))
        parts = [mean_margins(network, images, (view,)) for view in sharp]
        parts.append(mean_margins(network, softened(images), (soft,)))
    assert torch.allclose(found, torch.stack(parts).mean(0), atol=1e-6)
    assert not torch.allclose(found, mean_margins(network, images, symmetries(4)), atol=1e-3)


def test_a_halo_makes_soft_views_exact() -> None:
    spec = with_views(SPEC, 2, 1)
    network, wide, core = build_network(spec).eval(), SOFT_HALO_PX + 64, 32
    images = torch.rand(1, 3, 2 * wide + core, 2 * wide + core)

    def of_core(halo: int) -> torch.Tensor:
        seen = images[..., wide - halo : wide + core + halo, wide - halo : wide + core + halo]
        with torch.inference_mode():
            margins = mean_margins(network, seen, views_of(spec))
        return margins[..., halo : halo + core, halo : halo + core]

    assert torch.allclose(of_core(spec.halo_px), of_core(wide), atol=1e-6)
    assert not torch.allclose(of_core(64), of_core(wide), atol=1e-6)


def test_soft_views_bring_the_halo_they_need_and_no_other_does() -> None:
    assert with_views(SPEC, 8, 1).halo_px == SOFT_HALO_PX > SPEC.halo_px
    assert with_views(SPEC, 8, 0).halo_px == SPEC.halo_px
    assert with_views(SPEC.with_(halo_px=128), 8, 1).halo_px == 128
    assert with_views(with_views(SPEC, 8, 1), None, None) == with_views(SPEC, 8, 1)


@pytest.mark.parametrize(("views", "soft"), [(1, 1), (4, 4), (2, -1)])
def test_a_model_looks_at_the_picture_as_it_is_too(views: int, soft: int) -> None:
    with pytest.raises(ModelError, match=rf"test: asks for {soft} soft views of {views}"):
        with_views(SPEC, views, soft)


def test_weights_without_soft_views_are_described_as_ever() -> None:
    assert "soft_views" not in SPEC.as_dict()
    assert with_views(SPEC, 2, 1).as_dict()["soft_views"] == 1


def test_weights_that_do_not_speak_of_views_have_one() -> None:
    old = SPEC.to_json().replace(', "views": 1', "")
    assert "views" not in old
    assert ModelSpec.from_json(old, "old.safetensors").views == 1
