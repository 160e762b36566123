"""How a network is trained, as data."""

import dataclasses
from dataclasses import dataclass, field
from typing import Final

from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.training.augmentation import FLIPS_AND_TURNS, Augmentation


@dataclass(frozen=True)
class Recipe:
    """Everything of a training run but the data, the network's width and the seed."""

    name: str
    optimiser: str
    """"adamw" with a one-cycle schedule, or "sgd": plain, no momentum, constant (P1 eq. 5)."""
    learning_rate: float
    batch: int
    epochs: int
    loss: str
    crop_px: int
    um_per_px: float
    input: str
    batch_norm: bool
    drop_rate: float
    """R_drop of networks named *-dropblock (P1); 0 for the others."""
    drop_side: int = 3
    drop_schedule: str = "ramp"
    """How R_drop moves over the run: "constant" (P1), "ramp" or "adaptive"; see ``pace``."""
    draw: str = "by area"
    """Which fields an epoch shows: "by area", chosen at random with large sets held back, or
    "each once", every field once in random order."""
    averaging: float = 0.0
    """Decay of the moving average of weights that is kept; 0 keeps the last weights."""
    weight_decay: float = 0.0
    calibrate: bool = False
    """Choose the probability threshold on the validation sets."""
    augmentation: Augmentation = field(default_factory=Augmentation)

    def going_on_from(self, parent: ModelSpec) -> "Recipe":
        """The recipe with what is the parent's: resolution, input and normalisation."""
        return dataclasses.replace(
            self, um_per_px=parent.um_per_px, input=parent.input, batch_norm=parent.batch_norm
        )


PAPER: Final = Recipe(
    name="paper",
    optimiser="sgd",
    learning_rate=1e-2,
    batch=4,
    epochs=30,
    loss="cross-entropy",
    crop_px=480,
    um_per_px=0.25,
    input="rgb ratio",
    batch_norm=False,
    drop_rate=0.1,
    drop_schedule="constant",
    draw="each once",
    augmentation=FLIPS_AND_TURNS,
)
"""P1 to the letter; its patches' µm/px is not stated, 0.25 is the usual scan at 40×. An epoch is
one pass over the training fields, each giving one crop of 480 px from anywhere inside it."""

DEFAULT: Final = Recipe(
    name="default",
    optimiser="adamw",
    learning_rate=3e-3,
    batch=16,
    epochs=40,
    loss="cross-entropy + dice",
    crop_px=192,
    um_per_px=0.5,
    input="rgb + relative",
    batch_norm=True,
    drop_rate=0.1,
    averaging=0.995,
    weight_decay=1e-2,
    calibrate=True,
)

FINE_TUNING: Final = Recipe(
    name="fine-tuning",
    optimiser="adamw",
    learning_rate=3e-4,
    batch=8,
    epochs=20,
    loss="cross-entropy + dice",
    crop_px=192,
    um_per_px=0.5,
    input="rgb + relative",
    batch_norm=True,
    drop_rate=0.0,
    averaging=0.98,
    weight_decay=1e-2,
)
"""Going on from a trained network with a few fields; network, resolution and input are the
parent's. Not among those that train from scratch."""

RECIPES: Final = {recipe.name: recipe for recipe in (PAPER, DEFAULT)}


def recipe_named(name: str) -> Recipe:
    """Recipe by name.

    Raises
    ------
    BadInput
        When there is none of that name.
    """
    try:
        return RECIPES[name]
    except KeyError:
        raise BadInput(f"{name}: no such recipe; choose one of: {', '.join(RECIPES)}") from None
