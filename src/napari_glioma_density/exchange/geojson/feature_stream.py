"""GeoJSON features of a file, one at a time, however large it is."""

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

from napari_glioma_density.errors import BadInput

Feature = dict[str, Any]
Tell = Callable[[str, Any], None]
"""Told of a member of the file's object that is no feature, by its name."""

_CHUNK: Final = 2**18
LARGEST_VALUE: Final = 2**28
"""Characters of one feature: more is no outline that a person or a program drew."""
_UNREADABLE = (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile)


def read_features(path: Path, tell: Tell = lambda _name, _value: None) -> Iterator[Feature]:
    """Yield the features of a FeatureCollection, a bare array, or a single Feature.

    Plain, gzip and zip files are told by their content. Only one feature is held at a time. `tell`
    hears what else stands in the collection when it is reached.

    Raises
    ------
    BadInput
        When the file is absent, no JSON, or no GeoJSON: one line.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # it may never end, or begin
            raise BadInput(f"{path}: is no file: name the GeoJSON file itself")
        with _opened(path) as file:
            yield from _features(_JsonText(file, path), path, tell)
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be read ({error.strerror or error}): check the path"
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    with path.open("rb") as raw:
        try:
            with _unpacked(raw, path) as data:
                yield io.TextIOWrapper(data, encoding="utf-8-sig")
        except _UNREADABLE as error:
            raise BadInput(
                f"{path}: is damaged or no text file ({type(error).__name__}): export it again"
            ) from error


def _unpacked(raw: IO[bytes], path: Path) -> IO[bytes]:
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.open(raw))
    if magic != b"PK\x03\x04":
        return raw
    packed = zipfile.ZipFile(raw)
    names = [name for name in packed.namelist() if _may_be_geojson(name)]
    if len(names) != 1:
        raise BadInput(
            f"{path}: holds {len(names)} GeoJSON files, not one: unpack it and name the file"
        )
    try:
        return packed.open(names[0])
    except (RuntimeError, NotImplementedError) as error:  # a password, or a packing of its own
        raise BadInput(f"{path}: cannot be unpacked ({error}): unpack it, name the file") from error


def _may_be_geojson(name: str) -> bool:
    """Whether a file in a zip may be meant; macOS puts notes of its own beside every file."""
    *folders, file = name.split("/")
    is_note = "__MACOSX" in folders or file.startswith("._")
    return file.lower().endswith((".json", ".geojson")) and not is_note


def _features(text: "_JsonText", path: Path, tell: Tell) -> Iterator[Feature]:
    if text.takes("["):
        yield from _array(text, path)
    elif text.takes("{"):
        yield from _object(text, path, tell)
    else:
        raise text.not_json()
    if text.peek():
        raise text.not_json()


def _object(text: "_JsonText", path: Path, tell: Tell) -> Iterator[Feature]:
    """Yield what an object holds: itself when it is a feature, else its member "features"."""
    members: Feature = {}
    for name in _names(text):
        if name == "features" and text.takes("["):
            yield from _array(text, path)
            members["type"] = "FeatureCollection"
        else:
            members[name] = text.value()
            tell(name, members[name])
    if members.get("type") == "Feature":
        yield members
    elif members.get("type") != "FeatureCollection":
        raise BadInput(
            f"{path}: is no GeoJSON FeatureCollection: export the objects from QuPath with "
            "File > Export objects as GeoJSON"
        )


def _names(text: "_JsonText") -> Iterator[str]:
    """Yield the member names of an object; the value is to be taken before the next."""
    if text.takes("}"):
        return
    while True:
        name = text.value()
        if not isinstance(name, str) or not text.takes(":"):
            raise text.not_json()
        yield name
        if text.takes("}"):
            return
        text.demand(",")


def _array(text: "_JsonText", path: Path) -> Iterator[Feature]:
    number = 0
    while not text.takes("]"):
        if number:
            text.demand(",")
        feature, number = text.value(), number + 1
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise BadInput(f"{path}: object {number} is no GeoJSON feature: export it again")
        yield feature


class _JsonText:
    """JSON text read as it is needed."""

    def __init__(self, file: IO[str], path: Path) -> None:
        self._file, self._path = file, path
        self._text, self._at = "", 0
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """Return the next character that is no blank; empty at the end."""
        while True:
            while self._at < len(self._text):
                if not self._text[self._at].isspace():
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def takes(self, character: str) -> bool:
        """Pass a character if it comes next."""
        if self.peek() != character:
            return False
        self._at += 1
        return True

    def demand(self, character: str) -> None:
        """Pass a character; BadInput when another comes next."""
        if not self.takes(character):
            raise self.not_json()

    def value(self) -> Any:
        """Take the next value whole."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._more():
                    raise self.not_json() from None
            except (RecursionError, ValueError):
                raise self.not_json() from None
            else:
                # A number at the end of what was read may go on.
                if end < len(self._text) or not self._more():
                    self._at = end
                    return value

    def not_json(self) -> BadInput:
        """Return the error that says so."""
        return BadInput(f"{self._path}: is no JSON, or is cut short: export it again")

    def _more(self) -> bool:
        left = self._text[self._at :]
        if len(left) > LARGEST_VALUE:
            raise BadInput(
                f"{self._path}: one object has over {LARGEST_VALUE // 2**20} million characters: "
                "export fewer objects, or simplify their outlines"
            )
        # As much again as there is, so that a long value is not tried over and over.
        read = self._file.read(max(_CHUNK, len(left)))
        self._text, self._at = left + read, 0
        return bool(read)
