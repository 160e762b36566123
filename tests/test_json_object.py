import pytest

from napari_glioma_density.json_object import json_object


def test_an_object_is_read_from_text_and_bytes() -> None:
    assert json_object('{"µm": 0.5}') == json_object('{"µm": 0.5}'.encode()) == {"µm": 0.5}


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "[1]",
        "null",
        '"text"',
        '{"a": 1',
        b'{"a": "\xff"}',
        b"\0\0",
        "[" * 100_000,
        '{"a":' * 10_000,
    ],
    ids=["empty", "list", "null", "string", "torn", "no text", "zeros", "deep list", "deep object"],
)
def test_anything_else_is_one_kind_of_error(damaged: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_object(damaged)
