"""Exact resampling by sixteenths, the same whatever window it is done in.

Sixteen working px span a whole number `n` of source px. Within that period each working px is a
weighted sum of source px with *whole* weights: its overlap with them when it is larger (area
averaging), linear interpolation between neighbours when it is smaller. Integer sums are exact, so
the result does not depend on where the window begins. OpenCV's resize has that property only for
whole factors, where it sums integers too; for others it rounds its weights depending on their place
in the window. A matrix product would be exact as well, but would compete with the network for the
processor cores.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

_Sum = TypeVar("_Sum", np.uint16, np.uint32)

PERIOD_PX = 16
# Up to here 255 · n fits 16 bits and 255 · n² fits 32.
MAX_SIXTEENTHS = 256


@dataclass(frozen=True, eq=False)
class Kernel:
    """Weights of one period: 16 working px out of n source px and a margin on either side.

    Attributes
    ----------
    weights
        uint16, (16, n + 2·margin).
    total
        Sum of each row of weights.
    margin
        Source px needed before and after a window: 0, or 1 for interpolation.
    """

    weights: NDArray[np.uint16]
    total: int
    margin: int

    @property
    def source_px(self) -> int:
        """Source px of a period, without margin."""
        return int(self.weights.shape[1]) - 2 * self.margin

    @property
    def is_whole_factor(self) -> bool:
        """Whether a working px covers whole source px."""
        return self.margin == 0 and self.source_px % PERIOD_PX == 0


@lru_cache(maxsize=64)
def kernel(sixteenths: int) -> Kernel:
    """Return the weights for working px that are `sixteenths`/16 source px wide."""
    if not 1 <= sixteenths <= MAX_SIXTEENTHS:
        raise ValueError(f"sixteenths must be 1 to {MAX_SIXTEENTHS}, not {sixteenths}")
    enlarges = sixteenths < PERIOD_PX
    weights = _interpolations(sixteenths) if enlarges else _overlaps(sixteenths)
    reduced = (weights // np.gcd.reduce(weights, axis=None)).astype(np.uint16)
    return Kernel(reduced, int(reduced[0].sum()), margin=int(enlarges))


def resample(image: NDArray[np.uint8], by: Kernel) -> NDArray[np.uint8]:
    """Resample a window that begins on a period.

    Parameters
    ----------
    image
        uint8, (k·n + 2·margin, m·n + 2·margin, 3).

    Returns
    -------
    NDArray[np.uint8]
        (16·k, 16·m, 3), rounded to the nearest.
    """
    if by.is_whole_factor:
        rows, columns = (side // by.source_px * PERIOD_PX for side in image.shape[:2])
        whole = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
        return np.asarray(whole, dtype=np.uint8)
    sums = _weighted_sums(image, by)
    area = by.total**2
    sums += np.uint32(area // 2)
    sums //= np.uint32(area)
    return sums.astype(np.uint8)


def resample_read(read: NDArray[np.bool_], by: Kernel) -> NDArray[np.bool_]:
    """Reduce a mask like `resample`: read only where every px that counts was read."""
    if read.all():
        rows, columns = ((side - 2 * by.margin) // by.source_px for side in read.shape)
        return np.ones((rows * PERIOD_PX, columns * PERIOD_PX), dtype=np.bool_)
    unread = (~read).astype(np.uint8)[..., np.newaxis]
    return np.asarray(_weighted_sums(unread, by)[..., 0] == 0, dtype=np.bool_)


def _overlaps(sixteenths: int) -> NDArray[np.int64]:
    """Overlap, in sixteenths of a source px, of each working px with each source px."""
    edges = np.arange(PERIOD_PX + 1) * sixteenths
    source = np.arange(sixteenths + 1) * PERIOD_PX
    starts = np.maximum(edges[:-1, np.newaxis], source[np.newaxis, :-1])
    stops = np.minimum(edges[1:, np.newaxis], source[np.newaxis, 1:])
    return np.asarray(np.maximum(stops - starts, 0), dtype=np.int64)


def _interpolations(sixteenths: int) -> NDArray[np.int64]:
    """Linear weights, in 32nds, of each working px on its two nearest source px."""
    weights = np.zeros((PERIOD_PX, sixteenths + 2), dtype=np.int64)
    # Centres of working px in 32nds of a source px, counted from the centre of the margin px.
    centres = (2 * np.arange(PERIOD_PX) + 1) * sixteenths + PERIOD_PX
    before, fraction = np.divmod(centres, 2 * PERIOD_PX)
    working = np.arange(PERIOD_PX)
    weights[working, before] = 2 * PERIOD_PX - fraction
    weights[working, before + 1] = fraction
    return weights


def _weighted_sums(image: NDArray[np.uint8], by: Kernel) -> NDArray[np.uint32]:
    """Sum along y, then along x: (16·k, 16·m, channels)."""
    columns = _transposed(_sums_along_y(image, by, np.uint16))
    return _transposed(_sums_along_y(columns, by, np.uint32))


def _sums_along_y(
    image: NDArray[np.unsignedinteger], by: Kernel, dtype: type[_Sum]
) -> NDArray[_Sum]:
    height, width, channels = image.shape
    lines = image.reshape(height, width * channels)
    periods = (height - 2 * by.margin) // by.source_px
    sums = np.zeros((periods, PERIOD_PX, width * channels), dtype=dtype)
    for working, source in np.argwhere(by.weights):
        weight = by.weights[working, source].astype(dtype)
        every_period = lines[source :: by.source_px][:periods]
        sums[:, working] += np.multiply(every_period, weight, dtype=dtype)
    return sums.reshape(periods * PERIOD_PX, width, channels)


def _transposed(image: NDArray[_Sum]) -> NDArray[_Sum]:
    return np.ascontiguousarray(image.transpose(1, 0, 2))
