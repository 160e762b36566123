"""Numbers as people read them: the same on the screen, in reports, plots and the terminal."""

from collections.abc import Iterable
from typing import Final, Literal

Language = Literal["en", "zh"]

MINUS: Final = "\N{MINUS SIGN}"
_THIN_SPACE: Final = "\N{THIN SPACE}"
_TO: Final[dict[Language, str]] = {"en": "to", "zh": "至"}


def decimal(value: float, decimals: int) -> str:
    """Return a number with so many decimals, as in −0.53; none is 0.0, not −0.0."""
    return f"{value:z.{decimals}f}".replace("-", MINUS)


def signed(value: float, decimals: int) -> str:
    """Return a difference with its sign, as in +2.1; none has none."""
    sign = "+" if round(value, decimals) else ""
    return f"{value:{sign}z.{decimals}f}".replace("-", MINUS)


def count(value: float) -> str:
    """Return a count with its thousands apart, as in 4 812."""
    return f"{value:,.0f}".replace(",", _THIN_SPACE)


def span(
    ends: Iterable[float], decimals: int, *, with_signs: bool = False, language: Language = "en"
) -> str:
    """Return what an interval reaches from and to, as in 8.1 to 21.8; a dash might be a minus."""
    low, high = (signed(e, decimals) if with_signs else decimal(e, decimals) for e in ends)
    return f"{low} {_TO[language]} {high}"
