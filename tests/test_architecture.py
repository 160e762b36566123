"""The page on architecture describes the house that is there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "src/napari_glioma_density"
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
HEADINGS = set(re.findall(r"^## ([a-z]+)", PAGE, re.MULTILINE))
ROOMS = {folder.name for folder in HOUSE.iterdir() if (folder / "__init__.py").is_file()}
PYTHON_FILES = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("src/**/*.py")]


def test_every_room_is_drawn_and_described_and_no_other() -> None:
    drawing = PAGE.split("```")[1]
    assert set(re.findall(r"\b([a-z]+)/", drawing)) == ROOMS
    assert HEADINGS == ROOMS


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_every_file_that_is_named_is_there(room: str) -> None:
    text = re.split(rf"^## {room}\b.*$", PAGE, flags=re.MULTILINE)[1]
    section = re.split(r"^## ", text, flags=re.MULTILINE)[0]
    named = set(re.findall(r"[a-z_0-9/]+\.py\b", section))
    absent = [name for name in named if not any(path.endswith(f"/{name}") for path in PYTHON_FILES)]
    assert not absent


@pytest.mark.parametrize("room", ["slides", "stain", "density", "nuclei", "estimate", "training"])
def test_every_file_of_the_rooms_that_compute_is_named(room: str) -> None:
    files = [path for path in (HOUSE / room).rglob("*.py") if path.stem != "__init__"]
    assert not [path.name for path in files if not re.search(rf"\b{path.stem}\b", PAGE)]


def parameters_by_name() -> dict[str, list[set[str]]]:
    """The parameters of every function of the package; several functions may have one name."""
    found: dict[str, list[set[str]]] = {}
    for path in PYTHON_FILES:
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
                found.setdefault(node.name, []).append({each.arg for each in arguments})
    return found


def written_functions() -> Iterator[tuple[str, set[str]]]:
    """Name and parameters of every ``def`` in the page's blocks of Python."""
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        for name, inside in re.findall(r"\bdef (\w+)\(((?:[^()]|\([^()]*\))*)\)", block):
            plain = re.sub(r"\[[^\]]*\]|\([^()]*\)", "", inside)
            named = (re.match(r"\w+", part.strip()) for part in plain.split(","))
            yield name, {each.group() for each in named if each}


def test_every_function_that_is_written_out_has_these_parameters() -> None:
    there, written = parameters_by_name(), list(written_functions())
    assert len(written) > 50
    assert not [
        (name, parameters)
        for name, parameters in written
        if not any(parameters <= each for each in there.get(name, []))
    ]
