"""Macenko and Vahadane: known stains are found, and mixed again as the reference has them."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from mixtures import EOSIN, HAEMATOXYLIN, draw_amounts, mixed
from numpy.typing import NDArray
from sklearn.decomposition import DictionaryLearning

from napari_glioma_density.stain.light import in_white_light, slide_light
from napari_glioma_density.stain.optical import STAINS, optical_density, tissue_density
from napari_glioma_density.stain.stain_matching import TYPICAL, macenko, match_stains, vahadane

Fit = Callable[[NDArray[np.uint8]], tuple[float, ...]]
AMOUNTS = draw_amounts()


def degrees(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    return float(np.degrees(np.arccos(min(1.0, cosine))))


def stains_of(statistics: tuple[float, ...]) -> NDArray[np.float64]:
    return np.array(statistics[:6]).reshape(2, 3)


def test_macenko_finds_the_stains_that_were_mixed() -> None:
    found = stains_of(macenko(mixed(AMOUNTS)))
    assert degrees(found[0], HAEMATOXYLIN) < 1.5
    assert degrees(found[1], EOSIN) < 1.5


def test_vahadane_finds_the_stains_that_were_mixed() -> None:
    # The price on amounts draws the two together; 8° of the 27° between them is its share.
    found = stains_of(vahadane(mixed(AMOUNTS)))
    assert degrees(found[0], HAEMATOXYLIN) < 8
    assert degrees(found[1], EOSIN) < 8


def test_vahadane_is_the_sparse_factorisation() -> None:
    pixels = mixed(draw_amounts(800))
    found = stains_of(vahadane(pixels))
    density = tissue_density(pixels).astype(np.float64)
    start = STAINS[:2].astype(np.float64)
    independent = DictionaryLearning(
        2,
        alpha=0.1,
        positive_code=True,
        positive_dict=True,
        fit_algorithm="cd",
        transform_algorithm="lasso_cd",
        dict_init=start,
        code_init=np.maximum(density @ np.linalg.pinv(start), 0),
        max_iter=100,
        tol=1e-9,
        random_state=0,
    ).fit(density)
    for stain, component in zip(found, independent.components_, strict=True):
        assert degrees(stain, component) < 0.5


@pytest.mark.parametrize("fit", [macenko, vahadane])
class TestBothMethods:
    def test_haematoxylin_comes_first_whichever_is_more(self, fit: Fit) -> None:
        for nuclei in (0.05, 0.9):
            random = np.random.default_rng(3)
            is_nucleus = random.random(20_000) < nuclei
            amounts = np.zeros((20_000, 2))
            amounts[np.arange(20_000), (~is_nucleus).astype(int)] = random.uniform(0.4, 1.6, 20_000)
            amounts += random.uniform(0, 0.1, amounts.shape)
            found = stains_of(fit(mixed(amounts)))
            assert degrees(found[0], HAEMATOXYLIN) < degrees(found[0], EOSIN)
            assert degrees(found[1], EOSIN) < degrees(found[1], HAEMATOXYLIN)

    def test_stains_have_unit_length_and_are_not_negative(self, fit: Fit) -> None:
        found = stains_of(fit(mixed(AMOUNTS)))
        assert np.allclose(np.linalg.norm(found, axis=1), 1)
        assert (found >= 0).all()

    def test_a_faded_slide_looks_like_a_strong_one_afterwards(self, fit: Fit) -> None:
        strong, faded = mixed(AMOUNTS), mixed(AMOUNTS * 0.6)
        one, other = (match_stains(pixels, fit(pixels)) for pixels in (strong, faded))
        assert np.abs(one - other).mean() < 0.03
        assert np.abs(strong / 255.0 - faded / 255.0).mean() > 0.1

    def test_other_dyes_look_alike_afterwards(self, fit: Fit) -> None:
        bluish = np.array([[0.75, 0.60, 0.25], [0.25, 0.85, 0.45]])
        bluish /= np.linalg.norm(bluish, axis=1, keepdims=True)
        one, other = mixed(AMOUNTS), mixed(AMOUNTS, bluish)
        matched = [match_stains(pixels, fit(pixels)) for pixels in (one, other)]
        assert np.abs(matched[0] - matched[1]).mean() < 0.04
        assert np.abs(one / 255.0 - other / 255.0).mean() > 0.05

    def test_noise_of_a_single_stain_is_not_taken_for_two(self, fit: Fit) -> None:
        random = np.random.default_rng(5)
        density = random.uniform(0.5, 0.9, (20_000, 1)) * EOSIN + random.normal(
            0, 0.004, (20_000, 3)
        )
        assert fit(np.round(255 * np.exp(-density)).astype(np.uint8)) == TYPICAL

    def test_where_tissue_was_darker_it_stays_darker(self, fit: Fit, data_folder: object) -> None:
        for name in (
            "glioma_research/gbm/images/01.png",
            "train/nuinsseg/images/human_brain_1.jpg",
        ):
            rgb = cv2.imread(f"{data_folder}/data/{name}")[::2, ::2, ::-1]
            pixels = np.ascontiguousarray(rgb).reshape(-1, 3)
            white = in_white_light(pixels, slide_light(pixels))
            matched = match_stains(white, fit(white))
            before = optical_density(white)[:, 0]
            assert np.corrcoef(before, -np.log(matched[:, 0] + 1 / 255))[0, 1] > 0.8


def test_the_reference_is_left_as_it_is() -> None:
    reference = stains_of(TYPICAL)
    pixels = mixed(AMOUNTS, reference)
    assert np.abs(match_stains(pixels, TYPICAL) - pixels / 255.0).max() < 0.02
