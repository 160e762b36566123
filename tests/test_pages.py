"""The links of the pages lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("", "docs", "benchmarks", "sample_data", "src/napari_glioma_density/nuclei/models")
PAGES = sorted(page for folder in FOLDERS for page in (ROOT / folder).glob("*.md"))


def anchors(page: Path) -> set[str]:
    """The anchors that headings get where the pages are shown."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.strip().lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    broken = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        is_known = not anchor or (target.is_file() and anchor in anchors(target))
        if not link.startswith("http") and not (target.exists() and is_known):
            broken.append(link)
    assert not broken
