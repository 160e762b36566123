"""How large a level-0 pixel is, and who says so.

Files are often wrong: 72 dpi left by an image editor, an XResolution of (0, 1000), a decimal comma.
A statement outside 0.05–5 µm/px is not believed, and the source says why.
"""

import html
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

BELIEVABLE_UM_PER_PX = (0.05, 5.0)
TO_GIVE_IT = "give it with --um-per-px (20× is about 0.5, 40× about 0.25)"
GIVEN = "given by user"
# What a person types is often rounded; further from the file's own figure it is another one.
_SAME_WITHIN = 0.001
# Beyond this ratio of the two sides a pixel is not square, and one figure cannot stand for both.
_SQUARE_WITHIN = 1.1

_UM_PER_UNIT = {
    "nm": 1e-3,
    "µm": 1.0,
    "μm": 1.0,  # Greek mu, which OME files use beside the micro sign
    "um": 1.0,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
}


@dataclass(frozen=True)
class Resolution:
    """µm per level-0 px; `um_per_px` is None when absent or not believable."""

    um_per_px: float | None
    source: str


NOT_STATED = Resolution(None, "not stated")


def is_believable(um_per_px: float) -> bool:
    """Whether a picture of nuclei can have so many µm a px."""
    low, high = BELIEVABLE_UM_PER_PX
    return low <= um_per_px <= high


def given_against(um_per_px: float, stated: Resolution) -> str:
    """Say that a µm/px was given by a person, and what the file states where that is another."""
    if stated.um_per_px is None or math.isclose(um_per_px, stated.um_per_px, rel_tol=_SAME_WITHIN):
        return GIVEN
    return f"{GIVEN}; the file states {stated.um_per_px:.4g} ({stated.source})"


@dataclass(frozen=True)
class Statement:
    """One claim of a file about its pixels, in µm along x and, where told, along y."""

    source: str
    x_um: float
    y_um: float | None = None

    @property
    def um_per_px(self) -> float:
        """Side of a square of the pixel's area."""
        return self.x_um if self.y_um is None else float((self.x_um * self.y_um) ** 0.5)

    @property
    def believable(self) -> bool:
        """Whether it is a size a slide scanner makes, and about square."""
        sides = (self.x_um, self.x_um if self.y_um is None else self.y_um)
        return all(map(is_believable, sides)) and max(sides) <= _SQUARE_WITHIN * min(sides)

    def __str__(self) -> str:
        sides = f"{self.x_um:.4g}"
        if self.y_um is not None and self.y_um != self.x_um:
            sides += f" × {self.y_um:.4g}"
        return f"{sides} µm/px ({self.source})"


def resolve(statements: Iterable[Statement | None]) -> Resolution:
    """Return the first believable statement, or a Resolution that says why there is none."""
    made = [statement for statement in statements if statement is not None]
    for statement in made:
        if statement.believable:
            return Resolution(statement.um_per_px, statement.source)
    if made:
        return Resolution(None, f"not believable: {made[0]}")
    return NOT_STATED


def parse_number(text: object) -> float | None:
    """Return the number a metadata field holds, comma decimals included, or None."""
    match = re.fullmatch(r"\s*([+-]?\d*[.,]?\d+(?:[eE][+-]?\d+)?)\s*", str(text))
    return float(match[1].replace(",", ".")) if match else None


def aperio_field(description: str, field: str) -> float | None:
    """Return a number from Aperio's `… |AppMag = 20|MPP = 0.499|…` description."""
    match = re.search(rf"\|\s*{re.escape(field)}\s*=\s*([^|\r\n]+)", description)
    return parse_number(match[1]) if match else None


def aperio_statement(description: str) -> Statement | None:
    """Return what Aperio's `MPP` field states."""
    um_per_px = aperio_field(description, "MPP")
    return None if um_per_px is None else Statement("Aperio MPP", um_per_px)


def ome_pixels(xml: str) -> list[str]:
    """Return the `Pixels` tags of OME-XML, one for each of its images."""
    return re.findall(r"<(?:\w+:)?Pixels\b[^>]*>", xml)


def ome_statement(xml: str, width: int, height: int) -> Statement | None:
    """Return what `PhysicalSizeX` (and Y) of the image of a size in px states; µm is the default.

    Of several images the first with that size counts; if there is only one, its size is not
    compared.
    """
    images = [_attributes(tag) for tag in ome_pixels(xml)]
    if len(images) > 1:
        size = {"SizeX": str(width), "SizeY": str(height)}
        images = [image for image in images if image.items() >= size.items()]
    return _ome_statement_of(images[0]) if images else None


def _attributes(tag: str) -> dict[str, str]:
    """Attributes of an XML tag; a µ is often written as `&#181;`, for TIFF allows ASCII alone."""
    found = re.findall(r"""([\w:]+)\s*=\s*("[^"]*"|'[^']*')""", tag)
    return {name: html.unescape(quoted[1:-1]) for name, quoted in found}


def _ome_statement_of(pixels: dict[str, str]) -> Statement | None:
    sides = {}
    for axis in "XY":
        number = parse_number(pixels.get(f"PhysicalSize{axis}"))
        um_per_unit = _UM_PER_UNIT.get(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        if number is not None and um_per_unit is not None:
            sides[axis] = number * um_per_unit
    return Statement("OME PhysicalSize", sides["X"], sides.get("Y")) if "X" in sides else None


def tiff_statement(
    x_resolution: object, y_resolution: object, unit: object, source: str = "TIFF resolution"
) -> Statement | None:
    """Return what the TIFF tags state: px per inch (unit 2) or per cm (unit 3).

    They are rationals, tuples of two numbers; some writers put a single number there.
    """
    um_per_unit = {2: 25_400.0, 3: 10_000.0}.get(unit)  # type: ignore[call-overload]
    if um_per_unit is None or x_resolution is None:
        return None

    def um(resolution: object) -> float:
        numbers = resolution if isinstance(resolution, tuple) else (resolution,)
        px, units = (*numbers, 1)[:2]
        return um_per_unit * units / px if px else float("inf")

    return Statement(source, um(x_resolution), um(y_resolution) if y_resolution else None)
