"""Time, peak memory and size of a GeoJSON export of a million nuclei, and of reading it back.

    python benchmarks/geojson_million.py FOLDER

The slide with its estimate is made in FOLDER when it is not there (see million_nuclei.py). Writing
and reading each run in a process of their own, so that the peak is theirs.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import shapely

from napari_glioma_density.exchange.geojson import read_geojson, write_geojson
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.results import find_store

WINDOW_PX = (0, 0, 4000, 4000)


def write(slide: Path, out: Path) -> str:
    """Export all nuclei; tell how many, and the size of the file."""
    store = find_store(slide)
    assert store is not None
    report = write_geojson(out, gather(store))
    return (
        f"{report.nuclei} nuclei ({report.discs} as discs), {report.annotations} annotations, "
        f"{report.size_bytes / 1e6:.0f} MB"
    )


def read(slide: Path, out: Path) -> str:
    """Read the export back, the nuclei of one field of it."""
    store = find_store(slide)
    assert store is not None
    found = gather(store)
    window = shapely.box(*WINDOW_PX)
    back = read_geojson(out, found.slide_width, found.slide_height, nuclei_in=window)
    return f"{len(back.nuclei)} nuclei of a window kept, {sum(back.passed_over.values())} passed"


def _measured(step: str, slide: Path, out: Path) -> None:
    begun = time.perf_counter()
    told = {"write": write, "read": read}[step](slide, out)
    seconds = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu, peak_mb = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(
        f"{step}: {seconds:.0f} s ({cpu:.0f} s of CPU), peak {peak_mb:.0f} MB, {told}", flush=True
    )


def main() -> None:
    """Make what is missing, then measure both ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("step", nargs="?", choices=("write", "read"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    folder = asked.folder
    slide, out = folder / "million.tiff", folder / "million.geojson"
    if asked.step:
        _measured(asked.step, slide, out)
        return
    from million_nuclei import made_slide  # its network library must not count

    _, nuclei = made_slide(folder)
    print(f"{nuclei} nuclei on the slide", flush=True)
    for step in ("write", "read"):
        subprocess.run([sys.executable, __file__, str(folder), step], check=True)


if __name__ == "__main__":
    main()
