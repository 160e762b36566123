"""What weights have learnt from, so that they are not scored on fields they have seen."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from napari_glioma_density.errors import ModelError
from napari_glioma_density.json_object import json_object

LEARNT: Final = "learnt"
"""Its name among what a weights file says."""


@dataclass(frozen=True)
class Learnt:
    """What a model and its forebears learnt from.

    Attributes
    ----------
    pictures
        ``results.pictures.picture_digest`` of every field that is known.
    unlisted
        Names of data sets whose fields are not known: early weights files did not list them.
    """

    pictures: frozenset[str] = frozenset()
    unlisted: tuple[str, ...] = ()

    def and_from(self, pictures: Iterable[str]) -> Self:
        """The same with more pictures."""
        return replace(self, pictures=self.pictures | frozenset(pictures))

    def as_dict(self) -> dict[str, Any]:
        """As it stands in a weights file, beside what the model is."""
        pictures, unlisted = sorted(self.pictures), list(self.unlisted)
        return {LEARNT: {"pictures": pictures, "unlisted": unlisted}}

    @classmethod
    def from_json(cls, text: str, where: str) -> Self | None:
        """Read it from among what a weights file says; None where nobody has kept it.

        Raises
        ------
        ModelError
            When it is nothing of the kind; ``where`` names the file.
        """
        try:
            described = json_object(text)
            if LEARNT not in described:
                return None
            kept = described[LEARNT]
            return cls(frozenset(_texts(kept["pictures"])), _texts(kept["unlisted"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{where}: what it learnt from cannot be read ({error}); fetch or train it again"
            ) from error


NOTHING: Final = Learnt()


def _texts(names: Iterable[object]) -> tuple[str, ...]:
    return tuple(name for name in names if isinstance(name, str))
