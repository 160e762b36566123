"""How fast a network learns and how much DropBlock drops, from step to step."""

import math
from collections.abc import Sequence
from typing import Final

from napari_glioma_density.training.recipe import Recipe

WARM_UP: Final = 0.2
"""Share of the run over which the learning rate rises."""
RAMP: Final = 0.75
"""Share of the run over which the ramp rises to R_drop."""
GAP_OF_FULL_RATE: Final = 0.1
"""Growth of the generalisation gap that calls for the recipe's R_drop."""
MOST: Final = 2.0
"""The adaptive rate never exceeds this many times the recipe's."""
RECENT: Final = 3
"""Epochs whose gaps are averaged."""


def learning_rate(recipe: Recipe, done: float) -> float:
    """Learning rate at the share ``done`` of the run, 0–1; that of plain SGD stays (P1)."""
    return recipe.learning_rate * (1.0 if recipe.optimiser == "sgd" else one_cycle(done))


def one_cycle(done: float) -> float:
    """Factor on the top learning rate at the share ``done`` of the run: cosine up, cosine down."""
    if done < WARM_UP:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * done / WARM_UP)) / 2
    return 1e-3 + (1 - 1e-3) * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))) / 2


def drop_rate(recipe: Recipe, done: float, gaps: Sequence[float]) -> float:
    """R_drop at the share ``done`` of the run, by the recipe's schedule.

    Parameters
    ----------
    recipe
        Its ``drop_rate`` and ``drop_schedule``: "constant" (P1); "ramp", linear from 0 as the
        authors of DropBlock do; or "adaptive", see :func:`adaptive_factor`.
    done
        Share of the run, 0–1.
    gaps
        What :meth:`GapWatch.gap` measured after each epoch so far; the adaptive rule alone asks.
    """
    if recipe.drop_schedule == "ramp":
        return recipe.drop_rate * min(1.0, done / RAMP)
    if recipe.drop_schedule == "adaptive":
        return recipe.drop_rate * adaptive_factor(gaps)
    return recipe.drop_rate


def adaptive_factor(gaps: Sequence[float]) -> float:
    """Factor on R_drop, from how far the network has begun to learn its fields by heart.

    P1 leaves an adaptive DropBlock to future work and does not say what should drive it. Here it is
    what DropBlock is for: overfitting, measured as the gap ln(L_held / L_learnt) between the loss
    on fields held back from the training sets and that on fields learnt from. Some fields are
    harder than others whether or not they were learnt from, so the gap is taken relative to that
    after the first epoch, when no field has been seen more than about once. As long as it has not
    grown, nothing is dropped and learning is as fast as with the plain U-net; then the rate rises
    in proportion, up to :data:`MOST` times the recipe's.

    Other signals were rejected: the balance of precision and recall, by which P1 argues, depends on
    the probability threshold, which is chosen afterwards; redundancy of activations says nothing
    about unseen fields. The rule is proportional, not integrating: with too few training fields the
    gap never closes, and an integrator would drive the rate to its limit.

    Parameters
    ----------
    gaps
        One an epoch so far; without any, nothing is dropped.
    """
    if not gaps:
        return 0.0
    recent = gaps[-RECENT:]
    growth = sum(recent) / len(recent) - gaps[0]
    return min(MOST, max(0.0, growth / GAP_OF_FULL_RATE))
