"""What a model is: everything needed to run its weights as they were trained."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, get_origin

from napari_glioma_density.errors import ModelError
from napari_glioma_density.json_object import json_object
from napari_glioma_density.nuclei.learnt import LEARNT
from napari_glioma_density.slides.organ import OTHER, Organ

LARGEST_BASE_WIDTH: Final = 1024
LARGEST_HALO_PX: Final = 1024
"""Ten times the context that a network here can see: a file that asks for more is damaged."""
_READING_LATTICE_PX: Final = 16
"""Slides are read on this lattice, so a halo must be so many whole px."""
WINDOW_LATTICE_PX: Final = 48
"""Windows of slides begin and end on this lattice: the reader and the pooling of networks ask for
16 px, networks that look magnified for 48, so that mirrored views of a window lie on the same
lattice."""
_LATER: Final = ("parent", "magnified", "learnt_from", "soft_views", "other_organs_threshold")


@dataclass(frozen=True)
class ModelSpec:
    """A network, its input, its resolution and where its weights come from.

    The spec travels in the header of the weights file, so inference normalises, scales and
    thresholds as training did.
    """

    name: str
    title: str
    architecture: str
    base_width: int = 16
    batch_norm: bool = True
    drop_rate: float = 0.0
    """R_drop of DropBlock, 0–1 (P1 eq. 2)."""
    drop_side: int = 3
    """L_block of DropBlock, px."""
    um_per_px: float = 0.5
    """Resolution the weights work at."""
    input: str = "rgb"
    """Colour normalisation, a name of ``stain.INPUTS``."""
    halo_px: int = 96
    """Context on each side of a block that makes its core exact."""
    lattice_px: int = 16
    """Block cores begin and end on multiples of this, so that pooling sees one lattice."""
    threshold: float = 0.5
    """Nucleus probability from which a pixel is nucleus, between 0 and 1."""
    views: int = 1
    """Turned and flipped copies whose logits are averaged: 1, 2, 4 or 8."""
    licence: str = "not stated"
    trained_on: tuple[str, ...] = ()
    research_only: bool = False
    """Whether any data learnt from does not allow its weights to ship."""
    recipe: str = ""
    seed: int = 0
    parent: str = ""
    """The model that it was fine-tuned from, ``fast 1a2b3c4d5e6f``: its name and the first twelve
    digits of its SHA-256; empty for one trained from scratch."""
    magnified: bool = False
    """Whether the network looks at the image enlarged by 4/3; see ``networks.magnify``."""
    learnt_from: str = ""
    """Digest of the labels that it was fine-tuned on; empty for one trained from scratch."""
    soft_views: int = 0
    """How many of the views, not all, are softened, so that a sharp scan is like others."""
    other_organs_threshold: float = 0.0
    """The threshold for organs other than the brain; 0 where there is one for all."""

    def to_json(self, beside: Mapping[str, Any] | None = None) -> str:
        """One line of JSON, as the weights file keeps it, with what else it is to say."""
        return json.dumps({**self.as_dict(), **(beside or {})}, ensure_ascii=False, sort_keys=True)

    def as_dict(self) -> dict[str, Any]:
        """Its fields by name; those added in later versions only where they are set.

        So weights and training runs from before those fields existed are still recognised.
        """
        fields = dataclasses.asdict(self)
        return {n: v for n, v in fields.items() if v or n not in _LATER}

    @classmethod
    def from_json(cls, text: str, where: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ModelError
            When ``text`` is not such a spec; ``where`` names the file.
        """
        try:
            fields = json_object(text)
            fields.pop(LEARNT, None)
            fields["trained_on"] = tuple(fields.get("trained_on", ()))
            spec = cls(**fields)
            _demand_usable(spec)
        except (ValueError, TypeError) as error:
            raise ModelError(
                f"{where}: its model description cannot be read ({error}); "
                "use weights written by `glioma-density train`"
            ) from error
        return spec

    def for_organ(self, organ: Organ) -> Self:
        """The model as it is run on an organ: its :attr:`threshold` is the one for that."""
        is_apart = organ == OTHER and self.other_organs_threshold > 0
        return self.with_(threshold=self.other_organs_threshold) if is_apart else self

    def with_(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)


def _demand_usable(spec: ModelSpec) -> None:
    """Raise TypeError or ValueError when a field is not what a network can be run with."""
    for field in dataclasses.fields(spec):
        value, kind = getattr(spec, field.name), get_origin(field.type) or field.type
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise TypeError(f"{field.name} is {value!r}")
    ranges = {
        "threshold": 0 < spec.threshold < 1,
        "other_organs_threshold": 0 <= spec.other_organs_threshold < 1,
        "um_per_px": 0.05 <= spec.um_per_px <= 5,
        "base_width": 0 < spec.base_width <= LARGEST_BASE_WIDTH,
        "drop_rate": 0 <= spec.drop_rate < 1,
        "drop_side": spec.drop_side > 0 and spec.drop_side % 2 == 1,
        "halo_px": spec.halo_px in range(0, LARGEST_HALO_PX + 1, _READING_LATTICE_PX),
        "lattice_px": spec.lattice_px > 0 and WINDOW_LATTICE_PX % spec.lattice_px == 0,
    }
    for name, is_right in ranges.items():
        if not is_right:
            raise ValueError(f"{name} is {getattr(spec, name)!r}")
