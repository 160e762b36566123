"""How many threads a run has for each task, and how far each task may run ahead of the next."""

import os
from dataclasses import dataclass

from napari_glioma_density.estimate.processes import processes_beside

_BLOCKS_A_PROCESS = 3


@dataclass(frozen=True)
class Crew:
    """The threads of a run beside the one that drives the network.

    Attributes
    ----------
    readers
        Threads that decode tiles; decoding releases the GIL.
    ahead
        Blocks read before the network asks for them: enough to hide a slow disk, few enough that
        a moved view is followed soon.
    measurers
        Threads that have nuclei told apart and masks written.
    processes
        Processes that do that work for them; with none the threads do.
    unwritten
        Blocks that may be under way behind the network, or as many as it computes at once.
    """

    readers: int
    ahead: int
    measurers: int
    unwritten: int
    processes: int = 0

    def processes_for(self, blocks: int) -> int:
        """How many of them it is worth to begin for so many blocks: they take a second or two."""
        return self.processes if blocks > _BLOCKS_A_PROCESS * self.processes else 0


def crew_for(device: str) -> Crew:
    """The crew of a device: where the processor computes, it needs its cores for that."""
    if device != "cuda":
        return Crew(readers=2, ahead=3, measurers=1, unwritten=1)
    half = max(2, (os.cpu_count() or 2) // 2)
    return Crew(
        readers=half,
        ahead=half + 2,
        measurers=half + 4,
        unwritten=half + 6,
        processes=processes_beside(half),
    )
