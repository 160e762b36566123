"""Scores of fields for their hints, and the statistics of the slide they are stretched by."""

import threading
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.hint_settings import HintSource
from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.ui.annotation.shelf import FieldShelf
from napari_glioma_density.ui.annotation.shelved import Opened
from napari_glioma_density.ui.readiness import LoadSegmenter

if TYPE_CHECKING:
    from napari_glioma_density.annotation.slide_scores import ScoreStatistics
    from napari_glioma_density.nuclei.segmenter import NetworkSegmenter

Score = NDArray[np.float32]


class SlideScores:
    """Makes scores of one slide's fields; slow, for threads other than the window's.

    Parameters
    ----------
    shelf
        The slide and its run, whose model gives probabilities.
    load
        Where segmenters come from.
    """

    def __init__(self, shelf: FieldShelf, load: LoadSegmenter) -> None:
        self._shelf = shelf
        self._load = load
        self._guard = threading.Lock()
        self._statistics: dict[HintSource, ScoreStatistics] = {}
        self._segmenter: NetworkSegmenter | None = None

    def look(self, opened: Opened, source: HintSource) -> tuple[Score, "ScoreStatistics"]:
        """Return a field's score, (height, width), and the statistics of its slide."""
        um_per_px = opened.record.working_um_per_px
        with self._guard:
            if source not in self._statistics:
                self._statistics[source] = self._measure(source)
            statistics = self._statistics[source]
            if source is HintSource.MODEL:
                seen = self._probability(opened)
                return statistics.score(opened.rgb, um_per_px, lambda _: seen), statistics
        return statistics.score(opened.rgb, um_per_px), statistics

    def _measure(self, source: HintSource) -> "ScoreStatistics":
        from napari_glioma_density.annotation.slide_scores import slide_score_statistics

        probability = self._model().probability if source is HintSource.MODEL else None
        return slide_score_statistics(self._shelf.plane, source, probability=probability)

    def _model(self) -> "NetworkSegmenter":
        """The run's model, with the colours the run was fitted to."""
        if self._segmenter is None:
            spec = self._shelf.shown.spec
            loaded = self._load(spec.model, "auto").on(spec.device, spec.precision)
            self._segmenter = cast("NetworkSegmenter", loaded.fitted(spec.colour_statistics))
        return self._segmenter

    def _probability(self, opened: Opened) -> Score:
        """Look at the field with the halo it had in the run: (1, height, width)."""
        block, halo = opened.record.block, self._shelf.shown.spec.halo_px
        pixels = self._shelf.plane.read(
            block.row * PATCH_PX - halo,
            block.column * PATCH_PX - halo,
            block.rows * PATCH_PX + 2 * halo,
            block.columns * PATCH_PX + 2 * halo,
        )
        probability = self._model().probability(pixels.rgb[None])
        height, width = opened.record.height_px, opened.record.width_px
        return np.ascontiguousarray(probability[:, halo : halo + height, halo : halo + width])
