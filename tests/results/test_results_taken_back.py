"""Finished blocks that are taken back are done anew, and nothing of their first results stays."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from made_up_blocks import made_up_result

from napari_glioma_density.density import PATCH_PX, Block, PatchState, patches_of
from napari_glioma_density.results import Run

Begin = Callable[..., Run]
FIRST, SECOND = Block(2, 2, 2, 2), Block(2, 0, 2, 2)


def two_blocks(begin: Begin) -> Run:
    run = begin()
    for block in (FIRST, SECOND):
        run.commit(made_up_result(run.lattice, block))
    return run


def assert_same(one: Run, other: Run) -> None:
    assert one.finished == other.finished
    assert np.array_equal(one.nuclei(), other.nuclei())
    for name in ("state", "nucleus_px", "read_px", "unread_px", "count"):
        assert np.array_equal(getattr(one.patches(), name), getattr(other.patches(), name)), name
    for level in range(3):
        assert np.array_equal(one.mask(level)[:, :], other.mask(level)[:, :])


def test_nothing_of_a_block_that_is_taken_back_stays(begin: Begin) -> None:
    with begin(weights_sha256="aa") as calm:
        calm.commit(made_up_result(calm.lattice, SECOND))
        with two_blocks(begin) as run:
            run.finish()
            run.take_back([FIRST])
            assert not run.is_finished
            assert_same(run, calm)
        with begin() as resumed:
            assert_same(resumed, calm)
            assert (resumed.patches().state[FIRST.patches] == PatchState.PENDING).all()


def test_nuclei_of_a_block_are_those_of_its_patches(begin: Begin) -> None:
    with two_blocks(begin) as run:
        of_first = patches_of(run.nuclei())[1] >= FIRST.column
        assert 0 < of_first.sum() < len(of_first)
        assert np.array_equal(run.nuclei(FIRST), run.nuclei()[of_first])
        run.take_back([FIRST])
        assert not len(run.nuclei(FIRST))


def test_a_block_that_is_done_anew_counts_once(begin: Begin) -> None:
    with two_blocks(lambda: begin(weights_sha256="aa")) as calm, two_blocks(begin) as run:
        for _ in range(2):
            run.take_back([FIRST])
            run.commit(made_up_result(run.lattice, FIRST))
            assert_same(run, calm)
        run.close()
        with begin() as resumed:
            assert_same(resumed, calm)
            resumed.finish()


def test_what_could_not_be_read_is_kept_px_by_px_and_goes_with_its_block(begin: Begin) -> None:
    with begin() as run:
        sound = made_up_result(run.lattice, FIRST)
        unread = np.zeros(sound.mask.shape, bool)
        unread[100:300, 400:600], unread[480:, 480:] = True, True
        gone = np.array([[200 * 80, 200 * 120], [0, PATCH_PX**2]])
        px = {"unread_px": gone, "read_px": sound.read_px - gone}
        run.commit(replace(sound, unread=unread, **px))
        run.commit(made_up_result(run.lattice, SECOND))
        shape = (PATCH_PX, PATCH_PX)

        def kept(run: Run) -> dict[tuple[int, int], np.ndarray]:
            maps = run.unread_maps()
            return {patch: maps.of_patch(*patch, shape) for patch in maps.packed}

        # Of a patch that was read as a whole, or not at all, there is nothing to tell apart.
        expected = {(2, 2): unread[:480, :480], (2, 3): unread[:480, 480:]}
        run.close()
        with begin() as resumed:
            for found in (kept(run), kept(resumed)):
                assert found.keys() == expected.keys()
                assert all(np.array_equal(found[patch], expected[patch]) for patch in found)
            line = (resumed.folder / "journal.jsonl").read_bytes().splitlines()[0]
            assert len(line) < 1000
            resumed.take_back([FIRST])
            resumed.commit(sound)
            assert not kept(resumed)
        assert not kept(begin())


def test_what_was_never_done_cannot_be_taken_back(begin: Begin) -> None:
    with two_blocks(begin) as run, pytest.raises(ValueError, match="are finished"):
        run.take_back([Block(0, 2, 2, 2)])
