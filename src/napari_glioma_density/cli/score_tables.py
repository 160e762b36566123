"""What ``evaluate`` shows a person: aligned tables of the scores it prints as JSON."""

from collections.abc import Iterable, Iterator
from typing import Any

from napari_glioma_density.findings.written import signed, span

Scores = dict[str, Any]
Rows = Iterable[tuple[str, ...]]

_SHARES = ("f1", "precision", "recall", "iou")
_POINTS = ("density_mae", "density_bias")
_HEADINGS = ("accuracy", "F1", "precision", "recall", "IoU", "density MAE", "density bias")
_NAME_WIDTH = 24
_GAP = "  "


def score_tables(result: Scores) -> str:
    """The tables of an evaluation; ``result`` is what ``--json`` prints.

    Scores of each data set and pooled with their intervals below, nucleus counts by density,
    organs where a data set has several, images where they were asked for.
    """
    sets = [*result["data_sets"], {"name": "pooled", **result["pooled"]}]
    if len(sets) == 2:  # pooling one data set repeats it
        del sets[1]
    parts = [
        f"Model {result['model']} in {result['precision']}: scores 0–1, density errors in points.\n"
        + aligned(_score_rows(sets)),
        _resampling(sets),
        "Nuclei, touching ones split apart, by true density of the field.\n"
        + aligned(_count_rows(sets)),
        *_organ_tables(result["data_sets"]),
        *_image_tables(result.get("images", [])),
        *_picture_list(result.get("pictures", [])),
    ]
    return "\n".join(part for part in parts if part)


def aligned(rows: Rows) -> str:
    """Rows as lines: the first column to the left, the others to the right."""
    every = [(_shortened(row[0]), *row[1:]) for row in rows]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    lines = (
        _GAP.join((row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:]))) for row in every
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 1]}…"


def _score_rows(sets: list[Scores]) -> Iterator[tuple[str, ...]]:
    yield ("data set", "images", *_HEADINGS)
    for one in sets:
        yield (one["name"], str(one["images"]), *_scores(one))
        if one["intervals"]:
            yield ("", "95 %", "", *_intervals(one["intervals"]))


def _scores(scores: Scores) -> tuple[str, ...]:
    return (
        f"{scores['accuracy']:.3f}",
        *(f"{scores[name]:.3f}" for name in _SHARES),
        f"{scores['density_mae']:.2f}",
        signed(scores["density_bias"], 2),
    )


def _intervals(ends: dict[str, tuple[float, float]]) -> Iterator[str]:
    for name in (*_SHARES, *_POINTS):
        lower, upper = ends[name]
        if name == "density_bias":
            yield span((lower, upper), 2, with_signs=True)
        else:
            digits = 3 if name in _SHARES else 2
            yield span((lower, upper), digits)


def _resampling(sets: list[Scores]) -> str:
    """How the intervals were drawn."""
    if not any(one["intervals"] for one in sets):
        return "No intervals: they need more than one image.\n"
    drawn = sets[-1]["resampling"]
    by = drawn["unit"]
    if by == "image or patient":
        exceptions = [one["name"] for one in sets if one["resampling"]["unit"] == "patient"]
        by = f"image, in {', '.join(exceptions)} by patient"
    return f"95 %: bootstrap, {drawn['resamples']} draws by {by}.\n"


def _count_rows(sets: list[Scores]) -> Iterator[tuple[str, ...]]:
    yield ("data set", "density, %", "fields", "true", "predicted", "error, %")
    for one in sets:
        count = one["nucleus_count"]
        name = one["name"]
        for band in count["by_density"]:
            yield (name, f"{band['from_percent']}–{band['to_percent']}", *_count(band))
            name = ""
        if len(count["by_density"]) > 1:
            yield ("", "all", *_count(count))


def _count(count: Scores) -> tuple[str, ...]:
    relative = count["relative_error"]
    error = "" if relative is None else signed(100 * relative, 1)
    return (*(str(count[name]) for name in ("fields", "true", "predicted")), error)


def _organ_tables(data_sets: list[Scores]) -> Iterator[str]:
    for one in data_sets:
        if len(one["organs"]) > 1:
            rows = (
                (row["organ"] or "not stated", str(row["images"]), *_scores(row))
                for row in one["organs"]
            )
            yield f"{one['name']}, by organ.\n" + aligned([("organ", "images", *_HEADINGS), *rows])


def _image_tables(images: list[Scores]) -> Iterator[str]:
    if images:
        rows = ((row["image"], _shortened(row["data_set"]), *_scores(row)) for row in images)
        yield aligned([("image", "data set", *_HEADINGS), *rows])


def _picture_list(paths: list[str]) -> Iterator[str]:
    if paths:
        yield "Fields of the lowest F1:\n" + "".join(f"{path}\n" for path in paths)
