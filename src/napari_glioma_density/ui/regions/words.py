"""Regions and their figures in the words of the screen."""

from napari_glioma_density.findings.areas import square_mm
from napari_glioma_density.findings.comparison import GONE_THROUGH, Comparison
from napari_glioma_density.findings.decay import Decay, Slope
from napari_glioma_density.findings.estimate_comparison import EstimateComparison
from napari_glioma_density.findings.interval import Interval
from napari_glioma_density.findings.written import span
from napari_glioma_density.regions.measuring import RegionSums
from napari_glioma_density.regions.region import Region
from napari_glioma_density.ui import words

UM_PER_MM = 1000
ALL_OF_IT = 0.98
"""Of what is drawn; px at an outline are whole."""


def extent(region: Region, um_per_px: float) -> str:
    """Return how large a region is in mm², as in 1.20, or how long a line, as in 3.10 mm."""
    mm_per_px = um_per_px / UM_PER_MM
    if region.kind.is_line:
        return f"{region.geometry.length * mm_per_px:.2f} mm"
    return square_mm(region.geometry.area * mm_per_px**2)


def part_measured(region: Region, sums: RegionSums, um_per_px: float) -> str:
    """Return how much of a drawn area counts; empty where all of it does."""
    drawn_mm2 = region.geometry.area * (um_per_px / UM_PER_MM) ** 2
    if region.kind.is_line or sums.read_mm2 > ALL_OF_IT * drawn_mm2:
        return ""
    part = f"{words.area(sums.read_mm2)} of {words.area(drawn_mm2)} count"
    return f"{part}: the rest is left out, not read or bare glass"


def left_out(mm2: dict[str, float]) -> str:
    """Return what is left out, as in left out 3.1 mm²: pen 1.2, blur 1.9."""
    return words.left_out(mm2) or "nothing is left out"


def measured_place(name: str, sums: RegionSums) -> str:
    """Return what was measured in a place, on one line."""
    density = words.percent(sums.tissue_density_percent)
    nuclei = words.number(sums.nuclei_per_mm2)
    return f"{name}: {density} of tissue, {nuclei} nuclei/mm², {words.area(sums.tissue_mm2)} tissue"


def compared(one: str, other: str, comparison: Comparison) -> str:
    """Return how one place differs from another, each figure with its interval."""
    difference = f"{one} less {other}: {words.signed(comparison.difference_points, 1)} points"
    lines = [difference + _interval(comparison.difference_interval, 1)]
    if comparison.ratio is not None:
        ratio = f"{one} over {other}: {comparison.ratio:.2f}"
        lines.append(ratio + _interval(comparison.ratio_interval, 2))
    if comparison.covers == GONE_THROUGH:
        lines.append("No interval: both were gone through by hand, and are too small to say more.")
    elif comparison.difference_interval is None:
        lines.append("No interval: how sure the figures are is not known.")
    else:
        lines.append(f"95 % intervals, for what is unsure of the {comparison.covers}.")
    return "\n".join(lines)


def sloping(slope: Slope | None, decay: Decay | None) -> str:
    """Return how density changes with distance."""
    lines = []
    if slope is not None:
        line = f"Slope {words.signed(slope.points_per_mm, 1)} points per mm"
        lines.append(line + _interval(slope.interval, 1))
    if decay is not None:
        ends = Interval(decay.interval.low / UM_PER_MM, decay.interval.high / UM_PER_MM)
        length = f"Decay length {decay.length_um / UM_PER_MM:.2f} mm{_interval(ends, 2)}"
        lines.append(f"{length}, towards {words.percent(decay.plateau_percent)}")
    return "\n".join(lines) or "Too little tissue along it for a slope."


def _interval(interval: Interval | None, decimals: int) -> str:
    return "" if interval is None else f" ({span(interval, decimals)})"


def side_by_side(names: tuple[str, str], found: EstimateComparison) -> tuple[tuple[str, ...], ...]:
    """Return a head and lines of figures, over the patches that two estimates have both read.

    `names` are those of the second of the comparison, from which the first is taken, and of that.
    """
    both = found.second, found.first
    return (
        ("", *names),
        ("Nuclear area of tissue", *(words.percent(each.tissue_density_percent) for each in both)),
        ("Nuclei/mm²", *(words.number(each.nuclei_per_mm2) for each in both)),
        ("Tissue", *(words.area(each.tissue_mm2) for each in both)),
    )


def agreeing(found: EstimateComparison) -> str:
    """Return how far two estimates are apart, patch by patch."""
    if found.agreement is None:
        return "No patch was read by both."
    mean, low, high = found.agreement
    lines = [f"Mean difference {words.signed(mean, 1)} points over {found.patches} patches"]
    if low is not None and high is not None:
        ends = span((low, high), 1, with_signs=True)
        lines.append(f"Limits of agreement {ends} points a patch")
    return "\n".join(lines)
