"""Blocks of a synthetic slide, a function of their place alone, and a writer of them."""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState, partition
from napari_glioma_density.results import NUCLEUS_DTYPE, BlockResult, ResultStore, Run, RunSpec

SPEC = RunSpec(
    model="fast",
    weights_sha256="00ff",
    architecture="unet_dropblock",
    input="rgb",
    threshold=0.5,
    um_per_px=0.25,
    um_per_px_source="Aperio MPP",
    working_um_per_px=0.5,
    level=0,
    sixteenths=32,
    height_px=5 * PATCH_PX + 101,
    width_px=7 * PATCH_PX + 35,
    block_patches=2,
    split=frozenset({(0, 1)}),
    tissue_mask=True,
    device="cpu",
    precision="fp32",
    halo_px=96,
)
TISSUE = np.ones((-(-SPEC.height_px // 16), -(-SPEC.width_px // 16)), np.uint8)
TISSUE[:30, :30] = 0


def made_up_mask(lattice: Lattice, block: Block) -> NDArray[np.uint8]:
    """Round nuclei, their size that of the patch's diagonal; every fifth diagonal is empty."""
    down, across = lattice.window(block)
    y, x = np.mgrid[down, across]
    diagonal = (y // PATCH_PX + x // PATCH_PX) % 5
    from_centre = (y % 53 - 26) ** 2 + (x % 61 - 30) ** 2
    return (from_centre < 14 * diagonal).astype(np.uint8)


def made_up_result(lattice: Lattice, block: Block) -> BlockResult:
    mask = made_up_mask(lattice, block)
    down, across = lattice.window(block)
    y, x = np.nonzero(mask[(26 - down.start) % 53 :: 53, (30 - across.start) % 61 :: 61])
    nuclei = np.zeros(y.size, NUCLEUS_DTYPE)
    nuclei["y_px"] = down.start + (26 - down.start) % 53 + 53 * y
    nuclei["x_px"] = across.start + (30 - across.start) % 61 + 61 * x
    nuclei["area_px"] = 100 + y + x
    read = lattice.patch_px()[block.patches]
    nucleus = _per_patch(mask, block)
    return BlockResult(
        block=block,
        mask=mask,
        nucleus_px=nucleus,
        read_px=read,
        tissue_px=read // 2 + nucleus // 2,
        unread_px=np.zeros_like(read),
        count=nucleus // 100,
        state=np.full(read.shape, PatchState.READ, np.uint8),
        nuclei=nuclei,
    )


def _per_patch(mask: NDArray[np.uint8], block: Block) -> NDArray[np.int64]:
    rows, columns = (np.arange(count) * PATCH_PX for count in (block.rows, block.columns))
    return np.add.reduceat(np.add.reduceat(mask, rows, 0, np.int64), columns, 1)


def write_run(run: Run, order_seed: int, *, aloud: bool = False) -> None:
    """Commit what is missing, in an order of its own, and finish; aloud, say each block."""
    blocks = partition(run.lattice, run.spec.block_patches, run.spec.split)
    missing = [block for block in blocks if block not in run.finished]
    for place in np.random.default_rng(order_seed).permutation(len(missing)):
        run.commit(made_up_result(run.lattice, missing[place]))
        if aloud:
            say("committed")
    run.finish()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    store = ResultStore.open(Path(sys.argv[1]), "f1", "slide-0000", 9000, 7000)
    with store.begin(SPEC, TISSUE) as writing:
        say("begun")
        write_run(writing, int(sys.argv[2]), aloud=True)
