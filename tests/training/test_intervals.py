"""Bootstrap intervals against SciPy's."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import bootstrap

from napari_glioma_density.training.intervals import SCORES, ScoredImages, bootstrap_intervals
from napari_glioma_density.training.metrics import PixelCounts


def made_up_counts(images: int, seed: int = 3) -> tuple[PixelCounts, ...]:
    random = np.random.default_rng(seed)
    columns = [random.integers(*between, images) for between in ((100, 300), (5, 90), (5, 60))]
    return tuple(PixelCounts(*map(int, row), 600) for row in zip(*columns, strict=True))


def nobody(images: int) -> tuple[str, ...]:
    return ("",) * images


def by_scipy(counts: tuple[PixelCounts, ...], name: str) -> tuple[float, float]:
    """SciPy's interval of a statistic written out anew."""
    hit = np.array([c.true_positive for c in counts])
    false = np.array([c.false_positive for c in counts])
    missed = np.array([c.false_negative for c in counts])
    points = 100 * np.abs(false - missed) / (hit + false + missed + 600)

    def statistic(drawn: NDArray[np.int64], axis: int) -> NDArray[np.float64]:
        h, f, m = (column[drawn].sum(axis) for column in (hit, false, missed))
        scores = {
            "f1": 2 * h / (2 * h + f + m),
            "precision": h / (h + f),
            "recall": h / (h + m),
            "iou": h / (h + f + m),
            "density_mae": points[drawn].mean(axis),
        }
        return np.asarray(scores[name])

    found = bootstrap(
        (np.arange(len(counts)),), statistic, method="percentile", n_resamples=5000,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    return found.confidence_interval.low, found.confidence_interval.high


@pytest.mark.parametrize("name", ["f1", "precision", "recall", "iou", "density_mae"])
def test_intervals_agree_with_scipy(name: str) -> None:
    counts = made_up_counts(30)
    ours = bootstrap_intervals([ScoredImages(counts, nobody(30))])[name]
    theirs = by_scipy(counts, name)
    # Both are random: the end of an interval from 1000 draws scatters by 2 % of its width.
    assert ours == pytest.approx(theirs, abs=0.08 * (theirs[1] - theirs[0]))


def test_every_call_gives_the_same_intervals() -> None:
    images = [ScoredImages(made_up_counts(12), nobody(12))]
    first = bootstrap_intervals(images)
    assert first == bootstrap_intervals(images)
    assert first.keys() == set(SCORES)


def test_one_image_says_nothing_of_the_next() -> None:
    assert bootstrap_intervals([ScoredImages(made_up_counts(1), nobody(1))]) == {}
    assert bootstrap_intervals([]) == {}


def test_two_images_are_enough_for_an_interval() -> None:
    lower, upper = bootstrap_intervals([ScoredImages(made_up_counts(2), nobody(2))])["f1"]
    assert 0 < lower < upper < 1


def test_images_of_one_patient_are_drawn_together() -> None:
    """Copies of each patient's image add nothing: the interval stays that of one image each."""
    counts = made_up_counts(8)
    patients = tuple(f"p{number}" for number in range(8))
    alone = bootstrap_intervals([ScoredImages(counts, nobody(8))])
    copied = ScoredImages(counts * 10, patients * 10)
    assert copied.unit == "patient"
    together = bootstrap_intervals([copied])
    by_image = bootstrap_intervals([ScoredImages(counts * 10, nobody(80))])
    assert np.ptp(together["f1"]) == pytest.approx(np.ptp(alone["f1"]), rel=0.1)
    assert np.ptp(by_image["f1"]) < 0.5 * np.ptp(together["f1"])


@pytest.mark.parametrize(
    ("patients", "unit"),
    [
        (("a", "b", "c", "d", "e", "e"), "patient"),
        (("a", "b", "c", "d", "d", "d"), "image"),
        (("a", "b", "c", "d", "e", ""), "image"),
        (nobody(6), "image"),
    ],
)
def test_patients_are_drawn_where_all_are_known_and_enough(
    patients: tuple[str, ...], unit: str
) -> None:
    assert ScoredImages(made_up_counts(6), patients).unit == unit


def test_each_data_set_keeps_its_share_of_a_pooled_draw() -> None:
    """Two data sets without any spread of their own leave none between them."""
    good, bad = PixelCounts(90, 10, 10, 90), PixelCounts(10, 90, 90, 10)
    pooled = bootstrap_intervals([ScoredImages((one,) * 4, nobody(4)) for one in (good, bad)])
    assert pooled["f1"] == pytest.approx((0.5, 0.5))
