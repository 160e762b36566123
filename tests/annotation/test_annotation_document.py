"""What each edit does to a field."""

import numpy as np
import pytest
from drawn_fields import brush, disc, drawn_ground, drawn_record, field_of, hints_of
from numpy.typing import NDArray

from napari_glioma_density.annotation.document import AnnotatedField
from napari_glioma_density.annotation.field import FieldState, Nucleus, Origin
from napari_glioma_density.errors import BadInput

SHAPE = (100, 120)


def labelled(*masks: NDArray[np.bool_]) -> NDArray[np.uint16]:
    labels = np.zeros(masks[0].shape, np.uint16)
    for number, mask in enumerate(masks, 1):
        labels[mask] = number
    return labels


@pytest.fixture
def field() -> AnnotatedField:
    """1 and 2 touch, 3 lies apart, 4 on the lower edge."""
    return field_of(
        labelled(
            disc(30, 30, 8, SHAPE),
            disc(30, 46, 9, SHAPE),
            disc(70, 90, 10, SHAPE),
            disc(98, 30, 9, SHAPE),
        )
    )


def windows_of(field: AnnotatedField) -> list[tuple[slice, slice]]:
    seen: list[tuple[slice, slice]] = []
    field.changed.connect(seen.append)
    return seen


def test_a_nucleus_takes_only_what_is_free(field: AnnotatedField) -> None:
    taken, wanted = field.labels > 0, disc(30, 40, 20, SHAPE)
    number = field.add(wanted, Origin.GROWN)
    assert number == 5
    assert np.array_equal(field.labels == 5, wanted & ~taken)
    assert field.nuclei[5] == Nucleus(Origin.GROWN)


def test_nothing_is_added_where_all_is_taken(field: AnnotatedField) -> None:
    seen = windows_of(field)
    assert field.add(field.labels == 3, Origin.GROWN) is None
    assert field.add(np.zeros(SHAPE, bool), Origin.GROWN) is None
    assert seen == []
    assert not field.undo()


def test_what_is_added_is_one_piece(field: AnnotatedField) -> None:
    wanted = disc(70, 90, 13, SHAPE)
    wanted[70:73, 75:105] = True
    wanted[50:56, 100:110] = True
    number = field.add(wanted, Origin.GROWN)
    assert number is not None
    assert (field.labels == number).sum() < (wanted & (field.labels != 3)).sum()
    assert not (field.labels[50:56, 100:110] == number).any()


def test_many_hints_are_accepted_in_one_step(field: AnnotatedField) -> None:
    seen = windows_of(field)
    masks = [disc(10, 10, 5, SHAPE), disc(30, 30, 4, SHAPE), disc(60, 60, 6, SHAPE)]
    numbers = field.accept(hints_of(*masks), (1, 2, 3))
    assert numbers == (5, 6)  # the second lies under nucleus 1
    assert np.array_equal(field.labels == 5, masks[0])
    assert np.array_equal(field.labels == 6, masks[2])
    assert field.origin_of(6) is Origin.HINT
    assert seen == [(slice(5, 67), slice(5, 67))]
    assert field.undo()
    assert sorted(field.nuclei) == [1, 2, 3, 4]


def test_a_hint_that_is_a_speck_is_no_nucleus(field: AnnotatedField) -> None:
    speck, nucleus = disc(10, 10, 2, SHAPE), disc(60, 60, 6, SHAPE)
    assert field.accept(hints_of(speck, nucleus), (1, 2)) == (5, 6)
    assert (field.nuclei[5].counted, field.nuclei[6].counted) == (False, True)


def test_only_the_hints_named_are_accepted(field: AnnotatedField) -> None:
    hints = hints_of(disc(10, 10, 5, SHAPE), disc(60, 60, 6, SHAPE))
    assert field.accept(hints, [2]) == (5,)
    assert field.id_at(60, 60) == 5
    assert field.id_at(10, 10) == 0


def test_a_rejected_hint_stays_rejected_until_undone(field: AnnotatedField) -> None:
    field.reject(50, 60)
    field.reject(50, 60)
    assert field.rejected == ((50, 60),)
    assert field.undo()
    assert field.rejected == ()
    assert not field.undo()
    with pytest.raises(BadInput, match="outside"):
        field.reject(100, 0)


def test_deleting_leaves_no_px(field: AnnotatedField) -> None:
    field.delete_many([1, 3])
    assert sorted(field.nuclei) == [2, 4] == list(np.unique(field.labels))[1:]
    field.undo()
    field.delete(4)
    assert sorted(field.nuclei) == [1, 2, 3] == list(np.unique(field.labels))[1:]


def test_what_does_not_exist_is_named(field: AnnotatedField) -> None:
    for edit in (field.delete, field.split, field.origin_of, lambda n: field.merge([1, n])):
        with pytest.raises(BadInput, match="no nucleus 9"):
            edit(9)


def test_merging_and_splitting_are_each_other_s_reverse(field: AnnotatedField) -> None:
    before = field.labels > 0
    assert field.merge([1, 2]) == 2
    assert sorted(field.nuclei) == [2, 3, 4]
    assert field.nuclei[2] == Nucleus(Origin.HAND)
    assert field.split(2) == (2, 5)
    assert np.array_equal(field.labels > 0, before)
    assert field.id_at(30, 30) == 5
    assert field.id_at(30, 46) == 2


def test_nuclei_apart_are_not_merged(field: AnnotatedField) -> None:
    with pytest.raises(BadInput, match="paint the gap"):
        field.merge([1, 3])
    with pytest.raises(BadInput, match="two or more"):
        field.merge([1, 1])
    assert sorted(field.nuclei) == [1, 2, 3, 4]


def test_a_nucleus_is_split_along_a_line_of_the_field(field: AnnotatedField) -> None:
    assert field.split(3, (70, 70, 70, 110)) == (3, 5)
    assert field.id_at(64, 90) != field.id_at(76, 90)
    assert {field.id_at(64, 90), field.id_at(76, 90)} == {3, 5}
    assert field.split(3, (0, 0, 0, 10)) == (3,)


def test_painting_with_a_new_id_makes_a_nucleus_by_hand(field: AnnotatedField) -> None:
    number = field.next_id()
    field.painted(brush(field, [(50, 60), (50, 64)], 3, number))
    assert field.nuclei[number] == Nucleus(Origin.HAND)
    assert {field.nuclei[other].origin for other in (1, 2, 3, 4)} == {Origin.MODEL}
    assert field.undo()
    assert not (field.labels == number).any()
    assert number not in field.nuclei


def test_a_small_dot_painted_on_purpose_stays(field: AnnotatedField) -> None:
    field.painted(brush(field, [(50, 60)], 1, 7))
    assert (field.labels == 7).sum() == disc(50, 60, 1, SHAPE).sum()
    assert field.nuclei[7] == Nucleus(Origin.HAND, counted=False), "it is less than 8 µm²"
    field.painted(brush(field, [(50, 60)], 6, 7))
    assert field.nuclei[7] == Nucleus(Origin.HAND)


def test_an_eraser_across_a_nucleus_makes_two(field: AnnotatedField) -> None:
    field.painted(brush(field, [(y, 92) for y in range(55, 85)], 1, 0))
    assert field.id_at(70, 85) == 3  # the larger part keeps the id
    other = field.id_at(70, 97)
    assert other == 5
    assert field.nuclei[3] == field.nuclei[5] == Nucleus(Origin.HAND)
    assert sorted(field.nuclei) == [1, 2, 3, 4, 5]


def test_specks_left_by_a_stroke_go(field: AnnotatedField) -> None:
    field.painted(brush(field, [(y, 97) for y in range(55, 85)], 1, 0))
    assert (field.labels[:, 96:] == 0).all()
    assert field.id_at(70, 90) == 3


def test_a_nucleus_painted_over_is_gone(field: AnnotatedField) -> None:
    field.painted(brush(field, [(70, 90)], 12, 0))
    assert sorted(field.nuclei) == [1, 2, 4]
    field.undo()
    field.painted(brush(field, [(30, 30)], 11, 2))
    assert sorted(field.nuclei) == [2, 3, 4]
    assert field.nuclei[2] == Nucleus(Origin.HAND)


def test_painting_one_nucleus_into_others_takes_their_px(field: AnnotatedField) -> None:
    field.painted(brush(field, [(30, 38)], 4, 8))
    assert np.array_equal(field.labels == 8, disc(30, 38, 4, SHAPE))
    assert {field.nuclei[number].origin for number in (1, 2, 8)} == {Origin.HAND}
    assert field.nuclei[3].origin is Origin.MODEL


def test_painting_far_away_with_a_nucleus_s_id_makes_another(field: AnnotatedField) -> None:
    field.painted(brush(field, [(70, 40)], 5, 3))
    assert field.id_at(70, 90) == 3
    assert field.id_at(70, 40) == 5
    assert (field.labels == 5).sum() == disc(70, 40, 5, SHAPE).sum()


def test_it_does_not_matter_whether_the_event_comes_before_the_px(field: AnnotatedField) -> None:
    """As napari does for a polygon."""
    late = field_of(field.labels)
    atoms = brush(field, [(y, 92) for y in range(55, 85)], 1, 0)
    field.painted(atoms)
    late.painted(atoms)
    assert np.array_equal(late.labels, field.labels)
    assert late.nuclei == field.nuclei


def test_atoms_of_single_px_are_understood(field: AnnotatedField) -> None:
    at = np.nonzero(disc(50, 60, 6, SHAPE))
    old = field.labels[at].copy()
    field.labels[at] = 9
    field.painted([(at, old, np.uint16(9))])
    assert np.array_equal(field.labels == 9, disc(50, 60, 6, SHAPE))
    field.undo()
    assert not (field.labels == 9).any()


def test_an_edge_nucleus_stays_uncounted_when_redrawn_until_it_leaves_the_edge() -> None:
    labels = labelled(disc(98, 30, 9, SHAPE))
    field = AnnotatedField.from_state(
        drawn_record(*SHAPE),
        drawn_ground(*SHAPE),
        FieldState(labels, {1: Nucleus(Origin.MODEL, counted=False)}),
    )
    field.painted(brush(field, [(89, 30)], 2, 0))
    assert field.nuclei[1] == Nucleus(Origin.HAND, counted=False)
    field.painted(brush(field, [(99, x) for x in range(15, 45)], 1, 0))
    assert field.nuclei[1] == Nucleus(Origin.HAND, counted=True)


def test_every_step_is_told_once_with_what_it_changed(field: AnnotatedField) -> None:
    seen = windows_of(field)
    for step in (
        lambda: field.delete(1),
        lambda: field.set_done(True),
        lambda: field.reject(3, 4),
        lambda: field.painted(brush(field, [(50, 60)], 3, 9)),
        field.undo,
        field.redo,
    ):
        before, revision = field.labels.copy(), field.revision
        seen.clear()
        step()
        assert len(seen) == 1
        before[seen[0]] = field.labels[seen[0]]
        if step not in (field.undo, field.redo):
            assert field.revision == revision + 1
    field.set_done(True)
    assert len(seen) == 1


def test_an_edit_taken_back_and_a_done_taken_back_are_none(field: AnnotatedField) -> None:
    field.set_done(True)
    field.set_done(False)
    field.reject(3, 4)
    assert (field.revision, field.edits) == (3, 0)
    field.delete(min(field.nuclei))
    field.delete(min(field.nuclei))
    assert field.edits == field.state().edits == 2
    assert field.undo()
    assert field.undo()
    assert field.edits == 0
    assert field.redo()
    assert field.edits == 1


def test_ids_are_used_again_when_they_run_out() -> None:
    labels = np.zeros((300, 300), np.uint16)
    labels.ravel()[:65_535] = np.arange(1, 65_536)
    field = field_of(labels)
    with pytest.raises(BadInput, match="65535 ids are taken"):
        field.next_id()
    with pytest.raises(BadInput, match="65535"):
        field.add(disc(280, 150, 5, labels.shape), Origin.GROWN)
    field.delete_many([77, 78])
    assert field.next_id() == 77
    hints = hints_of(disc(280, 150, 5, labels.shape), disc(280, 200, 5, labels.shape))
    assert field.accept(hints, (1, 2)) == (77, 78)


def test_a_stroke_that_needs_more_ids_than_there_are_is_undone() -> None:
    labels = np.zeros((300, 300), np.uint16)
    labels.ravel()[:65_535] = np.arange(1, 65_536)
    labels[260:280, 100:140] = 65_535
    field = field_of(labels)
    with pytest.raises(BadInput, match="65535 ids"):
        field.painted(brush(field, [(y, 120) for y in range(258, 282)], 1, 0))
    assert np.array_equal(field.labels, labels)
    assert field.window_of(65_535) == (slice(218, 280), slice(100, 140))


def test_a_state_is_a_copy_and_takes_up_where_it_was_left(field: AnnotatedField) -> None:
    field.delete(1)
    field.seconds, field.hints = 12.5, {"threshold": 0.4}
    state = field.state()
    field.delete(2)
    again = AnnotatedField.from_state(field.record, field.ground, state)
    assert sorted(again.nuclei) == [2, 3, 4]
    assert (again.revision, again.seconds, again.hints) == (1, 12.5, {"threshold": 0.4})
    assert np.array_equal(again.labels, state.labels)
    assert not np.shares_memory(again.labels, state.labels)


def test_a_state_that_does_not_hang_together_is_refused(field: AnnotatedField) -> None:
    state = field.state()
    lacking = FieldState(state.labels, {1: Nucleus(Origin.MODEL)})
    with pytest.raises(BadInput, match="do not match"):
        AnnotatedField.from_state(field.record, field.ground, lacking)
    small = FieldState(state.labels[:50], state.nuclei)
    with pytest.raises(BadInput, match="do not fit"):
        AnnotatedField.from_state(field.record, field.ground, small)


def test_a_field_opened_again_goes_on_from_its_steps_unless_it_was_changed_since(
    field: AnnotatedField,
) -> None:
    before = field.labels.copy()
    field.delete(3)
    again, other = (
        AnnotatedField.from_state(field.record, field.ground, field.state()) for _ in range(2)
    )
    other.delete(1)
    assert not other.go_on_from(field)
    assert other.undo()
    assert not other.undo()
    assert again.go_on_from(field)
    assert again.undo()
    assert np.array_equal(again.labels, before)
    assert 3 in again.nuclei
