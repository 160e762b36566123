"""P1's Table 3 from the pixel counts of many runs, with intervals, beside the paper's figures."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from napari_glioma_density.training.metrics import pixel_scores

SCORES = ("accuracy", "dice", "recall", "precision", "f1")
NAMES = {"unet": "U-net", "unet-dropblock": "U-net+DropBlock"}
PAPER = {"unet": (98.9, 87.6, 97.6, 80.0, 87.6), "unet-dropblock": (99.2, 90.1, 95.8, 87.1, 90.1)}
"""P1, Table 3, percent."""
COUNTS = ("true_positive", "false_positive", "false_negative", "true_negative")
RESAMPLES = 2000

Result = dict[str, Any]
Numbers = NDArray[np.float64]


def report(results: list[Result], epochs: int, base_width: int) -> str:
    """The table, the paired difference and what to know when reading them, as Markdown."""
    runs = sum(one["network"] == "unet" for one in results)
    steps = {len(one["loss"]) for one in results}
    rows = [_row(f"{NAMES[name]}, P1", [f"{x:.1f}" for x in PAPER[name]]) for name in NAMES]
    rows += [_row(f"{NAMES[name]}, here", _cells(results, name)) for name in NAMES]
    rows.append(_row("difference, P1", [f"{a - b:+.1f}" for a, b in zip(*_paper(), strict=True)]))
    rows.append(_row("difference, here", _differences(results)))
    lines = [
        f"Percent of pixels; {runs} runs of each network (folds × seeds), {max(steps)} epochs, "
        f"base width {base_width}.",
        "",
        _row("", list(SCORES)),
        "|---|" + "---|" * len(SCORES),
        *rows,
        "",
        "Scores are pooled over the held-out images of a run; a row gives their mean over runs "
        "and its 95 % interval (Student's t). Runs share images, so these intervals are rather "
        "too narrow. The difference is paired: both networks on the same images, its interval "
        f"by bootstrap over held-out images within each data set, {RESAMPLES} resamples.",
        *_silent(results, epochs),
    ]
    return "\n".join(lines) + "\n"


def _paper() -> tuple[tuple[float, ...], tuple[float, ...]]:
    return PAPER["unet-dropblock"], PAPER["unet"]


def _row(name: str, cells: list[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"


def counts_of(result: Result) -> Numbers:
    """(images, 4) pixel counts of a run."""
    return np.array([[image[name] for name in COUNTS] for image in result["images"]], np.float64)


def run_scores(results: list[Result], network: str) -> dict[str, Numbers]:
    """Each score of each run of a network, percent, pooled over its held-out images."""
    pooled = np.array([counts_of(one).sum(0) for one in results if one["network"] == network])
    return {name: 100 * score for name, score in pixel_scores(*pooled.T).items()}


def _cells(results: list[Result], network: str) -> list[str]:
    scores = run_scores(results, network)
    return [f"{scores[name].mean():.1f} ± {half_interval(scores[name]):.1f}" for name in SCORES]


def half_interval(values: Numbers) -> float:
    """Half the 95 % interval of the mean of independent values; nan for one."""
    if len(values) < 2:
        return float("nan")
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(student.ppf(0.975, len(values) - 1) * error)


def _differences(results: list[Result]) -> list[str]:
    found = paired_differences(results)
    return [f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]" for mean, low, high in found.values()]


def paired_differences(results: list[Result]) -> dict[str, tuple[float, float, float]]:
    """U-net+DropBlock less U-net, percentage points: the difference and its 95 % interval.

    Every image is held out once for each seed. A resample draws images within each data set, the
    same for both networks and all seeds; scores are pooled over the draw for each seed, then
    averaged over seeds.
    """
    counts, data_sets = _by_network(results)
    images = counts.shape[2]
    random = np.random.default_rng(20250201)
    times = [np.ones(images), *(_drawn(data_sets, random) for _ in range(RESAMPLES))]
    # (draws, networks, seeds, 4)
    pooled = np.einsum("di,nsic->dnsc", np.array(times), counts)
    scores = pixel_scores(*np.moveaxis(pooled, -1, 0))
    return {name: _interval(100 * scores[name].mean(axis=2)) for name in SCORES}


def _interval(scores: Numbers) -> tuple[float, float, float]:
    """From scores (draws, 2) of the plain network and the other, all images being draw 0."""
    difference = scores[:, 1] - scores[:, 0]
    low, high = np.percentile(difference[1:], (2.5, 97.5))
    return float(difference[0]), float(low), float(high)


def _by_network(results: list[Result]) -> tuple[Numbers, NDArray[np.str_]]:
    """Counts (networks, seeds, images, 4), images in one order for all; the set of each image."""
    seeds = sorted({one["seed"] for one in results})
    rows = [[_all_images(results, network, seed) for seed in seeds] for network in NAMES]
    order = sorted(rows[0][0])
    counts = [[[of_seed[image] for image in order] for of_seed in row] for row in rows]
    return np.array(counts, np.float64), np.array([data_set for data_set, _ in order])


def _all_images(
    results: list[Result], network: str, seed: int
) -> dict[tuple[str, str], list[float]]:
    chosen = [one for one in results if (one["network"], one["seed"]) == (network, seed)]
    return {
        (image["data_set"], image["image"]): [image[name] for name in COUNTS]
        for one in chosen
        for image in one["images"]
    }


def _drawn(data_sets: NDArray[np.str_], random: np.random.Generator) -> Numbers:
    """How often each image is in a resample that keeps the size of each data set."""
    times = np.zeros(len(data_sets))
    for name in np.unique(data_sets):
        (of_set,) = np.nonzero(data_sets == name)
        times += np.bincount(random.choice(of_set, len(of_set)), minlength=len(data_sets))
    return times


def _silent(results: list[Result], epochs: int) -> list[str]:
    """Say so when runs ended as they began, calling all background."""
    is_silent: Callable[[Result], bool] = lambda one: counts_of(one)[:, :2].sum() == 0  # noqa: E731
    silent = [NAMES[one["network"]] for one in results if is_silent(one)]
    if not silent:
        return []
    named = ", ".join(f"{silent.count(name)} of {name}" for name in dict.fromkeys(silent))
    return ["", f"After {epochs} epochs these runs call every pixel background: {named}."]
