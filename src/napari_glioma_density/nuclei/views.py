"""Test-time views: a network looks at a picture turned, flipped, softened, and the mean counts."""

from collections.abc import Callable
from typing import Final, NamedTuple

import torch
import torch.nn.functional
from torch import Tensor

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.spec import ModelSpec

_DOWN, _ACROSS = -2, -1


class View(NamedTuple):
    """One of the eight symmetries of the square: transposed first, then flipped."""

    is_transposed: bool
    flipped: tuple[int, ...]
    """Axes, counted from the last."""
    is_soft: bool = False
    """Whether it is of the picture :func:`softened`."""

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
_TRIANGLE: Final = (1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0, 2.0, 1.0)
"""Weights of a px and its neighbours along an axis; their standard deviation is 2 px."""
_REACH_PX: Final = len(_TRIANGLE) // 2
SOFT_HALO_PX: Final = 112
"""Halo of a model with soft views: a network sees 94 px beyond a block, the px there see further,
and a halo is a multiple of 16."""


def views_of(spec: ModelSpec) -> tuple[View, ...]:
    """The views of a model: the first 1, 2, 4 or 8 symmetries of the square, the last ones soft.

    Raises
    ------
    ModelError
        When it asks for another number of them, or for none but soft ones.
    """
    if spec.views not in _COUNTS:
        raise ModelError(f"{spec.name}: asks for {spec.views} views; a model has 1, 2, 4 or 8")
    if not 0 <= spec.soft_views < spec.views:
        raise ModelError(
            f"{spec.name}: asks for {spec.soft_views} soft views of {spec.views}; "
            "one at least must be of the picture as it is"
        )
    sharp = spec.views - spec.soft_views
    soft = (view._replace(is_soft=True) for view in _SYMMETRIES[sharp : spec.views])
    return (*_SYMMETRIES[:sharp], *soft)


def with_views(spec: ModelSpec, views: int | None, soft_views: int | None) -> ModelSpec:
    """The model with other views, those not given as they were, and the halo that they need.

    Raises
    ------
    ModelError
        As `views_of`.
    """
    changed = spec.with_(
        views=spec.views if views is None else views,
        soft_views=spec.soft_views if soft_views is None else soft_views,
    )
    views_of(changed)
    least = SOFT_HALO_PX if changed.soft_views else 0
    return changed.with_(halo_px=max(spec.halo_px, least))


def mean_margins(
    network: Callable[[Tensor], Tensor], images: Tensor, views: tuple[View, ...]
) -> Tensor:
    """Logit of nucleus less that of background, averaged over views.

    Scanners sharpen their pictures to different degrees, and a network finds less in pictures
    sharper than those it learnt from; a soft view among the others makes up for part of that.

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
    soft = softened(images) if any(view.is_soft for view in views) else images
    seen = [(soft if view.is_soft else images, view) for view in views]
    total = _margins(network, *seen[0])
    for image, view in seen[1:]:
        total = total + _margins(network, image, view)
    return total / len(views) if len(views) > 1 else total


def softened(images: Tensor) -> Tensor:
    """Images (n, c, h, w), each px the mean of those around it, weighted by a Gaussian's like.

    The standard deviation is 2 px; px further off than 4 have no say. An
    image goes on beyond its edge as it ends there.
    """
    channels, reach = images.shape[1], _REACH_PX
    # In float32, whatever they are in: bfloat16 has no weights that add up to 1.
    wide = torch.nn.functional.pad(images.float(), (reach,) * 4, mode="replicate")
    weights = wide.new_tensor(_TRIANGLE) / sum(_TRIANGLE)
    for shape in ((1, -1), (-1, 1)):
        kernel = weights.reshape(1, 1, *shape).expand(channels, -1, -1, -1)
        wide = torch.nn.functional.conv2d(wide, kernel, groups=channels)
    return wide.to(images.dtype)


def _margins(network: Callable[[Tensor], Tensor], images: Tensor, view: View) -> Tensor:
    seen = view.of(images).contiguous(memory_format=torch.channels_last)
    logits = network(seen)
    return view.undone(logits[:, 1].float() - logits[:, 0].float())
