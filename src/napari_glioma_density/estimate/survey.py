"""What is read of a slide before its first block: its tissue, its colours and its sharpness."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.estimate.measurement import unseen_rim_px
from napari_glioma_density.estimate.slide_colours import (
    SlideColours,
    fit_slide_colours,
    read_windows,
)
from napari_glioma_density.nuclei.segmenter import rehearse
from napari_glioma_density.nuclei.segmenter_protocol import Segmenter
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.slides import (
    Slide,
    TissueMap,
    WorkingPlane,
    find_tissue,
    whole_slide_tissue,
    working_plane,
)
from napari_glioma_density.stain import NotBrightfield, refuse_unless_brightfield
from napari_glioma_density.stain.sharpness import sharpness


@dataclass(frozen=True, eq=False)
class Survey:
    """A slide as a model will see it; it may be made before anyone asks for an estimate.

    Attributes
    ----------
    plane
        The slide at the model's resolution.
    input
        What the model is fed, a name of ``stain.INPUTS``.
    tissue_mask
        Whether bare glass is left out.
    tissue
        Where there is tissue; everywhere where no glass is left out.
    is_brightfield
        Whether it looks like a brightfield H&E slide; others are measured where one insists.
    """

    plane: WorkingPlane
    input: str
    tissue_mask: bool
    tissue: TissueMap
    is_brightfield: bool = True

    @classmethod
    def of(
        cls, slide: Slide, model: ModelSpec, *, tissue_mask: bool = True, force: bool = False
    ) -> Self:
        """Look at a slide for a model.

        Parameters
        ----------
        slide
            With a believable µm/px.
        model
            Its resolution and its input.
        tissue_mask
            Whether bare glass is left out.
        force
            Go on even if the slide does not look like brightfield H&E.

        Raises
        ------
        SlideError
            When the slide cannot be measured: no µm/px, too coarse, not brightfield, unreadable.
        """
        slide.check_readable()
        is_brightfield = _looks_like_brightfield(slide, force=force)
        plane = working_plane(slide, model.um_per_px)
        tissue = find_tissue(plane) if tissue_mask else whole_slide_tissue(plane)
        return cls(plane, model.input, tissue_mask, tissue, is_brightfield)

    @property
    def colours(self) -> SlideColours:
        """What the model's input is fitted to; read at the first use."""
        return self._look[0]

    @property
    def sharpness(self) -> float | None:
        """How sharp its tissue is, see ``stain.sharpness``; None where there is nothing to see."""
        return self._look[1]

    @cached_property
    def _look(self) -> tuple[SlideColours, float | None]:
        """Both, of the same windows, which are not kept."""
        windows = read_windows(self.plane, self.tissue if self.tissue_mask else None)
        rgb, read = zip(*windows, strict=True)
        return (
            fit_slide_colours(windows, self.input),
            sharpness(rgb, self.plane.um_per_px, read),
        )

    def is_of(self, slide: Slide, model: ModelSpec, *, tissue_mask: bool) -> bool:
        """Whether it was made of this very slide, for a model that sees it as `model` does."""
        return (
            self.plane.slide is slide
            and working_plane(slide, model.um_per_px) == self.plane
            and (self.input, self.tissue_mask) == (model.input, tissue_mask)
        )


def _looks_like_brightfield(slide: Slide, *, force: bool) -> bool:
    """Tell it of a slide; one that does not is refused without `force`."""
    try:
        refuse_unless_brightfield(slide.thumbnail(1024), slide.name)
    except NotBrightfield:
        if not force:
            raise
        return False
    return True


def rehearse_first_block(segmenter: Segmenter) -> None:
    """Have the model see a blank block of one patch, the size of the block looked at first."""
    halo_px = segmenter.spec.halo_px
    rehearse(segmenter, PATCH_PX + 2 * halo_px, unseen_rim_px(halo_px))
