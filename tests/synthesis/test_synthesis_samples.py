import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path

import pytest

from napari_glioma_density.errors import BadInput
from napari_glioma_density.synthesis import Layout, fetch_cmu_small_region, sample_slide, samples

SMALL = Layout(width=700, height=600, um_per_px=0.5, seed=4)


@pytest.fixture
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the drawing short: the real sample takes several seconds."""
    monkeypatch.setattr(samples, "_LAYOUT", SMALL)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a folder of this machine, as a download site would."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/{samples.CMU_NAME}"
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("small_sample")
def test_the_sample_is_made_once_and_then_reused(tmp_path: Path) -> None:
    slide = sample_slide(tmp_path / "new")
    made = slide.stat().st_mtime_ns
    assert sample_slide(tmp_path / "new") == slide
    assert slide.stat().st_mtime_ns == made


@pytest.mark.usefixtures("small_sample")
@pytest.mark.parametrize("damage", ["slide", "truth", "manifest"])
def test_a_sample_that_was_cut_short_is_made_again(tmp_path: Path, damage: str) -> None:
    slide = sample_slide(tmp_path)
    whole = slide.read_bytes()
    files = {
        "slide": slide,
        "truth": tmp_path / "synthetic-glioma.truth.csv",
        "manifest": tmp_path / "synthetic-glioma.tiff.json",
    }
    files[damage].write_bytes(files[damage].read_bytes()[:40])
    assert sample_slide(tmp_path).read_bytes() == whole


def _make(folder: Path) -> bytes:
    samples._LAYOUT = SMALL
    return sample_slide(folder).read_bytes()


def test_two_processes_asking_at_once_both_get_the_whole_slide(tmp_path: Path) -> None:
    with get_context("spawn").Pool(2) as pool:
        first, second = pool.map(_make, [tmp_path, tmp_path])
    assert first == second
    assert not list(tmp_path.glob("*.partial"))


def test_the_real_slide_is_downloaded_and_kept(
    served: tuple[Path, str], data_folder: Path, tmp_path: Path
) -> None:
    site, url = served
    real = (data_folder / "slides" / samples.CMU_NAME).read_bytes()
    (site / samples.CMU_NAME).write_bytes(real)
    slide = fetch_cmu_small_region(tmp_path / "cache", url)
    assert slide.name == samples.CMU_NAME
    assert slide.read_bytes() == real
    (site / samples.CMU_NAME).unlink()
    assert fetch_cmu_small_region(tmp_path / "cache", url) == slide


def test_a_download_with_a_wrong_hash_is_refused_and_not_kept(
    served: tuple[Path, str], tmp_path: Path
) -> None:
    site, url = served
    (site / samples.CMU_NAME).write_bytes(b"something else")
    with pytest.raises(BadInput, match="get it by hand") as refusal:
        fetch_cmu_small_region(tmp_path / "cache", url)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "cache" / samples.CMU_NAME).exists()


def test_without_a_network_the_message_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"CMU-1-Small-Region\.svs: .*openslide\.cs\.cmu\.edu"):
        fetch_cmu_small_region(tmp_path, "http://127.0.0.1:9/absent.svs")
