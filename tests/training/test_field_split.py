"""Fields to learn from and fields to check by: nothing is on both sides."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from napari_glioma_density.density import Block
from napari_glioma_density.errors import BadInput, DataSetError
from napari_glioma_density.training.dataset import DataSet, Field, open_data_set
from napari_glioma_density.training.field_place import FieldPlace
from napari_glioma_density.training.field_split import FieldSplit, given_split, split_fields
from napari_glioma_density.training.separation import refuse_repeats

MakeDataSet = Callable[..., Path]


def place(slide: str, row: int = 0, column: int = 0, **changes: Any) -> FieldPlace:
    block = Block(row, column, changes.pop("rows", 1), changes.pop("columns", 1))
    return FieldPlace(slide, f"slide-{slide}", block, changes.pop("um_per_px", 0.5))


def made_up(*fields: tuple[str, str]) -> DataSet:
    """A set of fields of (case, slide), no two of one place."""
    return DataSet(
        Path("made up"), "made up", "CC0", True,
        tuple(
            Field(Path(f"{at}.png"), Path(f"{at}-label.png"), 0.5, "", case,
                  place=place(slide, at) if slide else None)
            for at, (case, slide) in enumerate(fields)
        ),
    )  # fmt: skip


def split(data_set: DataSet, seed: int = 0, known: tuple[int, ...] = ()) -> FieldSplit:
    digests = {field.image: field.image.stem for field in data_set}
    return split_fields([data_set], seed, digests, {str(at) for at in known})


def sides(found: FieldSplit, of: Callable[[Field], Any]) -> tuple[set[Any], set[Any]]:
    learnt = {of(field) for one in found.learn for field in one}
    return learnt, {of(field) for field in found.check}


CASES = made_up(*((case, f"{case}{at % 2}") for at, case in enumerate("aabbccddee" * 2)))
SLIDES = made_up(*((f"slide-{slide}", slide) for slide in "aaabbbccc"))
FIELDS = made_up(*(("", "a") for _ in range(9)))


@pytest.mark.parametrize("seed", range(6))
def test_a_case_is_on_one_side(seed: int) -> None:
    found = split(CASES, seed)
    learnt, checked = sides(found, lambda field: field.patient)
    assert not learnt & checked
    assert len(found.check) == 8  # of 20; the nearest to a third that whole cases of 4 allow
    assert (found.unit, found.words) == ("cases", "other cases")


@pytest.mark.parametrize("seed", range(6))
def test_without_cases_a_slide_is_on_one_side(seed: int) -> None:
    found = split(SLIDES, seed)
    learnt, checked = sides(found, lambda field: field.place and field.place.fingerprint)
    assert not learnt & checked
    assert len(checked) == 1
    assert (found.unit, found.words) == ("slides", "other slides")


def test_fields_of_one_slide_are_labelled_so() -> None:
    found = split(FIELDS)
    assert (len(found.check), sum(map(len, found.learn))) == (3, 6)
    assert found.is_optimistic
    assert found.words == "separate fields of one slide: optimistic"
    unknown = split(made_up(*(("", "") for _ in range(4))))
    assert unknown.words == "separate fields of slides not told apart: optimistic"


def test_a_small_case_is_spared_rather_than_a_large_one() -> None:
    for seed in range(6):
        found = split(made_up(*(("a", "x"),) * 18, ("b", "y"), ("b", "z")), seed)
        assert {field.patient for field in found.check} == {"b"}


def test_the_seed_draws_who_checks() -> None:
    drawn = {tuple(field.image for field in split(FIELDS, seed).check) for seed in range(8)}
    assert len(drawn) > 3
    assert split(FIELDS, 3) == split(FIELDS, 3)


def test_what_the_parent_has_learnt_does_not_check() -> None:
    for seed in range(6):
        found = split(FIELDS, seed, known=(0, 1, 2, 3, 4, 5))
        assert {field.image.stem for field in found.check} <= {"6", "7", "8"}
    # Every case is known, so other slides of theirs are next; then every slide, so fields are.
    assert split(CASES, known=(0, 2, 4, 6, 8)).unit == "slides"
    assert split(CASES, known=tuple(range(10))).unit == "fields"
    with pytest.raises(BadInput, match="has learnt from every field"):
        split(FIELDS, known=tuple(range(9)))


def test_one_field_cannot_do_both() -> None:
    with pytest.raises(BadInput, match="one field cannot both teach and check"):
        split(made_up(("a", "x")))


def test_two_fields_are_one_each() -> None:
    found = split(made_up(("", "x"), ("", "x")))
    assert (len(found.check), sum(map(len, found.learn))) == (1, 1)


def test_check_sets_of_the_slides_learnt_from_are_optimistic() -> None:
    learn, other = made_up(("", "a"), ("p", "b")), made_up(("q", "c"))
    assert not given_split([learn], [other]).is_optimistic
    for same in (("", "a"), ("p", "z"), ("", "b"), ("q", "a"), ("q", "b")):
        found = given_split([learn], [made_up(same)])
        assert found.words == "as given, of slides that are learnt from: optimistic"


@pytest.mark.parametrize(
    ("other", "overlap"),
    [
        (place("a", 1, 1), True),
        (place("a", 0, 2), False),
        (place("a", 2, 2, rows=2), False),
        (place("b", 1, 1), False),
        (place("a", 3, 3, um_per_px=0.25), True),
        (place("a", 4, 4, um_per_px=0.25), False),
    ],
    ids=["inside", "beside", "corner", "other slide", "other plane inside", "other plane beside"],
)
def test_blocks_overlap_in_micrometres(other: FieldPlace, overlap: bool) -> None:
    field = place("a", 0, 0, rows=2, columns=2)
    assert field.overlaps(other) is other.overlaps(field) is overlap


def test_a_picture_given_twice_is_refused(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    folder = make_data_set("a")
    copy = make_data_set("b", side=80)
    assert len(refuse_repeats([open_data_set(folder), open_data_set(copy)])) == 8
    shutil.copy(folder / "labels/1.png", copy / "labels/2.png")
    cv2.imwrite(str(copy / "images/2.png"), cv2.imread(str(folder / "images/1.png")))
    with pytest.raises(DataSetError, match=r"2\.png: shows tissue that .*1\.png shows"):
        refuse_repeats([open_data_set(folder), open_data_set(copy)])


def test_two_readers_of_one_field_are_refused(make_data_set: MakeDataSet) -> None:
    first, second = open_data_set(make_data_set("a")), open_data_set(make_data_set("b", side=80))

    def placed(one: DataSet, column: int) -> DataSet:
        changed = dataclasses.replace(one.fields[0], place=place("s", 0, column, columns=2))
        return dataclasses.replace(one, fields=(changed,))

    assert refuse_repeats([placed(first, 0), placed(second, 2)])
    with pytest.raises(DataSetError, match="give a field once"):
        refuse_repeats([placed(first, 0), placed(second, 1)])


def test_a_place_is_read_as_annotation_assist_writes_it(make_data_set: MakeDataSet) -> None:
    from napari_glioma_density.annotation.field import Choice, FieldRecord, Start
    from napari_glioma_density.annotation.field_file import record_to_json

    record = FieldRecord(
        Block(1, 2, 3, 4), 1440, 1920, 0.5, 0, 16, Start.BLANK, Choice.RANDOM, "A", "2026",
        "f00d", "slide-f00d", "case 7",
    )  # fmt: skip
    found = FieldPlace.from_json(record_to_json(record), Path("x.png"))
    assert found == FieldPlace("f00d", "slide-f00d", Block(1, 2, 3, 4), 0.5, "blank")
    for broken in ({}, None, {"block": [1, 2]}):
        with pytest.raises(DataSetError, match=r"x\.png: its place on the slide cannot be read"):
            FieldPlace.from_json(broken, Path("x.png"))
