"""A fine-tuned model that stays chosen when another slide is opened."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from napari_glioma_density.ui.dock.model_box import ModelBox
from napari_glioma_density.ui.models import ModelChoice


def tuned_on(*slides: str) -> tuple[ModelChoice, ...]:
    return (ModelChoice("dark", "dark", "", tuned_on=frozenset(slides)),)


def tells(box: ModelBox, told: bool) -> bool:
    return box._tuned.isHidden() is not told


def test_a_model_that_has_learnt_from_other_slides_says_so(
    open_dock: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    dock = open_dock(slide_path)
    box, slide = dock.model_box, dock.session.slides.slide
    assert box._tuned.isHidden()
    for slides, elsewhere in (
        (("slide-00000000",), True),
        ((slide.pseudonym, "slide-00000000"), False),
        ((), True),
    ):
        box._list_models = lambda slides=slides: tuned_on(*slides)
        dock.session.models_changed.emit()
        qtbot.waitUntil(partial(tells, box, elsewhere), timeout=60_000)
    assert "“dark” was fine-tuned on other slides and stays chosen" in box._tuned.text()
    dock.session.viewer.layers.clear()
    qtbot.waitUntil(lambda: box._tuned.isHidden(), timeout=60_000)
