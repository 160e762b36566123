"""Write the scores of the shipped models into docs/models.md.

    python docs/make_model_table.py

The scores are those kept beside each model's weights, as ``glioma-density evaluate --json`` printed
them. The text between the two marker comments is replaced; all else is left as it is.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.registry import Model, list_models, user_models_folder

PAGE = Path(__file__).with_name("models.md")
BEGIN = "<!-- model table: begin -->"
END = "<!-- model table: end -->"
PERCENTAGES = ("accuracy", "dice", "recall", "precision", "f1", "iou")
HEADINGS = (
    *("data set", "images", "accuracy", "Dice", "recall", "precision", "F1 (95 %)", "IoU"),
    *("density error", "density bias", "count error"),
)


def table(model: Model) -> Iterator[str]:
    """Yield the lines of one model's scores; ModelError when they are of other weights."""
    scored = str(model.metrics.get("sha256", model.sha256))
    if scored != model.sha256:
        raise ModelError(
            f"{model.name}: its scores are of other weights ({scored[:12]}…); evaluate it again"
        )
    yield f"**{model.name}**, {model.spec.title}, weights `{model.sha256[:12]}…`\n"
    if not model.metrics:
        yield "No scores are kept with these weights.\n"
        return
    yield f"| {' | '.join(HEADINGS)} |"
    yield "|---|" + "---:|" * (len(HEADINGS) - 1)
    for row in (*model.metrics["data_sets"], {"name": "all", **model.metrics["pooled"]}):
        yield f"| {row['name']} | {row['images']} | {' | '.join(_scores(row))} |"
    yield ""


def _scores(row: dict[str, Any]) -> Iterator[str]:
    low, high = row["intervals"]["f1"]
    for name in PERCENTAGES:
        of_f1 = f" ({100 * low:.1f}–{100 * high:.1f})" if name == "f1" else ""
        yield f"{100 * row[name]:.1f}{of_f1}"
    yield f"{row['density_mae']:.2f}"
    yield f"{row['density_bias']:+.2f}".replace("-", "−")
    yield f"{100 * row['nucleus_count']['relative_error']:+.0f} %".replace("-", "−")


def with_tables(page: str, lines: list[str]) -> str:
    """Return the page with `lines` between its markers; ValueError when it lacks them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name}: lacks the line {BEGIN} or {END}; put them back")
    return "\n".join((before + begin, *lines, end + after))


def main() -> int:
    """Rewrite the page; 1 and one line on stderr when it cannot be done."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    shipped = (model for model in list_models() if model.path.parent != user_models_folder())
    try:
        lines = [line for model in shipped for line in table(model)]
        PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), lines), encoding="utf-8")
    except (ModelError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
