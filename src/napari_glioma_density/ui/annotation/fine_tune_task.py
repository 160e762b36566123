"""What the user asks for when a model is to learn from corrected fields."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final


class Use(StrEnum):
    """What a data set is for."""

    LEARN = "Learn and check"
    CHECK = "Check only"
    BASE = "Base data"
    GUARD = "Guard set"

    @property
    def option(self) -> str:
        """The option of ``glioma-density fine-tune``."""
        return _OPTIONS[self]

    @property
    def meaning(self) -> str:
        """One sentence for the user."""
        return _MEANINGS[self]


_OPTIONS: Final = {
    Use.LEARN: "--data",
    Use.CHECK: "--check",
    Use.BASE: "--base",
    Use.GUARD: "--guard",
}
_MEANINGS: Final = {
    Use.LEARN: "The model learns from some of its fields and is checked on the others.",
    Use.CHECK: "The model is checked on all of its fields, and learns from all of those above.",
    Use.BASE: "The model learns from all of its fields, so that it forgets less.",
    Use.GUARD: "The model never learns from it: what it forgets shows here.",
}


@dataclass(frozen=True)
class UsedSet:
    """A data set on the list: its folder, its name and number of fields, and what it is for."""

    folder: Path
    name: str
    fields: int
    use: Use


@dataclass(frozen=True)
class FineTuneTask:
    """A model to be made from a parent and data sets, in so many minutes at most."""

    name: str
    parent: str
    sets: tuple[UsedSet, ...]
    minutes: int

    @property
    def fault(self) -> str:
        """Why it cannot be begun, and what to do; empty when it can."""
        if not self.name:
            return "The new model has no name: give it one under Fine-tune."
        if not any(one.use is Use.LEARN for one in self.sets):
            return "There is nothing to learn from: finish fields of this slide, or add a data set."
        return ""

    def arguments(self) -> tuple[str, ...]:
        """Return the arguments of ``glioma-density``."""
        asked = ["fine-tune", "--name", self.name, "--parent", self.parent]
        for one in self.sets:
            asked += [one.use.option, str(one.folder)]
        return (*asked, "--minutes", str(self.minutes), "--json")
