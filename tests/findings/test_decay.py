"""Decay lengths and slopes, found again in tissue made with them."""

import numpy as np
import pytest
import shapely
from drawn_tissue import LEVEL0_PX, UM_PER_PX, measured_of, scattered_nuclei
from numpy.typing import NDArray
from scipy import stats

from napari_glioma_density.findings.decay import Side, fit_decay, slope
from napari_glioma_density.findings.profiles import (
    Profile,
    profile_along,
    profile_from_border,
)

HEIGHT, WIDTH, BORDER = 2400, 4800, 480
UPWARDS = shapely.LineString([(BORDER * LEVEL0_PX, HEIGHT * LEVEL0_PX), (BORDER * LEVEL0_PX, 0)])
ALONG = shapely.LineString([(BORDER * LEVEL0_PX, 2400), (WIDTH * LEVEL0_PX, 2400)])
REACH_UM = 2000


def falling(
    length_um: float, plateau: float = 0.03, amplitude: float = 0.15
) -> NDArray[np.float64]:
    """Share of nucleus by column: dense up to the border, falling from there to the right."""
    beyond = np.maximum(0, (np.arange(WIDTH) + 0.5 - BORDER) * UM_PER_PX)
    return plateau + amplitude * np.exp(-beyond / length_um)


def regular_nuclei(share: NDArray[np.float64], seed: int) -> NDArray[np.uint8]:
    """Nuclei of 9×9 px on a loose lattice, as many in each of its columns as the share asks for."""
    random, pitch, side = np.random.default_rng(seed), 16, 9
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for left in range(0, WIDTH, pitch):
        wanted = share[left : left + pitch].mean() * HEIGHT * pitch / side**2
        chosen = random.permutation(HEIGHT // pitch)[: round(wanted)]
        for top in (chosen * pitch).tolist():
            y, x = random.integers(0, pitch - side, 2).tolist()
            mask[top + y : top + y + side, left + x : left + x + side] = 1
    return mask


@pytest.mark.parametrize(("length_um", "seed"), [(150, 1), (300, 2), (500, 3)])
def test_a_decay_length_is_found_again_within_five_percent(length_um: float, seed: int) -> None:
    measured = measured_of(regular_nuclei(falling(length_um), seed))
    decay = fit_decay(profile_from_border(UPWARDS, REACH_UM, 50, measured))
    assert decay is not None
    assert decay.length_um == pytest.approx(length_um, rel=0.05)
    assert decay.amplitude == pytest.approx(15, rel=0.05)
    assert decay.plateau_percent == pytest.approx(3, abs=0.2)
    along = fit_decay(profile_along(ALONG, 1000, 50, measured))
    assert along is not None
    assert along.length_um == pytest.approx(length_um, rel=0.05)


def test_the_interval_of_a_slope_is_that_of_the_slopes_of_its_stretches() -> None:
    """With tissue everywhere the slope is the mean of those: so the jackknife gives its error."""
    random, step_um = np.random.default_rng(9), 50.0
    distance = step_um * (np.arange(20) + 0.5)
    tissue = np.full((8, 20), 4000.0)
    nucleus = tissue * (0.2 - distance / 20_000 + random.normal(0, 0.02, tissue.shape))
    found = slope(Profile(distance, step_um, nucleus, tissue, tissue, 0.25e-6), Side.RIGHT)
    assert found is not None
    own = [np.polyfit(distance / 1000, 100 * row / 4000, 1)[0] for row in nucleus]
    assert found.points_per_mm == pytest.approx(np.mean(own))
    half = stats.t.ppf(0.975, 7) * np.std(own, ddof=1) / np.sqrt(8)
    assert found.interval == pytest.approx((found.points_per_mm - half, np.mean(own) + half))


def test_glass_in_the_way_does_not_move_the_length() -> None:
    mask = regular_nuclei(falling(300), seed=5)
    tissue = np.ones((HEIGHT // 16, WIDTH // 16), bool)
    tissue[:50, 60:] = False
    tissue[:, 130:140] = False
    mask[~tissue.repeat(16, 0).repeat(16, 1)] = 0
    decay = fit_decay(profile_from_border(UPWARDS, REACH_UM, 50, measured_of(mask, tissue)))
    assert decay is not None
    assert decay.length_um == pytest.approx(300, rel=0.05)


def test_wide_steps_do_not_stretch_the_length() -> None:
    measured = measured_of(regular_nuclei(falling(150), seed=1))
    decay = fit_decay(profile_from_border(UPWARDS, REACH_UM, 200, measured))
    assert decay is not None
    assert decay.length_um == pytest.approx(150, rel=0.05)


def test_intervals_hold_the_length_of_nuclei_thrown_at_random() -> None:
    share = np.broadcast_to(falling(300), (HEIGHT, WIDTH))
    for seed in (1, 2):
        measured = measured_of(scattered_nuclei(share, seed))
        for profile in (
            profile_from_border(UPWARDS, REACH_UM, 50, measured),
            profile_along(ALONG, 1000, 50, measured),
        ):
            decay = fit_decay(profile)
            assert decay is not None
            assert decay.interval.low < 300 < decay.interval.high
            assert decay.interval.high < 2 * decay.interval.low


def profile_of(percent: NDArray[np.float64], step_um: float = 50, first: int = 0) -> Profile:
    """A profile of given densities, a single stretch, 1 mm² of tissue a step."""
    tissue = np.full((1, percent.size), 4e6)
    distance = (first + np.arange(percent.size) + 0.5) * step_um
    return Profile(distance, step_um, tissue * percent / 100, tissue, tissue, 0.25e-6)


def test_the_left_is_counted_from_the_border_outwards() -> None:
    middles = (np.arange(40) + 0.5) * 50
    left = 5 + 10 * np.exp(-middles / 400)
    profile = profile_of(np.concatenate([left[::-1], np.full(40, 15.0)]), first=-40)
    decay = fit_decay(profile, Side.LEFT)
    assert decay is not None
    # The mean over a step is not the value at its middle: a tenth of a percent here.
    assert decay.length_um == pytest.approx(400, rel=2e-3)
    fall = slope(profile, Side.LEFT)
    assert fall is not None
    assert fall.points_per_mm < 0


def test_no_length_is_told_where_nothing_decays() -> None:
    random = np.random.default_rng(1)
    assert fit_decay(profile_of(np.linspace(20, 5, 30))) is None
    assert fit_decay(profile_of(np.full(4, 10.0) + random.random(4))) is None
    step = np.where(np.arange(30) < 1, 30.0, 5.0)
    assert fit_decay(profile_of(step)) is None


def by_stretches(percent: NDArray[np.float64]) -> Profile:
    """A profile of these densities, (stretches, steps), all of it tissue."""
    tissue = np.full(percent.shape, 1e4)
    distance = 50 * (np.arange(percent.shape[1]) + 0.5)
    return Profile(distance, 50, 100 * percent, tissue, tissue, 0.25e-6)


def noisy(seed: int, points: float) -> Profile:
    """Ten stretches of a fall over 120 µm, each step off by so many points."""
    fall = 5 + 20 * np.exp(-50 * (np.arange(10) + 0.5) / 120)
    return by_stretches(fall + np.random.default_rng(seed).normal(0, points, (10, 10)))


def test_an_interval_of_lengths_ends_where_lengths_can_be_told_no_more() -> None:
    half_a_step_um, longest_um = 25, 3 * 450
    sure = fit_decay(noisy(0, 2))
    assert sure is not None
    assert half_a_step_um < sure.interval.low < 120 < sure.interval.high < 200
    unsure = fit_decay(noisy(0, 12))
    assert unsure is not None
    assert unsure.interval.low == half_a_step_um
    assert unsure.interval.high < longest_um


@pytest.mark.parametrize("seed", [8, 15, 41])
def test_no_length_is_told_where_any_would_do(seed: int) -> None:
    assert fit_decay(noisy(seed, 8)) is None


def test_a_slope_is_that_of_scipy() -> None:
    random = np.random.default_rng(3)
    percent = np.linspace(12, 4, 25) + random.normal(0, 0.5, 25)
    profile = profile_of(percent)
    expected = stats.linregress(profile.distance_um / 1000, percent)
    half = stats.t.ppf(0.975, 23) * expected.stderr
    found = slope(profile)
    assert found is not None
    assert found.points_per_mm == pytest.approx(expected.slope)
    assert found.interval == pytest.approx((expected.slope - half, expected.slope + half))
    assert slope(profile_of(percent[:5])) is None


def test_a_fall_to_nothing_ends_at_no_density_below_none() -> None:
    """Steps off by chance make the best of all curves end a little below 0 half the time."""
    distance = (np.arange(20) + 0.5) * 50
    to_nothing = 25 * np.exp(-distance / 400)
    for seed in range(6):
        noise = np.random.default_rng(seed).normal(0, 0.5, (10, 20))
        decay = fit_decay(by_stretches(np.maximum(to_nothing + noise, 0)))
        assert decay is not None
        assert 0 <= decay.plateau_percent < 3
        assert decay.length_um == pytest.approx(400, rel=0.15)


def test_a_fall_that_would_end_below_none_has_no_length() -> None:
    distance = (np.arange(12) + 0.5) * 50
    falling_on = 45 * np.exp(-distance / 500) - 13  # 0.8 % in its last step
    assert fit_decay(profile_of(falling_on)) is None


def test_a_rise_from_a_border_begins_at_no_density_below_none() -> None:
    distance = (np.arange(40) + 0.5) * 50
    noise = np.random.default_rng(0).normal(0, 1, 40)
    rising = np.maximum(15 - 15.5 * np.exp(-distance / 400) + noise, 0)
    decay = fit_decay(profile_of(rising))
    assert decay is not None
    assert decay.amplitude + decay.plateau_percent >= 0
