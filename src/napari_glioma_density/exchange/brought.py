"""What an import changed, and what is to be said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Brought:
    """What an import changed.

    Attributes
    ----------
    regions
        Regions that are new or other than before.
    fields
        Fields whose nuclei were changed, by name.
    nuclei
        Nuclei in them.
    left
        Nuclei of the file that lie in no field, and so change nothing.
    silent
        Patches of fields that hold nuclei while the file has none there. It does not say whether
        those were deleted or never exported, so they stay.
    passed_over
        How many objects are none of these, by what they are: "without area", "point" …
    mended
        Regions of the file whose outline crosses itself, or has a hole beside it.
    """

    regions: int
    fields: tuple[str, ...]
    nuclei: int
    left: int
    silent: int = 0
    passed_over: Mapping[str, int] = field(default_factory=dict)
    mended: int = 0

    def __str__(self) -> str:
        """Say it in one line."""
        parts = [f"{self.regions} region{'s' * (self.regions != 1)}"]
        if self.fields:
            number = len(self.fields)
            parts.append(f"{self.nuclei} nuclei in {number} field{'s' * (number != 1)}")
        if self.left:
            parts.append(f"{self.left} nuclei outside the fields that were begun change nothing")
        if self.silent:
            parts.append(f"{_patches(self.silent)} of fields without a nucleus in the file stay")
        if self.passed_over:
            parts.append(f"passed over {_kinds(self.passed_over)}")
        if self.mended:
            parts.append(f"{_outlines(self.mended)} mended")
        return ", ".join(parts)

    def remarks(self) -> tuple[str, ...]:
        """Say why nothing came of what changed nothing, and what to do, a line each."""
        told = []
        if not (self.regions or self.fields):
            told.append(
                "no region and no nucleus is new or other than before; "
                "cells and hotspots are passed over"
            )
        if self.left:
            told.append(
                f"{self.left} nuclei lie in no field that was begun: "
                "begin one under Annotation assist where somebody looked, then import again"
            )
        if self.silent:
            told.append(
                f"{_patches(self.silent)} of fields hold nuclei and the file has none there: these "
                "stay; if there are none, delete them under Annotation assist"
            )
        if self.passed_over:
            told.append(
                f"passed over: {_kinds(self.passed_over)}; what is to count needs an outline with "
                "an area, or a line of two points or more"
            )
        if self.mended:
            told.append(
                f"{_outlines(self.mended)} mended, for crossing itself or a hole beside it: look "
                "whether what was meant is covered"
            )
        return tuple(told)


def _kinds(passed_over: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in passed_over.items())


def _outlines(number: int) -> str:
    return f"{number} outline{'s' * (number != 1)}"


def _patches(number: int) -> str:
    return f"{number} patch{'es' * (number != 1)}"
