"""Segment a single picture, a field or a snapshot, at its own size."""

import itertools
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import nn

from napari_glioma_density.nuclei.segmenter import NetworkSegmenter
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.tensor_colours import as_input
from napari_glioma_density.nuclei.views import mean_margins, views_of
from napari_glioma_density.stain import Statistics, colour_input

Window = tuple[slice, slice]
Predict = Callable[[NDArray[np.uint8], Statistics], NDArray[np.float32]]
"""Images (n, h, w, 3) at a model's resolution and their colour statistics to logits of nucleus less
those of background (n, h, w)."""

_MOST_PIXELS: Final = 65536
_BLOCK_PX: Final = 1920
"""A picture of more px a side goes through the network in blocks: memory grows with what it looks
at at once. A multiple of every lattice."""
_AS_FINE: Final = 1 / 32
"""Slides are read in steps of a sixteenth of a px."""


def network_prediction(network: nn.Module, spec: ModelSpec) -> Predict:
    """How a network predicts in full precision where it is, as training looks at it."""
    views, device = views_of(spec), next(network.parameters()).device

    def predict(images: NDArray[np.uint8], statistics: Statistics) -> NDArray[np.float32]:
        with torch.inference_mode():
            seen = as_input(images, spec.input, statistics).to(device)
            margins: NDArray[np.float32] = mean_margins(network, seen, views).cpu().numpy()
        return margins

    return predict


def segment_picture(
    segmenter: NetworkSegmenter,
    rgb: NDArray[np.uint8],
    um_per_px: float,
    slide_colours: NDArray[np.uint8] | None = None,
) -> NDArray[np.bool_]:
    """Nucleus mask (height, width) of a single picture (height, width, 3) at its own size."""
    probability = model_probability(segmenter, rgb, um_per_px, slide_colours)
    return probability >= segmenter.spec.threshold


def model_probability(
    segmenter: NetworkSegmenter,
    rgb: NDArray[np.uint8],
    um_per_px: float,
    slide_colours: NDArray[np.uint8] | None = None,
) -> NDArray[np.float32]:
    """Probability of nucleus, float32 (height, width), 0–1, of a picture at its own size."""

    def predict(images: NDArray[np.uint8], statistics: Statistics) -> NDArray[np.float32]:
        return segmenter.fitted(statistics).margins(images)

    return picture_probability(predict, segmenter.spec, rgb, um_per_px, slide_colours)


def picture_probability(
    predict: Predict,
    spec: ModelSpec,
    rgb: NDArray[np.uint8],
    um_per_px: float,
    slide_colours: NDArray[np.uint8] | None = None,
) -> NDArray[np.float32]:
    """Probability of nucleus in a single picture at its own size.

    Parameters
    ----------
    predict
        The model.
    spec
        The model's resolution, input, halo and lattice.
    rgb
        (height, width, 3) uint8.
    um_per_px
        Resolution of the picture; it is scaled to the model's, and the logits back, by cubic
        interpolation: so a mask keeps the area that it has at the model's.
    slide_colours
        (n, 3) uint8 from all over the slide that it was cut from, to which the model's input is
        fitted; without them the picture is taken for the slide.

    Returns
    -------
    ndarray
        (height, width) float32, 0–1.
    """
    height, width = rgb.shape[:2]
    scaled = resampled(rgb, um_per_px, spec.um_per_px)
    padded, window = padded_to_lattice(scaled, spec.halo_px, spec.lattice_px)
    fitted = picture_statistics(scaled if slide_colours is None else slide_colours, spec.input)
    margins = _margins(predict, spec, padded, fitted)[window]
    return np.asarray(expit(cv2.resize(margins, (width, height), interpolation=cv2.INTER_CUBIC)))


def _margins(
    predict: Predict, spec: ModelSpec, padded: NDArray[np.uint8], statistics: Statistics
) -> NDArray[np.float32]:
    """Logits of a padded picture (height, width), block by block; those of its border are 0.

    Every block begins on the picture's lattice and has its halo of it, so it matters to rounding
    alone where blocks meet.
    """
    halo = spec.halo_px
    margins = np.zeros(padded.shape[:2], np.float32)
    across = _cores(padded.shape[1] - 2 * halo, spec.lattice_px)
    for top, height in _cores(padded.shape[0] - 2 * halo, spec.lattice_px):
        for left, width in across:
            seen = padded[top : top + height + 2 * halo, left : left + width + 2 * halo]
            found = predict(np.ascontiguousarray(seen)[None], statistics)[0]
            core = np.s_[halo : halo + height, halo : halo + width]
            margins[top:, left:][core] = found[core]
    return margins


def _cores(length: int, lattice_px: int) -> list[tuple[int, int]]:
    """Where blocks begin and how long they are, about alike, that fill a length on the lattice."""
    steps = length // lattice_px
    parts = -(-length // _BLOCK_PX)
    ends = [steps * part // parts * lattice_px for part in range(parts + 1)]
    return [(begin, end - begin) for begin, end in itertools.pairwise(ends)]


def picture_statistics(rgb: NDArray[np.uint8], input_name: str) -> Statistics:
    """Fit a colour input to colours (…, 3), such as a picture's at the model's resolution."""
    pixels = rgb.reshape(-1, 3)
    return colour_input(input_name).fit(pixels[:: -(-len(pixels) // _MOST_PIXELS)])


def resampled(rgb: NDArray[np.uint8], from_um: float, to_um: float) -> NDArray[np.uint8]:
    """A picture (height, width, 3) of ``from_um`` µm/px at ``to_um`` µm/px.

    A picture of nearly that resolution stays as it is, as a slide does: moving its px by fractions
    would blur it.
    """
    factor = from_um / to_um
    if abs(factor - 1) < _AS_FINE:
        return rgb
    size = (max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=how))


def padded_to_lattice(
    rgb: NDArray[np.uint8], halo_px: int, lattice_px: int
) -> tuple[NDArray[np.uint8], Window]:
    """Mirror a picture at its border until it has a halo and sides on the lattice.

    A field cut from tissue goes on beyond its border, so it is mirrored; white would draw an
    edge that is not there.

    Returns
    -------
    padded, window
        The picture (height, width, 3) and where the original lies in it.
    """
    height, width = rgb.shape[:2]
    down, right = -height % lattice_px + halo_px, -width % lattice_px + halo_px
    padded = cv2.copyMakeBorder(rgb, halo_px, down, halo_px, right, cv2.BORDER_REFLECT)
    return np.asarray(padded), np.s_[halo_px : halo_px + height, halo_px : halo_px + width]
