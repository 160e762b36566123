"""The density map as an image for other viewers: one px a patch."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.findings.findings import Findings

CHANNELS: Final = ("nuclear area, % of tissue", "nuclear area, % of what was read")


def density_image(findings: Findings) -> NDArray[np.float32]:
    """Return both densities of every patch in percent: (2, rows, columns), in `CHANNELS`' order.

    nan where nothing counts: bare glass, unread, left out, out of scope, not computed yet.
    """
    patches, scope = findings.snapshot.patches, findings.snapshot.scope
    image = np.stack([patches.tissue_density_percent(), patches.density_percent()])
    if scope is not None:
        image[:, ~scope] = np.nan
    return image.astype(np.float32)


def patch_um(findings: Findings) -> float:
    """Return the side of a patch, and so of a px of the density image, in µm."""
    return PATCH_PX * findings.spec.working_um_per_px
