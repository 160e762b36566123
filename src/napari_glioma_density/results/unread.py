"""Which px of patches that were read in part could not be: few slides have such patches."""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PackedMaps = Mapping[tuple[int, int], str]
"""Maps by row and column of their patch, as :func:`packed` gives them."""


@dataclass(frozen=True)
class UnreadMaps:
    """The px that could not be read of patches that were read in part, as far as a run keeps them.

    Runs of earlier versions keep none.
    """

    packed: PackedMaps = field(default_factory=dict)

    def of_patch(self, row: int, column: int, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """Return which px of a patch could not be read; None where that is not known.

        Parameters
        ----------
        row, column
            The patch.
        shape
            Its height and width on the slide.
        """
        known = self.packed.get((row, column))
        return None if known is None else unpacked(known, shape)


def packed(unread: NDArray[np.bool_]) -> str:
    """Return a map as text: damaged tiles are rectangles, of which little is left."""
    return base64.b64encode(zlib.compress(np.packbits(unread).tobytes())).decode()


def unpacked(text: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the map in a text; ValueError when it is none of this shape."""
    try:
        bits = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    px = int(np.prod(shape))
    if len(bits) != -(-px // 8):
        raise ValueError(f"a map of {len(bits)} bytes has not the shape {shape}")
    return np.unpackbits(bits, count=px).reshape(shape).astype(bool)
