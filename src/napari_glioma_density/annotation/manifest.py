"""The manifest of a reader's corrections: its fields, listed as in any data set."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_glioma_density.annotation.colours import COLOURS, colours_file
from napari_glioma_density.annotation.field import FieldRecord
from napari_glioma_density.annotation.field_file import record_from_json, record_to_json
from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import StoreError
from napari_glioma_density.json_object import json_object

MANIFEST = "manifest.json"
IMAGES, LABELS = "images", "labels"
SCHEMA = 1


@dataclass(frozen=True)
class Entry:
    """A field as the manifest lists it.

    Attributes
    ----------
    record
        What the field is of.
    done
        Whether the reader has called it finished.
    """

    record: FieldRecord
    done: bool


def read_manifest(folder: Path) -> dict[str, Entry]:
    """Return the fields by name, oldest first; none where there is no manifest yet.

    Raises
    ------
    StoreError
        When the manifest is damaged or of a newer version.
    """
    path = folder / MANIFEST
    try:
        manifest = json_object(path.read_bytes())
        _demand_known(path, manifest)
        entries = [_entry(fields) for fields in manifest["images"]]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(
            f"{path}: is damaged ({error}): mend it, or move {folder.name} away to start anew"
        ) from error
    return {entry.record.name: entry for entry in entries}


def write_manifest(folder: Path, reader: str, entries: Mapping[str, Entry]) -> None:
    """Replace the manifest; on disk when this returns."""
    records = [entry.record for entry in entries.values()]
    manifest = {
        "name": " ".join((*sorted({record.pseudonym for record in records}), reader, "reader")),
        "licence": "private",
        "ships_weights": False,
        "schema": SCHEMA,
        "reader": reader,
        "images": [_fields(folder, entry) for entry in entries.values()],
    }
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")


def _demand_known(path: Path, manifest: dict[str, Any]) -> None:
    schema = manifest.get("schema")
    if not isinstance(schema, int):
        raise StoreError(f"{path}: was not written by this program: move it away")
    if schema > SCHEMA:
        raise StoreError(
            f"{path}: was written by a newer version (schema {schema}): update the program"
        )


def _entry(fields: dict[str, Any]) -> Entry:
    return Entry(record_from_json(fields["field"]), bool(fields["done"]))


def _fields(folder: Path, entry: Entry) -> dict[str, Any]:
    record = entry.record
    colours = colours_file(folder, record)
    known = {"slide_colours": f"{COLOURS}/{colours.name}"} if colours.is_file() else {}
    return {
        "image": f"{IMAGES}/{record.name}.png",
        "label": f"{LABELS}/{record.name}.png",
        "um_per_px": record.working_um_per_px,
        "organ": record.organ,
        "patient": record.case,
        "done": entry.done,
        "field": record_to_json(record),
        **known,
    }
