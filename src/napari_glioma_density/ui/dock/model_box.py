"""The model and the device it runs on."""

from magicgui.widgets import ComboBox, Container

from napari_glioma_density.findings.tuning import TUNED_ELSEWHERE
from napari_glioma_density.nuclei.kept_metrics import title_of
from napari_glioma_density.results import RunSpec
from napari_glioma_density.ui import words
from napari_glioma_density.ui.ahead import get_ready
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, text
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.models import ListModels, ModelChoice
from napari_glioma_density.ui.session import Session
from napari_glioma_density.ui.specimen import ORGAN_NAMES

DEVICES = (("Automatic", "auto"), ("CPU", "cpu"), ("NVIDIA (CUDA)", "cuda"), ("Apple (MPS)", "mps"))


class ModelBox(Box):
    """A form of two choices; the models are listed in the background.

    Choosing a model shows what it has found on the slide; results that come back with a slide
    choose their model.
    """

    def __init__(self, session: Session, list_models: ListModels) -> None:
        super().__init__("Model")
        self._session = session
        self._models: tuple[ModelChoice, ...] = ()
        self._model = ComboBox(name="model", choices=())
        self._model.native.setAccessibleName("Model")
        self._device = ComboBox(name="device", choices=DEVICES, value=session.wishes.device)
        self._device.native.setAccessibleName("Device")
        self._device.native.setToolTip("Where the network runs")
        self._missing = text(words.NO_MODEL)
        self._other = text(quiet=True)
        self._tuned = text()
        for line in (self._missing, self._other, self._tuned):
            line.hide()
        self._kept = ""
        parameters = Container(
            widgets=[self._model, self._device], layout="horizontal", labels=False
        )
        parameters.margins = (0, 0, 0, 0)
        self.body.addWidget(parameters.native)
        self.body.addWidget(self._missing)
        self.body.addWidget(self._other)
        self.body.addWidget(self._tuned)
        self.connections = Connections()
        self.connections.add(self._model.changed, self._choose)
        self.connections.add(session.measured, self._follow)
        self.connections.add(session.slides.changed, self._tell_of_tuning)
        self.connections.add(session.slides.organ_changed, self._choose_anew)
        self.connections.add(session.estimating.phase_changed, self._show_phase)
        self._list_models = list_models
        self.connections.add(session.models_changed, self._list)
        self.connections.add(session.nothing_stored, self._get_ready)
        self.connections.add(session.nothing_stored, self._tell_of_kept)
        self.connections.add(session.slides.changed, self._forget_kept)
        self.connections.add(self._device.changed, session.wishes.choose_device)
        self.connections.add(self._device.changed, self._get_ready)
        self.connections.add(session.wishes.changed, self._show_device)
        self._show_phase()
        self._list()

    def chosen(self) -> tuple[str | None, str]:
        """Return the names of model and device; no model while they are being listed."""
        return self._model.value, str(self._device.value)

    def _list(self) -> None:
        self._session.background.submit(self._list_models, self._listed)

    def _listed(self, models: tuple[ModelChoice, ...]) -> None:
        before, self._models = self._models, models
        with self._model.changed.blocked():
            self._model.choices = [(model.title, model.name) for model in models]
        self._missing.setVisible(not models)
        self._describe(self._model.value)
        if self._has_lost(before) and self._model.value is not None:
            self._session.choose_model(self._model.value)
        self._follow()
        self._get_ready()
        self._session.models_listed.emit()

    def _has_lost(self, before: tuple[ModelChoice, ...]) -> bool:
        """Whether the model on show was there before and is no more."""
        shown = self._session.shown
        lost = {model.name for model in before} - {model.name for model in self._models}
        return shown is not None and shown.spec.model in lost

    def _choose(self, name: str) -> None:
        if self._session.shown is not None:
            self._kept = self._what_is_kept(name, self._session.shown.spec)
        self._describe(name)
        self._session.choose_model(name)

    def _what_is_kept(self, chosen: str, shown: RunSpec) -> str:
        if shown.model == chosen:
            return words.KEPT_ORGAN.format(name=ORGAN_NAMES[shown.organ])
        return words.KEPT.format(name=self._title(shown.model))

    def _choose_anew(self) -> None:
        """Show what the model has found on the slide as one of another organ.

        Results that come back name their organ themselves, maybe before they choose their model.
        While the models are being listed it is the model on show or, where none is, any.
        """
        shown, organ = self._session.shown, self._session.slides.organ
        if shown is not None and shown.spec.organ == organ:
            return
        name = self._model.value or (shown.spec.model if shown is not None else None)
        if name is not None:
            self._choose(name)
        else:
            self._session.open_stored(organ=organ)

    def _title(self, name: str) -> str:
        return next((model.title for model in self._models if model.name == name), title_of(name))

    def _tell_of_kept(self) -> None:
        """Say that what has left the view for a model without results is not lost."""
        if self._kept:
            self._other.setText(self._kept)
            self._other.show()

    def _forget_kept(self) -> None:
        self._kept = ""

    def _get_ready(self) -> None:
        """Have what the next estimate needs at hand, where there is nothing to show yet."""
        model, device = self.chosen()
        if model is not None and self._session.shown is None:
            get_ready(self._session, model, device)

    def _follow(self) -> None:
        """Name the model whose results are shown, also where it is no longer to be had."""
        shown = self._session.shown
        is_here = shown is not None and shown.spec.model in self._model.choices
        self._other.setVisible(shown is not None and bool(self._models) and not is_here)
        if shown is None:
            return
        if is_here:
            with self._model.changed.blocked():
                self._model.value = shown.spec.model
            self._describe(shown.spec.model)
        else:
            caution = f" {TUNED_ELSEWHERE}" if shown.is_tuned_elsewhere else ""
            name = title_of(shown.spec.model)
            self._other.setText(words.OTHER_MODEL.format(name=name) + caution)

    def _show_device(self) -> None:
        with self._device.changed.blocked():
            self._device.value = self._session.wishes.device

    def _show_phase(self) -> None:
        self._model.enabled = self._device.enabled = self._session.estimating.phase is Phase.READY

    def _describe(self, name: str | None) -> None:
        about = next((model.about for model in self._models if model.name == name), "")
        self._model.native.setToolTip(about)
        self._tell_of_tuning()

    def _tell_of_tuning(self) -> None:
        """Say that a model stays chosen that has learnt from other slides than the one on show."""
        name, slide = self._model.value, self._session.slides.slide
        chosen = next((model for model in self._models if model.name == name), None)
        elsewhere = chosen and slide and chosen.is_tuned_elsewhere(slide.pseudonym)
        title = chosen.title if chosen else ""
        self._tuned.setText(words.TUNED_ELSEWHERE.format(name=title) if elsewhere else "")
        self._tuned.setVisible(bool(elsewhere))
