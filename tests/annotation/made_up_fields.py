"""Fields drawn by chance: discs with ids, and what they measure."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.field import (
    Choice,
    FieldRecord,
    FieldState,
    FieldValues,
    Nucleus,
    Origin,
    Start,
)
from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.results import NUCLEUS_DTYPE

_BLOCK = Block(1, 2, 1, 1)


def make_record(block: Block = _BLOCK, **changes: Any) -> FieldRecord:
    record = FieldRecord(
        block=block,
        height_px=block.rows * PATCH_PX,
        width_px=block.columns * PATCH_PX,
        working_um_per_px=0.5,
        level=0,
        sixteenths=32,
        start=Start.MODEL,
        choice=Choice.BY_HAND,
        author="Dr. Ångström",
        created="2026-11-20T12:00:00+00:00",
        fingerprint="f1",
        pseudonym="slide-0000",
        case="case 7",
        model="fast",
        weights_sha256="00ff",
        run_id="r1",
        threshold=0.5,
    )
    return replace(record, **changes)


def make_state(record: FieldRecord, seed: int = 0, nuclei: int = 40, **changes: Any) -> FieldState:
    """Discs of 8 px on places of their own; every fourth drawn by hand."""
    chance = np.random.default_rng(seed)
    labels = np.zeros((record.height_px, record.width_px), np.uint16)
    down, across = labels.shape[0] // 20, labels.shape[1] // 20
    ids = chance.permutation(np.arange(1, 60_000))[:nuclei].tolist()
    places = chance.permutation(down * across)[:nuclei].tolist()
    disc = np.hypot(*np.mgrid[-8:9, -8:9]) < 8
    for id_, place in zip(ids, places, strict=True):
        y, x = place // across * 20, place % across * 20
        labels[y : y + 17, x : x + 17][disc] = id_
    known = {
        id_: Nucleus(Origin.HAND if number % 4 == 0 else Origin.MODEL, counted=number % 5 > 0)
        for number, id_ in enumerate(ids)
    }
    given = {"rejected": ((3, 4), (7, 8)), "revision": seed, "hints": {"source": "luma"}, **changes}
    return FieldState(labels, known, **given)


def measure(record: FieldRecord, state: FieldState) -> tuple[FieldValues, NDArray[np.void]]:
    """Measure a field whose every pixel was read and is tissue."""
    block = record.block
    numbers = {name: np.zeros((block.rows, block.columns), np.int64) for name in ("n", "t", "c")}
    records = np.zeros(len(state.nuclei), NUCLEUS_DTYPE)
    for place in np.ndindex(block.rows, block.columns):
        patch = state.labels[tuple(np.s_[480 * part : 480 * part + 480] for part in place)]
        numbers["n"][place], numbers["t"][place] = np.count_nonzero(patch), patch.size
    for record_of, (id_, nucleus) in zip(records, state.nuclei.items(), strict=True):
        y, x = np.nonzero(state.labels == id_)
        record_of["y_px"], record_of["x_px"] = (
            y.mean() + block.row * 480,
            x.mean() + block.column * 480,
        )
        record_of["area_px"], record_of["origin"] = y.size, nucleus.origin
        numbers["c"][int(y.mean() // 480), int(x.mean() // 480)] += 1
    return FieldValues(block, *numbers.values()), records


def same_state(one: FieldState, other: FieldState) -> bool:
    plain = (replace(state, labels=None, nuclei=dict(state.nuclei)) for state in (one, other))
    return next(plain) == next(plain) and np.array_equal(one.labels, other.labels)
