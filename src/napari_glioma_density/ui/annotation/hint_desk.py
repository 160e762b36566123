"""Hints over the open field: found in the background, kept in step with every edit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_glioma_density.annotation.hint_settings import HintSettings, HintSource
from napari_glioma_density.ui.annotation.field_layers import CURRENT, HINT, UNSUPPORTED, edges
from napari_glioma_density.ui.background import Background, OneAtATime

if TYPE_CHECKING:
    from napari_glioma_density.annotation.hints import Hint, HintMap
    from napari_glioma_density.annotation.slide_scores import ScoreStatistics

SQUARE = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))
Scores = NDArray[np.float32]
Look = Callable[[HintSource], tuple[Scores, "ScoreStatistics"]]
"""Makes a field's score, 0–1, and the statistics of its slide; slow, called elsewhere."""


class Annotated(NamedTuple):
    """A field as hints see it."""

    labels: NDArray[np.uint16]
    rejected: tuple[tuple[int, int], ...]
    of_model: Sequence[int]
    """Ids of the nuclei the model outlined: what a person drew needs no hint's support."""


@dataclass(frozen=True)
class Found:
    """Hints at one moment: all of them, those still to be answered, and nuclei without support.

    `codes` shows them but for the one that is asked about, as `HintDesk.codes` says.
    """

    settings: HintSettings
    every: "HintMap"
    missing: "HintMap"
    unsupported_nuclei: int
    codes: NDArray[np.uint8]


class HintDesk:
    """Finds what the thresholded score shows and the annotation lacks.

    Parameters
    ----------
    background
        Where the work is done; results come back on the window's thread.
    look
        Makes the score of the field.
    annotation
        Returns what is annotated now.
    um_per_px
        Of the field.
    veiled
        Whether no hint is to be shown: the score alone is made, to grow nuclei from.
    """

    changed = Signal()
    """There are other hints, or another one is asked about."""
    measured = Signal(object)
    """`ScoreStatistics` of a source, once it is chosen and looked at."""

    def __init__(
        self,
        background: Background,
        look: Look,
        annotation: Callable[[], Annotated],
        um_per_px: float,
        *,
        veiled: bool = False,
    ) -> None:
        self.veiled = veiled
        self._background = background
        self._look = look
        self._annotation = annotation
        self._um_per_px = um_per_px
        self._scores: dict[HintSource, Scores] = {}
        self._statistics: dict[HintSource, ScoreStatistics] = {}
        self._settings: HintSettings | None = None
        self._every: HintMap | None = None
        self._told: HintSource | None = None
        self._work = OneAtATime(self._begin)
        self.found: Found | None = None
        self.current: Hint | None = None
        self._passed: set[tuple[int, int]] = set()
        """Places of the hints that were asked about and left unanswered, this round."""

    @property
    def score(self) -> Scores | None:
        """The score of the chosen source, once it is made."""
        return None if self._settings is None else self._scores.get(self._settings.source)

    @property
    def is_searching(self) -> bool:
        """Whether hints are being looked for."""
        return self._work.goes_on

    @property
    def settings(self) -> HintSettings | None:
        """How hints are found."""
        return self._settings

    def choose(self, settings: HintSettings) -> None:
        """Find hints in another way."""
        if settings == self._settings:
            return
        of_another_source = self._settings and self._settings.source is not settings.source
        self._settings, self._every = settings, None
        if of_another_source:  # its hints are none of this one's
            self.found = self.current = None
            self.changed.emit()
        self.refresh()

    def refresh(self) -> None:
        """Find anew what is missing; while one search runs, at most one more waits."""
        if self._settings is not None:
            self._work.ask()

    def _begin(self, end: Callable[[], None]) -> None:
        settings, every, seen = self._settings, self._every, self._annotation()
        assert settings is not None  # none is ever taken back  # noqa: S101
        seen = seen._replace(labels=seen.labels.copy())
        self._background.submit(lambda: self._search(settings, every, seen), self._take, end)

    def _search(
        self,
        settings: HintSettings,
        every: "HintMap | None",
        seen: Annotated,
    ) -> Found | None:
        from napari_glioma_density.annotation.hints import find_hints, missing_hints, unsupported

        if settings.source not in self._scores:
            score, statistics = self._look(settings.source)
            self._statistics[settings.source] = statistics
            self._scores[settings.source] = score
        if self.veiled:
            return None
        every = every or find_hints(self._scores[settings.source], settings, self._um_per_px)
        of_model = np.zeros(int(seen.labels.max()) + 1, bool)
        of_model[list(seen.of_model)] = True
        lone = unsupported(every, seen.labels) & of_model[seen.labels]
        missing = missing_hints(every, seen.labels, seen.rejected)
        codes = outlined(missing.labels, lone)
        return Found(settings, every, missing, len(np.unique(seen.labels[lone])), codes)

    def _take(self, found: Found | None) -> None:
        if found is None:
            self._tell_statistics()
            return
        if self._settings is None or found.settings.source is not self._settings.source:
            return
        self._tell_statistics()
        if found.settings == self._settings:
            self._every = found.every
        elif self.found is None:  # by a threshold that was not yet the slide's
            return
        self.found = found
        if self.current is not None and not self._still_missing(self.current):
            self.current = None
        self.changed.emit()

    def _tell_statistics(self) -> None:
        source = self._settings.source if self._settings else None
        if source in self._statistics and source is not self._told:
            self._told = source
            self.measured.emit(self._statistics[source])

    def _still_missing(self, hint: "Hint") -> bool:
        return self.found is not None and bool(self.found.missing.labels[hint.y, hint.x])

    def hint_at(self, y: int, x: int) -> "Hint | None":
        """Return the missing hint that holds a px of the field."""
        if self.found is None:
            return None
        height, width = self.found.missing.labels.shape
        if not (0 <= y < height and 0 <= x < width):
            return None
        number = int(self.found.missing.labels[y, x])
        return next((hint for hint in self.found.missing.hints if hint.id == number), None)

    def next_after(self, y: float, x: float, answered: int | None = None) -> "Hint | None":
        """Ask about the hint nearest to a place, of those not passed over, nor just answered.

        Once all have been passed over, they are asked about again.
        """
        hints = () if self.found is None else self.found.missing.hints
        left = [hint for hint in hints if hint.id != answered]
        if self.current is not None and answered is None:
            self._passed.add((self.current.y, self.current.x))
            left = [hint for hint in left if hint.id != self.current.id] or left
        if all((hint.y, hint.x) in self._passed for hint in left):
            self._passed.clear()
        self.current = min(
            (hint for hint in left if (hint.y, hint.x) not in self._passed),
            key=lambda hint: (hint.y - y) ** 2 + (hint.x - x) ** 2,
            default=None,
        )
        self.changed.emit()
        return self.current

    def codes(self) -> NDArray[np.uint8] | None:
        """Return what the hint layer shows, (height, width): `HINT`, `CURRENT`, `UNSUPPORTED`.

        Hints are outlined, for a person is to look at what lies beneath; the current one twice.
        """
        if self.found is None:
            return None
        missing = self.found.missing.labels
        codes = self.found.codes.copy()
        if self.current is not None:
            window = _grown(self.current.window, missing.shape)
            here = (missing[window] == self.current.id).astype(np.uint8)
            ring = (cv2.dilate(here, SQUARE) > 0) & ~(cv2.erode(here, SQUARE) > 0)
            codes[window][ring] = CURRENT
        return codes


def outlined(missing: NDArray[np.int32], unsupported: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the outlines of hints, given by id, and of px without support: (height, width)."""
    codes = np.where(unsupported & edges(unsupported), UNSUPPORTED, 0).astype(np.uint8)
    codes[edges(missing) & (missing > 0)] = HINT
    return codes


def _grown(window: tuple[slice, slice], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return a window wider by one px, as far as the field goes."""
    down, across = (
        slice(max(part.start - 1, 0), min(part.stop + 1, side))
        for part, side in zip(window, shape, strict=True)
    )
    return down, across
