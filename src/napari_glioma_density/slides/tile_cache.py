"""Decoded tiles, kept as long as a few megabytes allow."""

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

TileKey = tuple[int, int, int]
Tile = NDArray[np.uint8]


class TileCache:
    """The tiles used last, at most `max_bytes` of them and always at least the newest.

    Threads that want the same tile at once decode it once: the others wait for the first.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._tiles: OrderedDict[TileKey, Tile] = OrderedDict()
        self._decoding: dict[TileKey, threading.Event] = {}
        self._lock = threading.Lock()

    def get(self, key: TileKey, decode: Callable[[], Tile | None]) -> Tile | None:
        """Return the tile of a key, decoding it when it is not at hand; None is not kept."""
        while True:
            with self._lock:
                if key in self._tiles:
                    self._tiles.move_to_end(key)
                    return self._tiles[key]
                underway = self._decoding.get(key)
                if underway is None:
                    self._decoding[key] = threading.Event()
                    break
            underway.wait()
        return self._decode(key, decode)

    def is_decoding(self, key: TileKey) -> bool:
        """Whether a thread is at the tile of a key just now."""
        with self._lock:
            return key in self._decoding

    def peek(self, key: TileKey) -> Tile | None:
        """Return the tile of a key if it is at hand."""
        with self._lock:
            if key in self._tiles:
                self._tiles.move_to_end(key)
            return self._tiles.get(key)

    def clear(self) -> None:
        """Forget all tiles."""
        with self._lock:
            self._tiles.clear()
            self._bytes = 0

    def _decode(self, key: TileKey, decode: Callable[[], Tile | None]) -> Tile | None:
        tile = None
        try:
            tile = decode()
        finally:
            with self._lock:
                if tile is not None:
                    self._keep(key, tile)
                self._decoding.pop(key).set()
        return tile

    def _keep(self, key: TileKey, tile: Tile) -> None:
        tile.flags.writeable = False
        self._tiles[key] = tile
        self._bytes += tile.nbytes
        while self._bytes > self._max_bytes and len(self._tiles) > 1:
            self._bytes -= self._tiles.popitem(last=False)[1].nbytes
