"""Areas as people read them: the same figures on the screen, in a report and in the terminal."""

from math import floor, log10

FIGURES = 3
MOST_DECIMALS = 5
"""0.00001 mm² is less than a nucleus."""


def square_mm(mm2: float) -> str:
    """Return an area in mm² with three significant figures, as in 0.0576, 3.10 or 42.0.

    Beyond 1000 mm² all figures before the point are given, below a nucleus those that are left.
    """
    if round(mm2, MOST_DECIMALS) == 0:
        return "0"
    # Rounded first: 9.999 is 10.0 and not 10.00.
    rounded = float(f"{mm2:.{FIGURES - 1}e}")
    decimals = FIGURES - 1 - floor(log10(abs(rounded)))
    return f"{mm2:.{min(max(decimals, 0), MOST_DECIMALS)}f}"
