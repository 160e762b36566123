"""The report: one HTML file that needs nothing else."""

from pathlib import Path
from typing import Any, cast

import jinja2

from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.extras import Extras
from napari_glioma_density.exchange.plots import Language
from napari_glioma_density.exchange.progress import Progress
from napari_glioma_density.exchange.provenance import demand_slide, software
from napari_glioma_density.exchange.report.contents import Contents, gather_contents
from napari_glioma_density.exchange.whole_output import whole_file
from napari_glioma_density.findings.areas import square_mm
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.written import count, decimal, signed, span
from napari_glioma_density.nuclei.kept_metrics import title_of
from napari_glioma_density.slides import Slide

LANGUAGES = ("en", "zh")
NONE = "–"


def write_report(
    path: Path,
    findings: Findings,
    *,
    extras: Extras | None = None,
    language: str = "en",
    slide: Slide | None = None,
    case_id: str = "",
    on_progress: Progress | None = None,
) -> None:
    """Write a report as one self-contained HTML file that prints on A4.

    Every figure stands in an element with `data-name` and, to full precision, `data-value`. The
    slide goes by its pseudonym: no file name, no path, nothing of its headers.

    Parameters
    ----------
    path
        The file to replace.
    findings
        All figures.
    extras
        What is said beside them.
    language
        ``en`` or ``zh``.
    slide
        For the pictures; without it the report says that there are none.
    case_id
        As the user typed it; it is kept in this file alone.
    on_progress
        Told of pictures drawn, which take most of the time; an error that it raises ends it.

    Raises
    ------
    BadInput
        When the language is another, or `slide` is not the one that was measured.
    StoreError
        When the file cannot be written, or the store cannot be read.
    """
    if language not in LANGUAGES:
        raise BadInput(f"language {language!r}: reports are written in en or zh; give one of them")
    demand_slide(slide, findings.pseudonym)
    said = (extras or Extras(), cast("Language", language), slide, case_id, on_progress)
    with whole_file(path) as beside:
        beside.touch()  # what cannot be written is to be told before all pictures are drawn
        html = report_html(gather_contents(findings, *said))
        beside.write_bytes(html.encode(errors="replace"))


def report_html(contents: Contents) -> str:
    """Return the page that `write_report` writes."""
    pages = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__ or "", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sign = contents.words.percent_sign
    language = contents.language
    pages.filters["percent"] = lambda value: _text(value, 1, sign)
    pages.filters["span"] = lambda ends, places: span(ends, places, language=language)
    pages.filters["signed_percent"] = lambda value: f"{signed(value, 0)}{sign}"
    pages.filters["mm2"] = lambda value: NONE if value is None else square_mm(value)
    pages.filters["mm"] = lambda value: _text(value, 2)
    pages.filters["decimals"] = _text
    pages.filters["count"] = lambda value: NONE if value is None else count(value)
    pages.filters["full"] = _full_precision
    pages.filters["model_title"] = title_of
    return pages.get_template("report.html.j2").render(
        c=contents, w=contents.words, software=software()
    )


def _text(value: float | None, decimals: int, unit: str = "") -> str:
    return NONE if value is None else f"{decimal(value, decimals)}{unit}"


def _full_precision(value: Any) -> str:
    """Return a figure such that reading it back gives the very same; empty for none."""
    return "" if value is None else repr(value)
