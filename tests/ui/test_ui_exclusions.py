"""When exclusions are measured again."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from psygnal import Signal

from napari_glioma_density.density import PART_DTYPE, Exclusions, Lattice, PatchState, PatchTable
from napari_glioma_density.findings.snapshot import Amendments, Choices, take_snapshot
from napari_glioma_density.ui import exclusions

LATTICE = Lattice.over(480, 960, 0.5)


class FakeSession:
    """Shows snapshots, and counts how often something is measured in the background."""

    measured = Signal()

    def __init__(self) -> None:
        parts = np.zeros(1, PART_DTYPE)
        parts["read_px"] = 10
        amendments = Amendments(LATTICE, (), Exclusions(LATTICE, ("pen",), parts))
        self.choices = Choices(amendments=amendments)
        self.background = self
        self.submitted = 0
        self.blinded = False
        self.shown = SimpleNamespace(store=None, spec=SimpleNamespace(run_id=""))
        self.snapshot: Any = None

    def bring_to_disk(self) -> None: ...

    def submit(self, _work: Any, _done: Any, always: Any) -> None:
        self.submitted += 1
        always()

    def show(self, read: int) -> None:
        patches = PatchTable.pending(LATTICE)
        patches.state[0, :read] = PatchState.READ
        patches.read_px[:] = 480 * 480
        self.snapshot = take_snapshot(patches, self.choices)
        self.measured.emit()


def test_what_was_read_last_is_measured_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last report of an estimate may come right after exclusions were measured."""
    session, now = FakeSession(), [100.0]
    monkeypatch.setattr(exclusions.time, "monotonic", lambda: now[0])
    desk = exclusions.ExclusionDesk(session)
    session.show(0)
    session.show(1)
    assert session.submitted == 1
    session.show(2)
    desk.tick()
    assert session.submitted == 1, "not twice within a second"
    now[0] += exclusions.PATIENCE_S
    desk.tick()
    desk.tick()
    assert session.submitted == 2
