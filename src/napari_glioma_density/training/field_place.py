"""Where a field lies on its slide, as annotation assist writes it into a manifest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.errors import DataSetError


@dataclass(frozen=True)
class FieldPlace:
    """A field's slide, its patches there, and how it was begun.

    Attributes
    ----------
    fingerprint
        Of the slide; the same slide has the same, whatever its file is called.
    pseudonym
        Of the slide.
    block
        The patches it covers.
    um_per_px
        Of the slide's working plane: what a patch measures.
    start
        ``blank``, or ``model`` for one that showed the model's outlines; empty when not said.
    """

    fingerprint: str
    pseudonym: str
    block: Block
    um_per_px: float
    start: str = ""

    @classmethod
    def from_json(cls, entry: Any, image: Path) -> Self:
        """Read the ``field`` of a manifest's entry.

        Raises
        ------
        DataSetError
            When it says no place; ``image`` names it.
        """
        try:
            block = Block(*(int(entry["block"][part]) for part in _BLOCK))
            return cls(
                str(entry["fingerprint"]),
                str(entry.get("pseudonym", "")),
                block,
                float(entry["working_um_per_px"]),
                str(entry.get("start", "")),
            )
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise DataSetError(
                f"{image}: its place on the slide cannot be read ({error!r}); "
                "mend `field` in manifest.json or take it out"
            ) from error

    def overlaps(self, other: "FieldPlace") -> bool:
        """Whether both show a piece of the same slide."""
        if self.fingerprint != other.fingerprint:
            return False
        (top, left, bottom, right), theirs = self._window_um(), other._window_um()
        return top < theirs[2] and theirs[0] < bottom and left < theirs[3] and theirs[1] < right

    def _window_um(self) -> tuple[float, float, float, float]:
        """Top, left, bottom, right; working planes of two models may differ, so in µm."""
        side = PATCH_PX * self.um_per_px
        block = self.block
        top, left = block.row * side, block.column * side
        return top, left, top + block.rows * side, left + block.columns * side


_BLOCK = ("row", "column", "rows", "columns")
