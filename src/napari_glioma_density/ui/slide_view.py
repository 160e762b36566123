"""The slide on the screen: it follows the hand at once and becomes sharp as tiles are decoded.

napari reads what comes into view on the window's thread. Meanwhile the window stands still: for one
or two tenths of a second if tiles are slow to decode, longer during an estimate.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from threading import Lock

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from napari_glioma_density.slides.glimpse import glimpse
from napari_glioma_density.slides.level_array import Window, through

logger = logging.getLogger(__name__)

LOOK_AGAIN_MS = 30


class Sharpening:
    """A window being decoded, strip by strip: in each one row of the level's chunks."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.rgb = np.full(window.shape, 255, np.uint8)
        tall = window.level.chunk_shape[0]
        seams = range(tall - window.y % tall, window.height, tall)
        self.strips = list(pairwise((0, *seams, window.height)))
        self._left = len(self.strips)
        self._lock = Lock()

    @property
    def done(self) -> bool:
        """Whether every strip is there."""
        return self._left == 0

    def decode(self, top: int, bottom: int) -> None:
        """Decode the strip of these rows of the window; it stays white where that fails."""
        window = self.window
        at = window.y + top, window.x
        try:
            self.rgb[top:bottom] = window.level.read(*at, bottom - top, window.width)
        except Exception:
            # Nobody waits for a thread of the view: the log is where it can be told.
            logger.exception("A part of the slide cannot be shown")
        finally:
            with self._lock:
                self._left -= 1


class SlideView:
    """Shows a slide's layer coarse at once and sharp when it is decoded, by threads of its own.

    Parameters
    ----------
    layer
        The layer, made by `slide_layer_data`.
    """

    def __init__(self, layer: Image) -> None:
        self._layer = layer
        self._overview: NDArray[np.uint8] | None = None
        self._sharpening: Sharpening | None = None
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="glioma-density-view")
        self._timer = QTimer()
        self._timer.setInterval(LOOK_AGAIN_MS)
        self._timer.timeout.connect(self.tick)
        self._wait_and_slice = layer.set_view_slice
        # napari has no public way to slice one layer without waiting.
        layer.set_view_slice = self._slice

    @property
    def is_sharp(self) -> bool:
        """Whether nothing more is to come."""
        return not self._timer.isActive()

    def look(self, window: Window) -> NDArray[np.uint8]:
        """Return a window as it can be had now; what is missing is decoded elsewhere."""
        known = self._sharpening
        if known is not None and known.window == window and known.done:
            return known.rgb
        if self._overview is None:
            self._overview = np.asarray(self._layer.data[-1])
        seen = glimpse(window, self._overview)
        if not seen.read.all() and (known is None or known.window != window):
            self._sharpen(window)
        return seen.rgb

    def tick(self) -> None:
        """Show what has become sharp."""
        if self._sharpening is not None and self._sharpening.done:
            self._timer.stop()
            self._layer.refresh(thumbnail=False, extent=False, highlight=False)

    def close(self) -> None:
        """Let go of the layer, which napari slices as ever from now on."""
        with suppress(RuntimeError):  # at the interpreter's exit Qt has deleted its timers
            self._timer.stop()
        self._sharpening = None
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._layer.__dict__.pop("set_view_slice", None)

    def _slice(self) -> None:
        with through(self):
            self._wait_and_slice()

    def _sharpen(self, window: Window) -> None:
        """Decode a window; what was begun for another is left."""
        wanted = self._sharpening = Sharpening(window)

        def decode(top: int, bottom: int) -> None:
            if self._sharpening is wanted:
                wanted.decode(top, bottom)

        for strip in wanted.strips:
            self._pool.submit(decode, *strip)
        self._timer.start()
