"""What a person can set about hints, kept with every field that was annotated with them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.table import SMALLEST_NUCLEUS_UM2

LARGEST_NUCLEUS_UM2: Final = 150.0
"""Nuclei of annotated glioma end at about 140 µm²; 99 of 100 are below 85."""


class HintSource(StrEnum):
    """What a hint layer is thresholded from."""

    LUMA = "luma of colour ratios"
    """The paper's criterion (P1): luma after eq. 1."""
    HAEMATOXYLIN = "haematoxylin"
    """Haematoxylin by colour deconvolution."""
    MODEL = "model probability"
    """The model's own probability, at a threshold far below the one it outlines nuclei at."""


@dataclass(frozen=True)
class HintSettings:
    """How a score becomes hints.

    Attributes
    ----------
    source
        What is thresholded.
    threshold
        Least score of a hint, 0–1.
    min_um2, max_um2
        Least and greatest area of a hint, µm².
    fill_holes
        Whether holes within a blob are filled.
    split
        Whether touching blobs are split apart.

    Raises
    ------
    BadInput
        When the threshold or the areas cannot be meant.
    """

    source: HintSource
    threshold: float
    min_um2: float = SMALLEST_NUCLEUS_UM2
    max_um2: float = LARGEST_NUCLEUS_UM2
    fill_holes: bool = True
    split: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise BadInput(f"hint threshold {self.threshold:g}: give a value from 0 to 1")
        if not 0 <= self.min_um2 < self.max_um2:
            raise BadInput(
                f"hint areas {self.min_um2:g} to {self.max_um2:g} µm²: "
                "give a least area below the greatest"
            )

    def to_json(self) -> dict[str, object]:
        """The settings by name, as JSON knows them."""
        return {**dataclasses.asdict(self), "source": str(self.source)}

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> Self:
        """Read what :meth:`to_json` gave.

        Raises
        ------
        BadInput
            When `values` are no such settings.
        """
        try:
            return cls(**{**values, "source": HintSource(str(values["source"]))})  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"hint settings cannot be read ({error}); choose them anew") from error
