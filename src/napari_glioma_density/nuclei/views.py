"""Test-time views: a network looks at a picture turned and flipped, and the mean counts."""

from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor

from napari_glioma_density.errors import ModelError

_DOWN, _ACROSS = -2, -1


class View(NamedTuple):
    """One of the eight symmetries of the square: transposed first, then flipped."""

    is_transposed: bool
    flipped: tuple[int, ...]
    """Axes, counted from the last."""

    def of(self, images: Tensor) -> Tensor:
        """The view of images (n, c, h, w): (n, c, w, h) where it is transposed."""
        if self.is_transposed:
            images = images.transpose(_DOWN, _ACROSS)
        return images.flip(self.flipped) if self.flipped else images

    def undone(self, margins: Tensor) -> Tensor:
        """What was found in the view, (n, h, w), as it lies in the picture."""
        if self.flipped:
            margins = margins.flip(self.flipped)
        return margins.transpose(_DOWN, _ACROSS) if self.is_transposed else margins


# The first two are mirror images, the first four keep the shape of a block that is not square.
_SYMMETRIES: Final = tuple(
    View(is_transposed, flipped)
    for is_transposed in (False, True)
    for flipped in ((), (_ACROSS,), (_DOWN,), (_DOWN, _ACROSS))
)
_COUNTS: Final = (1, 2, 4, 8)


def symmetries(count: int, model: str) -> tuple[View, ...]:
    """The first 1, 2, 4 or 8 symmetries of the square.

    Raises
    ------
    ModelError
        When ``count`` is none of these; ``model`` is named in it.
    """
    if count not in _COUNTS:
        raise ModelError(f"{model}: asks for {count} views; a model has 1, 2, 4 or 8")
    return _SYMMETRIES[:count]


def mean_margins(
    network: Callable[[Tensor], Tensor], images: Tensor, views: tuple[View, ...]
) -> Tensor:
    """Logit of nucleus less that of background, averaged over views.

    Sides of ``images`` are multiples of the network's lattice, so every view lies on that lattice
    too, and a pixel's margin still does not depend on the block it was looked at in.

    Parameters
    ----------
    network
        Images (n, c, h, w) to logits (n, 2, h, w).
    images
        (n, c, h, w), channels last.
    views
        At least one.

    Returns
    -------
    Tensor
        (n, h, w) float32, where the images are.
    """
    total = _margins(network, images, views[0])
    for view in views[1:]:
        total = total + _margins(network, images, view)
    return total / len(views) if len(views) > 1 else total


def _margins(network: Callable[[Tensor], Tensor], images: Tensor, view: View) -> Tensor:
    seen = view.of(images).contiguous(memory_format=torch.channels_last)
    logits = network(seen)
    return view.undone(logits[:, 1].float() - logits[:, 0].float())
