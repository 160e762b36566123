"""What an import changed, and what is to be said of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from napari_glioma_density.regions.region import Region

NO_OBJECT = "no object; annotations that QuPath exported as GeoJSON are expected"
EXPECTED = "what is to come in needs an outline with an area, or a line of two points or more"


@dataclass(frozen=True)
class Brought:
    """What an import changed.

    Attributes
    ----------
    before
        What regions that are other than before were before, by id; None for those that are new.
    objects
        Objects of the file, whatever they are.
    fields
        Fields whose nuclei were changed, by name.
    nuclei
        Nuclei in them.
    left
        Nuclei of the file that lie in no field, and so change nothing.
    silent
        Patches of fields that hold nuclei while the file has none there. It does not say whether
        those were deleted or never exported, so they stay.
    known
        Regions of the file that the slide has already, as they are.
    results
        Grid cells and hotspots of the file, which are figures of this program's own.
    passed_over
        How many objects are none of these, by what they are: "without area", "point" …
    mended
        Regions of the file whose outline crosses itself, or has a hole beside it.
    """

    before: Mapping[str, Region | None]
    objects: int
    fields: tuple[str, ...]
    nuclei: int
    left: int
    silent: int = 0
    known: int = 0
    results: int = 0
    passed_over: Mapping[str, int] = field(default_factory=dict)
    mended: int = 0

    def __str__(self) -> str:
        """Say it in one line."""
        if not self.objects:
            return NO_OBJECT
        parts = [*self._changed()] or ["nothing new", *self._unchanged()]
        if self.left:
            parts.append(f"{self.left} nuclei outside the fields that were begun change nothing")
        if self.silent:
            patches = _counted(self.silent, "patch", "patches")
            parts.append(f"{patches} of fields without a nucleus in the file stay")
        if self.passed_over:
            parts.append(f"passed over {_kinds(self.passed_over)}")
        if self.mended:
            parts.append(f"{_counted(self.mended, 'outline')} mended")
        line = ", ".join(parts)
        is_of_use = self.objects > sum(self.passed_over.values())
        return line if is_of_use else f"{line}; {EXPECTED}"

    @property
    def regions(self) -> int:
        """How many regions are new or other than before."""
        return len(self.before)

    def _changed(self) -> Iterator[str]:
        if self.before:
            yield _counted(self.regions, "region")
        if self.fields:
            yield f"{self.nuclei} nuclei in {_counted(len(self.fields), 'field')}"

    def _unchanged(self) -> Iterator[str]:
        others = self.known + self.results + self.left + sum(self.passed_over.values())
        if self.known:
            yield f"{_counted(self.known, 'region')} as here already"
        if self.objects > others:
            yield f"{_counted(self.objects - others, 'nucleus', 'nuclei')} as here already"
        if self.results:
            yield f"{_counted(self.results, 'grid cell or hotspot', 'grid cells and hotspots')}"

    def remarks(self) -> tuple[str, ...]:
        """Say why nothing came of what changed nothing, and what to do, a line each."""
        told = []
        if not self.objects:
            told.append(f"the file holds {NO_OBJECT}")
        elif not (self.before or self.fields):
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
            patches = _counted(self.silent, "patch", "patches")
            told.append(
                f"{patches} of fields hold nuclei and the file has none there: these "
                "stay; if there are none, delete them under Annotation assist"
            )
        if self.passed_over:
            told.append(
                f"passed over: {_kinds(self.passed_over)}; what is to count needs an outline with "
                "an area, or a line of two points or more"
            )
        if self.mended:
            told.append(
                f"{_counted(self.mended, 'outline')} mended, for crossing itself or a hole beside "
                "it: look whether what was meant is covered"
            )
        return tuple(told)


def _kinds(passed_over: Mapping[str, int]) -> str:
    return ", ".join(
        _counted(number, kind, "points" if kind == "point" else kind)
        for kind, number in passed_over.items()
    )


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"
