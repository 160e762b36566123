"""Make the pictures of the report for docs/images: estimate a slide, write both languages, print.

    python docs/make_report_picture.py --slide SLIDE [--browser chromium]

needs a browser of the Chromium family, and pdftoppm (poppler).
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from napari_glioma_density.exchange.extras_gathering import gather_extras
from napari_glioma_density.exchange.report import LANGUAGES, write_report
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.slides import open_slide

IMAGES = Path(__file__).parent / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PAGES, DPI = 2, 70


def main() -> None:
    """Write the first pages of the report as docs/images/report-<language>-<page>.png."""
    asked = arguments()
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        store = estimate(asked.slide, Path(scratch))
        for language in LANGUAGES:
            page = Path(scratch) / f"report-{language}.html"
            write(page, store, asked.slide, language)
            print(f"{page.name}: {page.stat().st_size / 1e6:.1f} MB")
            draw(page, asked.browser)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slide", type=Path, required=True)
    parser.add_argument("--browser", default=next(filter(shutil.which, BROWSERS), None))
    asked = parser.parse_args()
    if asked.browser is None or shutil.which("pdftoppm") is None:
        parser.error("a Chromium browser and pdftoppm are needed to print the pages")
    return asked


def estimate(slide: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "napari_glioma_density.cli", "estimate", str(slide)]
    subprocess.run([*command, "-o", str(folder)], check=True)
    return folder / slide.name / f"{slide.name}.glioma.zarr"


def write(page: Path, store: Path, slide_path: Path, language: str) -> None:
    findings = gather(store)
    extras = gather_extras(findings)
    with open_slide(slide_path) as slide:
        write_report(page, findings, extras=extras, language=language, slide=slide)


def draw(page: Path, browser: str) -> None:
    """Print a page to PDF and its first sheets to PNG."""
    pdf = page.with_suffix(".pdf")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    profile = f"--user-data-dir={page.parent / 'browser'}"
    command = [browser, *options, profile, f"--print-to-pdf={pdf}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)
    for sheet in range(1, PAGES + 1):
        picture = IMAGES / f"{page.stem}-{sheet}"
        one = ["-f", str(sheet), "-l", str(sheet), "-singlefile", "-r", str(DPI), "-png"]
        subprocess.run(["pdftoppm", *one, str(pdf), str(picture)], check=True)


if __name__ == "__main__":
    main()
