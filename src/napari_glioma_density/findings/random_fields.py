"""What corrected random fields say about the slide they were drawn from."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.field import FieldValues
from napari_glioma_density.annotation.sampling import is_sampled
from napari_glioma_density.density import PatchTable
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.interval import Interval, students_t
from napari_glioma_density.findings.validation import Basis

FEWEST_FIELDS = 3


@dataclass(frozen=True)
class CorrectionFactor:
    """Corrected nucleus area of a slide over the model's, with its 95 % interval.

    `fields` is the number of random fields it rests on.
    """

    factor: float
    interval: Interval
    fields: int


@dataclass(frozen=True)
class Ratio:
    """Corrected over found nucleus area of the tissue that random fields stand for.

    Attributes
    ----------
    ratio
        Sum over sum.
    standard_error
        Of the ratio.
    scatter
        Standard deviation of single fields about it, as a share of their mean.
    fields
        How many.
    """

    ratio: float
    standard_error: float
    scatter: float
    fields: int

    @property
    def degrees(self) -> int:
        """Degrees of freedom of Student's t."""
        return self.fields - 1

    @property
    def interval(self) -> Interval:
        """The 95 % interval."""
        half = students_t(self.degrees) * self.standard_error
        return Interval(max(0.0, self.ratio - half), self.ratio + half)


@dataclass(frozen=True, eq=False)
class RandomFields:
    """Random fields of a slide and the tissue they stand for.

    Attributes
    ----------
    found_px, corrected_px
        Nucleus px of every field, as the model has it and as corrected, float64.
    found_percent
        Nucleus px per tissue px of all of them, as the model has it; 0 where there is no tissue.
    stand_for
        The patches they were drawn from less those chosen by hand, bool, shape (lattice rows,
        lattice columns).
    """

    found_px: NDArray[np.float64]
    corrected_px: NDArray[np.float64]
    found_percent: float
    stand_for: NDArray[np.bool_]

    @classmethod
    def of(
        cls, model: PatchTable, drawn: Iterable[FieldValues], chosen: Iterable[FieldValues] = ()
    ) -> Self:
        """Compare fields with the model.

        Parameters
        ----------
        model
            The model's own values.
        drawn, chosen
            Random fields, and fields chosen by hand, which stand for themselves alone. A field with
            an unread patch is passed over.
        """
        stand_for = is_sampled(model)
        for field in _read(model, chosen):
            stand_for[field.block.patches] = False
        fields = _read(model, drawn)
        found = [_found_px(model, field) for field in fields]
        tissue = sum(int(model.tissue_px[field.block.patches].sum()) for field in fields)
        return cls(
            found_px=np.array(found, np.float64),
            corrected_px=np.array([field.nucleus_px.sum() for field in fields], np.float64),
            found_percent=100 * sum(found) / tissue if tissue else 0.0,
            stand_for=stand_for,
        )

    def ratio(self, validated: DensityError | None = None) -> Ratio | None:
        """Estimate the ratio of corrected to found nucleus area.

        The ratio estimator Σy/Σx with its linearised variance, (1 − n/N)·Σ(y − Rx)²/((n −
        1)·n·x̄²), and Student's t of n − 1 degrees of freedom (Cochran, Sampling Techniques, 1977,
        ch. 6). A model may be right in most patches and far off in a few; a handful of fields may
        miss those few and hardly scatter. So fields are taken to scatter at least as much as fields
        of one slide did in validation.

        Parameters
        ----------
        validated
            The model's error as validation has it.

        Returns
        -------
        Ratio | None
            None for fewer than three fields, where the model found nothing, and where the model has
            no validation and no field was changed: then nobody can tell how sure the ratio is.
        """
        fields = len(self.found_px)
        if fields < FEWEST_FIELDS or not self.found_px.any():
            return None
        ratio = self.corrected_px.sum() / self.found_px.sum()
        squares = ((self.corrected_px - ratio * self.found_px) ** 2).sum() / (fields - 1)
        scatter = float(np.sqrt(squares) / self.found_px.mean())
        scatter = max(scatter, self._least_scatter(validated))
        if not scatter:
            return None
        population = max(fields, int(np.count_nonzero(self.stand_for)))
        error = scatter * np.sqrt((1 - fields / population) / fields)
        return Ratio(float(ratio), float(error), scatter, fields)

    def _least_scatter(self, validated: DensityError | None) -> float:
        if validated is None or not self.found_percent:
            return 0.0
        return validated.tissue_sd(self.found_percent) / self.found_percent


def corrected_error(
    model: PatchTable,
    drawn: Iterable[FieldValues],
    chosen: Iterable[FieldValues] = (),
    validated: DensityError | None = None,
) -> DensityError | None:
    """Find how far a model is off on a slide from random fields that a person corrected there.

    The middle and the slide's part are the ratio of corrected to found nucleus area and its
    standard error; the part of tissue is how single fields scatter about the ratio. It holds for
    tissue that nobody corrected. What the reader got wrong is in neither.

    Parameters
    ----------
    model, drawn, chosen
        As :meth:`RandomFields.of` takes them.
    validated
        As :meth:`RandomFields.ratio` takes it.

    Returns
    -------
    DensityError | None
        None where there is no ratio.
    """
    found = RandomFields.of(model, drawn, chosen).ratio(validated)
    if found is None:
        return None
    return DensityError(
        slide_share=found.standard_error,
        tissue_share=found.scatter,
        turning_percent=0.0,
        degrees=found.degrees,
        basis=Basis(found.fields, slides=1),
        centre=found.ratio,
    )


def slide_factor(
    model: PatchTable,
    drawn: Iterable[FieldValues],
    chosen: Iterable[FieldValues] = (),
    validated: DensityError | None = None,
) -> CorrectionFactor | None:
    """Return the correction factor of a slide from its finished fields.

    Random fields stand for all tissue except what was chosen by hand, as in the interval of the
    total; that includes patches that are less than half tissue, although none is drawn from those.
    Chosen fields stand for themselves: their nucleus area is known, and added. Parameters, and when
    the result is None, are as in :func:`corrected_error`.
    """
    known = _read(model, chosen)
    random = RandomFields.of(model, drawn, known)
    found = random.ratio(validated)
    if found is None:
        return None
    known_found = sum(_found_px(model, field) for field in known)
    known_px = sum(int(field.nucleus_px.sum()) for field in known)
    rest_px = int(model.nucleus_px[model.is_read].sum()) - known_found
    factor, low, high = (
        (known_px + ratio * rest_px) / (known_found + rest_px)
        for ratio in (found.ratio, *found.interval)
    )
    return CorrectionFactor(factor, Interval(low, high), found.fields)


def _read(model: PatchTable, fields: Iterable[FieldValues]) -> list[FieldValues]:
    """The fields all of whose patches the model has read, and no more of them than the person."""
    return [
        field
        for field in fields
        if model.is_read[field.block.patches].all()
        and field.saw_all(model.read_px[field.block.patches]).all()
    ]


def _found_px(model: PatchTable, field: FieldValues) -> int:
    """Nucleus px that the model has in a field."""
    return int(model.nucleus_px[field.block.patches].sum())
