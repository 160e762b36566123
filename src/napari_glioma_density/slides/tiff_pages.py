"""Which pages of a TIFF file are the slide, and which are not to be looked at.

Only page headers are used: tifffile's `series` differ between its releases, page headers do not.
Label, macro and thumbnail pages are told from the pyramid by being smaller, of another shape, not
tiled, or named so; they are never decoded.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any

import tifffile

from napari_glioma_density.slides.resolution import ome_pixels

# A level may be rounded, and some writers crop it to whole tiles.
_ASPECT_TOLERANCE = 0.02
NDPI_MAGNIFICATION_TAG = 65421
_ASIDE_WORDS = ("label", "macro", "thumbnail")

Page = Any  # tifffile.TiffPage; the library ships no types that are checked here
PagesOfLevel = tuple[Page, ...]  # one page, or one for each colour channel


def pyramid_pages(tif: tifffile.TiffFile) -> list[PagesOfLevel]:
    """Return the pages of each level of the main image, finest first."""
    pages = [page for page in _listed(tif) if not _set_aside(page)]
    if not pages:
        return []
    main = pages[0] if tif.is_svs else max(pages, key=_area)
    channels = _channels_of(main, pages)
    others = [] if _holds_several_images(tif) else pages
    lower = [_matching(channels, candidates) for candidates in _candidates(channels, others)]
    levels = [channels, *(level for level in lower if level)]
    return _distinct(sorted(levels, key=lambda level: -_area(level[0])))


def _listed(tif: tifffile.TiffFile) -> Iterator[Page]:
    """Yield the pages; TiffFileError where their list leads back to one of them, without end."""
    seen: set[int] = set()
    for page in tif.pages:
        if page.offset in seen:
            raise tifffile.TiffFileError(f"the page at {page.offset} is listed twice")
        seen.add(page.offset)
        yield page


def _holds_several_images(tif: tifffile.TiffFile) -> bool:
    """Whether other pages may show other tissue: levels of OME's images are their sub-images."""
    return bool(tif.is_ome and len(ome_pixels(tif.pages.first.description)) > 1)


def _set_aside(page: Page) -> bool:
    """Whether a page is known by name or tag to be no part of the pyramid."""
    magnification = page.tags.valueof(NDPI_MAGNIFICATION_TAG)
    if magnification is not None and float(magnification) <= 0:
        return True  # Hamamatsu: -1 is the macro image, -2 the focus map
    lines = (page.description or "").lower().splitlines()[:2]
    return any(line.strip().startswith(_ASIDE_WORDS) for line in lines)


def _area(page: Page) -> int:
    return int(page.imagewidth) * int(page.imagelength)


def _channels_of(main: Page, pages: Sequence[Page]) -> PagesOfLevel:
    """Return the page alone, or with the pages that hold its other colour channels."""
    if main.samplesperpixel > 1:
        return (main,)  # further pages of this size are focal planes: the first is taken
    start = pages.index(main)
    return tuple(takewhile(lambda page: _same_size(page, main), pages[start:]))


def _same_size(page: Page, main: Page) -> bool:
    return bool(
        (page.imagewidth, page.imagelength) == (main.imagewidth, main.imagelength)
        and page.samplesperpixel == main.samplesperpixel
    )


def _candidates(channels: PagesOfLevel, pages: Sequence[Page]) -> Iterable[PagesOfLevel]:
    """Yield what may be lower levels: sub-images of the main pages, else pages of their own."""
    below = [list(page.pages or ()) for page in channels]
    if all(below):
        yield from zip(*below, strict=False)
        return
    count = len(channels)
    rest = [page for page in pages if page not in channels]
    yield from (tuple(rest[i : i + count]) for i in range(0, len(rest), count))


def _matching(channels: PagesOfLevel, candidate: PagesOfLevel) -> PagesOfLevel | None:
    if len(candidate) == len(channels) and _is_reduction(candidate[0], channels[0]):
        return candidate
    return None


def _is_reduction(page: Page, main: Page) -> bool:
    """Whether a page has the main image's make and outline, only smaller."""
    width, height = int(page.imagewidth), int(page.imagelength)
    if not 0 < width < main.imagewidth:
        return False
    expected = main.imagelength * width / main.imagewidth
    return bool(
        abs(height - expected) <= max(2.0, _ASPECT_TOLERANCE * expected)
        and page.is_tiled == main.is_tiled
        and page.samplesperpixel == main.samplesperpixel
        and page.bitspersample == main.bitspersample
    )


def _distinct(levels: list[PagesOfLevel]) -> list[PagesOfLevel]:
    """Keep the first of levels of the same width (the others are focal planes)."""
    by_width: dict[int, PagesOfLevel] = {}
    for level in levels:
        by_width.setdefault(int(level[0].imagewidth), level)
    return list(by_width.values())
