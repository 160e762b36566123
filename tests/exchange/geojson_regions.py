"""Regions on the made-up slide, and a field of it corrected by hand."""

from pathlib import Path

import numpy as np
import shapely
from made_up_findings import SPEC

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import (
    Choice,
    FieldGround,
    FieldRecord,
    FieldState,
    Nucleus,
    Origin,
    Start,
)
from napari_glioma_density.annotation.measurement import field_nuclei, measure_field
from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.regions.region import Reason, Region, RegionKind

EXCLUDED = Region.drawn(
    RegionKind.EXCLUSION,
    shapely.Point(700, 2300).buffer(310),
    reason=Reason.NECROSIS,
    comment="pale, „ghosts“",
    author="reader",
)
REFERENCE = Region.drawn(
    RegionKind.REFERENCE,
    shapely.box(1900.5, 300.25, 2900, 1500).difference(shapely.box(2200, 600, 2500.75, 800)),
    name="grey matter",
)
AREA = Region.drawn(
    RegionKind.AREA,
    shapely.union_all([shapely.box(100, 1000, 400, 1300), shapely.box(600, 1000, 800, 1100)]),
)
LINE = Region.drawn(RegionKind.LINE, shapely.LineString([(50, 60), (1200, 700), (1300, 2000)]))
REGIONS = (EXCLUDED, REFERENCE, AREA, LINE)

FIELD = Block(1, 2, 1, 1)
HAND_DRAWN = (20 * 30, 20 * 30, 9 * 9 + 5 * 5, 40)
"""Areas in working px: two that touch, one in two parts, a small one."""


def correct_a_field(store: Path) -> None:
    """Put hand-drawn nuclei, two of them touching, in place of those of a patch."""
    labels = np.zeros((PATCH_PX, PATCH_PX), np.uint16)
    labels[100:120, 50:80], labels[100:120, 80:110] = 1, 2
    labels[200:209, 200:209] = labels[215:220, 200:205] = 3
    labels[300:304, 300:310] = 4
    nuclei = {number: Nucleus(Origin.HAND) for number in (1, 2, 3, 4)}
    record = FieldRecord(
        block=FIELD,
        height_px=PATCH_PX,
        width_px=PATCH_PX,
        working_um_per_px=SPEC.working_um_per_px,
        level=SPEC.level,
        sixteenths=SPEC.sixteenths,
        start=Start.MODEL,
        choice=Choice.BY_HAND,
        author="reader",
        created="2026-01-01T00:00:00+00:00",
        fingerprint="f" * 64,
        pseudonym="slide-1a2b3c4d",
        case="slide-1a2b3c4d",
    )
    everywhere = np.ones(labels.shape, bool)
    ground = FieldGround(everywhere, everywhere)
    with Corrections.open(store) as corrections:
        corrections.begin(
            record,
            np.full((*labels.shape, 3), 200, np.uint8),
            FieldState(labels, nuclei, done=True, revision=1),
            measure_field(labels, nuclei, ground, FIELD),
            field_nuclei(labels, nuclei, ground, FIELD),
        )
