"""What nuclei of each kind look like, and how single ones vary."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

_SMALLEST_UM, _LARGEST_UM = 3.2, 14.0


class Kind(IntEnum):
    """What a nucleus belongs to."""

    GLIA = 0
    NEURON = 1
    TUMOUR = 2
    VESICULAR = 3
    PYKNOTIC = 4
    ENDOTHELIAL = 5
    GHOST = 6
    LYMPHOCYTE = 7


@dataclass(frozen=True)
class Form:
    """How the nuclei of one kind look.

    Attributes
    ----------
    diameter_um, diameter_spread
        Median, and standard deviation of the logarithm.
    elongation
        Mean of the logarithm of length / width.
    irregularity
        Of the outline, as a share of the radius.
    stain, stain_spread
        Strength of haematoxylin in optical density.
    chromatin
        Contrast of the texture.
    membrane
        Stain added along the rim.
    nucleolus, halo
        Chance of one: a dark spot inside, a cleared rim around.
    cytoplasm
        Eosin added around the nucleus.
    """

    diameter_um: float
    elongation: float
    stain: float
    diameter_spread: float = 0.12
    irregularity: float = 0.05
    stain_spread: float = 0.12
    chromatin: float = 0.14
    membrane: float = 0.05
    nucleolus: float = 0.0
    halo: float = 0.1
    cytoplasm: float = 0.0


FORMS = {
    Kind.GLIA: Form(6.1, 0.14, 0.98, irregularity=0.03, halo=0.3),
    Kind.NEURON: Form(
        10.0, 0.18, 0.64, stain_spread=0.08, chromatin=0.16, membrane=0.22, nucleolus=0.95,
        cytoplasm=0.10,
    ),
    Kind.TUMOUR: Form(
        7.0, 0.40, 1.0, diameter_spread=0.21, irregularity=0.09, stain_spread=0.16, chromatin=0.20,
        membrane=0.06, nucleolus=0.15, halo=0.14, cytoplasm=0.07,
    ),
    Kind.VESICULAR: Form(
        9.2, 0.28, 0.68, diameter_spread=0.16, irregularity=0.06, stain_spread=0.09, chromatin=0.22,
        membrane=0.24, nucleolus=0.7, cytoplasm=0.12,
    ),
    Kind.PYKNOTIC: Form(
        4.7, 0.12, 1.28, diameter_spread=0.16, chromatin=0.06, membrane=0.0, halo=0.3,
        cytoplasm=0.06,
    ),
    Kind.ENDOTHELIAL: Form(6.0, 1.05, 0.95, halo=0.0),
    Kind.GHOST: Form(
        7.0, 0.30, 0.11, diameter_spread=0.2, stain_spread=0.03, chromatin=0.1, halo=0.0
    ),
    Kind.LYMPHOCYTE: Form(
        6.0, 0.08, 1.25, diameter_spread=0.08, irregularity=0.03, chromatin=0.10, halo=0.25
    ),
}  # fmt: skip


def draw_shapes(
    rng: np.random.Generator, kind: NDArray[np.int64], um_per_px: float
) -> dict[str, NDArray[np.float64]]:
    """Draw size, outline, stain and focus of nuclei.

    Parameters
    ----------
    rng
        Of the cell that owns the nuclei.
    kind
        `Kind` of each nucleus, (n,).
    um_per_px
        Level-0 resolution.

    Returns
    -------
    dict
        The fields of `Nuclei` of the same names: lengths in px, first axis n.
    """
    count = len(kind)
    column = {
        name: np.array([getattr(FORMS[k], name) for k in Kind])[kind]
        for name in Form.__annotations__
    }
    diameter = column["diameter_um"] * np.exp(column["diameter_spread"] * rng.normal(size=count))
    diameter = np.clip(diameter, _SMALLEST_UM, _LARGEST_UM) / um_per_px
    stretch = np.exp(column["elongation"] * np.abs(rng.normal(1, 0.55, count)) / 2)
    amplitudes = column["irregularity"][:, None] * rng.normal(size=(count, 3)) * (1, 0.7, 0.45)
    wobble = np.hstack([amplitudes, rng.uniform(0, 2 * np.pi, (count, 3))])
    return {
        "length": diameter * stretch,
        "width": diameter / stretch,
        "stain": np.maximum(
            column["stain"] + column["stain_spread"] * rng.normal(size=count), 0.05
        ),
        "softness": rng.gamma(2.0, 0.17, count) / um_per_px,
        "wobble": wobble,
        "chance": rng.random((count, 4)),
    }
