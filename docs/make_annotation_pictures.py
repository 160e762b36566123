"""Make the pictures of annotation, review and fine-tuning from the running program.

    python docs/make_annotation_pictures.py --slide CMU-1-Small-Region.svs \\
        --learn DATA_SET --guard DATA_SET [--output FOLDER]

As ``make_pictures.py`` does. Fine-tuning takes some minutes; its model goes to a temporary folder.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

from make_pictures import Screen, open_screen

from napari_glioma_density.annotation.hint_settings import HintSource
from napari_glioma_density.ui.annotation.dock import AnnotationDock
from napari_glioma_density.ui.annotation.fine_tune_task import Use
from napari_glioma_density.ui.annotation.review_box import Note
from napari_glioma_density.ui.words import PLUGIN

ACCEPTED = 6
CORRECT, REVIEW, TUNE = range(3)
MODEL, MINUTES = "my-laboratory", 8


def open_annotation(screen: Screen) -> AnnotationDock:
    """Open the second dock over the first, as *Plugins > Annotation assist* does."""
    dock: AnnotationDock
    _, dock = screen.viewer.window.add_plugin_dock_widget(PLUGIN, "Annotation assist", tabify=True)
    dock.parent().raise_()
    return dock


def picture_annotation(screen: Screen, slide: Path) -> AnnotationDock:
    """A field of a slide that was estimated: its hints, and the same with some accepted."""
    screen.open(slide)
    screen.estimate()
    screen.finish()
    dock = open_annotation(screen)
    session = dock.annotation
    densest = screen.densest()
    screen.session.cells.go_to(densest)
    screen.rest(1)
    dock.field_box._author.setText("AB")
    # This slide's colours are stored in coarse blocks, which the other sources show.
    dock.hint_box._source.value = HintSource.LUMA
    screen.press_in(dock, "Annotate field")
    screen.wait_for(lambda: session.field is not None and bool(session.field.desk.found))
    screen.rest()
    screen.grab("annotate-field")
    session.actions.next_hint()
    for _ in range(ACCEPTED):
        session.actions.accept()
        screen.rest(0.5)
    screen.rest()
    screen.grab("annotate-corrected")
    session.actions.toggle_done()
    screen.rest(0.5)
    screen.press_in(dock, "Close field")
    dock.tabs.setCurrentIndex(REVIEW)
    dock.review_box.noted.emit(Note(densest, reviewed=True))
    screen.rest(1)
    dock.review_box.go_on()
    screen.rest()
    screen.grab("review")
    return dock


def picture_fine_tuning(screen: Screen, dock: AnnotationDock, learnt: Path, guard: Path) -> None:
    """A model that learns from annotated fields, and what became better."""
    dock.tabs.setCurrentIndex(TUNE)
    box = dock.tune_box
    box.data_sets.show_own(None, 0)
    box.data_sets.add(learnt)
    box.data_sets.add(guard, Use.GUARD)
    screen.wait_for(lambda: len(box.data_sets.sets()) == 2)
    box._name.setText(MODEL)
    box._minutes.setValue(MINUTES)
    epochs = 0

    def count(log: list[object]) -> None:
        nonlocal epochs
        epochs = len(log)

    screen.press_in(dock, "Fine-tune")
    screen.wait_for(lambda: box._job is not None)
    assert box._job is not None
    box._job.progressed.connect(count)
    screen.wait_for(lambda: epochs >= 4 or not box.busy)
    screen.rest(1)
    screen.grab("fine-tune")
    screen.wait_for(lambda: not box.busy)
    screen.rest()
    screen.grab("before-after")


def main() -> None:
    """Make them all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slide", type=Path, required=True, help="CMU-1-Small-Region.svs")
    parser.add_argument("--learn", type=Path, required=True, help="data set to learn from")
    parser.add_argument("--guard", type=Path, required=True, help="data set not to forget")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "images")
    asked = parser.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = str(Path(folder) / "data")
        screen = open_screen(asked.output)
        dock = picture_annotation(screen, Path(shutil.copy(asked.slide, folder)))
        picture_fine_tuning(screen, dock, asked.learn.resolve(), asked.guard.resolve())
        screen.viewer.close()


if __name__ == "__main__":
    main()
