"""A training run as data: what is trained, from what, on what, how."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from napari_glioma_density.errors import DataSetError
from napari_glioma_density.nuclei.learnt import NOTHING, Learnt
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.training.dataset import DataSet
from napari_glioma_density.training.recipe import Recipe
from napari_glioma_density.training.separation import learnt_with
from napari_glioma_density.training.starting_point import StartingPoint

VALIDATE_EVERY: Final = 5
"""Epochs between two looks at the validation sets; the last epoch always is one."""


@dataclass(frozen=True)
class TrainingJob:
    """What to train, on what, how, and where the weights go."""

    architecture: str
    base_width: int
    recipe: Recipe
    seed: int
    data: tuple[DataSet, ...]
    validation: tuple[DataSet, ...]
    weights: Path
    precision: str = "fp32"
    """fp32, or bf16 for mixed precision; see :func:`fastest_precision`."""
    device: str = "cpu"
    """Where the network learns: cpu or cuda."""
    workers: int = 0
    """Processes that cut crops, for a GPU to have enough of them; with 0 one thread does. The crops
    are the same."""
    data_weights: tuple[float, ...] = ()
    """Factor on how often each training set is drawn; none: 1 for all."""
    start: StartingPoint | None = None
    """The network to go on from, of the same architecture and no wider; none: from scratch."""
    drop_rate: float | None = None
    """R_drop in place of the parent's; none: as the parent has it. From scratch it is the
    recipe's."""
    magnified: bool = False
    """Whether the network is to look at its images enlarged; one that starts from such one does."""
    matched: tuple[DataSet, ...] = ()
    """Sets on which the thresholds are chosen such that nuclear area is as annotated; with none
    they are as the recipe says."""
    epoch_steps: int | None = None
    """Optimiser steps of an epoch, for few fields; none: those the recipe's draw has."""
    look_every: int = VALIDATE_EVERY
    """Epochs between two looks at the validation sets; the last epoch always is one."""
    most_seconds: float = math.inf
    """After which no further epoch is begun, what was learnt by then being kept."""
    fewest_epochs: int = 1
    """So many are learnt even when the time is over."""
    is_followed: bool = False
    """Whether the log is written after every epoch and not at the end alone."""

    def spec(self) -> ModelSpec:
        """The spec of the model to be."""
        if self.start is not None:
            return self._child_of(self.start)
        recipe = self.recipe
        drops = self.architecture.endswith("-dropblock")
        return ModelSpec(
            name=self.weights.stem,
            title=self._title(),
            architecture=self.architecture,
            base_width=self.base_width,
            batch_norm=recipe.batch_norm,
            drop_rate=recipe.drop_rate if drops else 0.0,
            drop_side=recipe.drop_side,
            um_per_px=recipe.um_per_px,
            input=recipe.input,
            licence="; ".join(sorted({f"{one.name}: {one.licence}" for one in self.data})),
            trained_on=tuple(one.name for one in self.data),
            research_only=not all(one.ships_weights for one in self.data),
            recipe=recipe.name,
            seed=self.seed,
            magnified=self.magnified,
        )

    def _child_of(self, start: StartingPoint) -> ModelSpec:
        """The parent's spec with what changes; halo, thresholds and views are inherited."""
        parent, names = start.spec, [one.name for one in self.data]
        known = parent.licence.split("; ")
        licences = {f"{one.name}: {one.licence}" for one in self.data}
        return parent.with_(
            name=self.weights.stem,
            title=self._title_after(parent, names),
            base_width=self.base_width,
            drop_rate=parent.drop_rate if self.drop_rate is None else self.drop_rate,
            licence="; ".join([*known, *sorted(licences - set(known))]),
            trained_on=tuple(dict.fromkeys([*parent.trained_on, *names])),
            research_only=parent.research_only or not all(one.ships_weights for one in self.data),
            recipe=self.recipe.name,
            seed=self.seed,
            parent=start.parent,
            magnified=self.magnified or parent.magnified,
            learnt_from=self._labels_digest,
        )

    def _title_after(self, parent: ModelSpec, names: list[str]) -> str:
        """The parent's title, unless what it learns from, or its width, is another."""
        if not set(names) <= set(parent.trained_on):
            return f"{parent.name}, fine-tuned on {', '.join(names)}"
        return parent.title if self.base_width == parent.base_width else self._title()

    def learnt(self) -> Learnt:
        """What the model to be, and its forebears, will have learnt from."""
        return learnt_with(self.data, NOTHING if self.start is None else self.start.learnt)

    def _title(self) -> str:
        width, um_per_px = self.base_width, self.recipe.um_per_px
        return f"{self.architecture}, base width {width}, {um_per_px} µm/px"

    def configuration(self) -> str:
        """Everything that a resumed run must have in common with the one that was killed."""
        fields = [str(field.image.name) for one in self.data for field in one]
        return json.dumps(
            {
                "spec": self.spec().as_dict(),
                "recipe": dataclasses.asdict(self.recipe),
                "fields": fields,
                "um_per_px": [field.um_per_px for one in self.data for field in one],
                "data_weights": self.data_weights,
                "validation": [one.name for one in self.validation],
                **self._digests,
                **self._going_on(),
            },
            sort_keys=True,
        )

    def _going_on(self) -> dict[str, object]:
        """What a run from a parent must share besides; its spec tells the labels."""
        if self.start is None:
            return {}
        return {
            "start": self.start.as_dict(),
            "epoch_steps": self.epoch_steps,
        }

    @cached_property
    def _labels_digest(self) -> str:
        """SHA-256 of all labels."""
        return _digest(field.label for one in self.data for field in one)

    @cached_property
    def _digests(self) -> dict[str, str]:
        """By their names in :data:`checkpoint.DIGESTS`: labels, and all else that a field shows."""
        fields = [field for one in self.data for field in one]
        beside = [path for field in fields for path in (field.points, field.slide_colours)]
        shown = [field.image for field in fields]
        return {"labels": self._labels_digest, "images": _digest([*shown, *filter(None, beside)])}

    @property
    def is_adaptive(self) -> bool:
        """Whether R_drop follows the generalisation gap."""
        return self.spec().drop_rate > 0 and self.recipe.drop_schedule == "adaptive"


def _digest(files: Iterable[Path]) -> str:
    """SHA-256 of files, one after the other."""
    digest = hashlib.sha256()
    for file in files:
        try:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        except OSError as error:
            raise DataSetError(f"{file}: cannot be read ({error.strerror}); check it") from error
    return digest.hexdigest()
