"""A list of places to choose from that keeps what is chosen when it changes."""

from collections.abc import Sequence

from qtpy.QtWidgets import QComboBox, QSizePolicy


class PlaceCombo(QComboBox):  # type: ignore[misc]
    """Chooses one of some named places, each with a key."""

    def __init__(self, accessible_name: str) -> None:
        super().__init__()
        self.setAccessibleName(accessible_name)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self._picked = False
        self.activated.connect(self._pick)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def key(self) -> str:
        """Of what is chosen; empty for nothing."""
        return str(self.currentData() or "")

    def show_places(self, places: Sequence[tuple[str, str]], first: str = "") -> None:
        """Offer (name, key) pairs; `first` is chosen unless somebody chose another that is left."""
        offered = [(self.itemText(place), self.itemData(place)) for place in range(self.count())]
        if list(places) == offered:
            return
        keys = [key for _, key in places]
        self._picked &= self.key in keys
        wanted = self.key if self._picked else first
        self.blockSignals(True)
        self.clear()
        for name, key in places:
            self.addItem(name, key)
        self.setCurrentIndex(keys.index(wanted) if wanted in keys else -1)
        self.blockSignals(False)
        self.currentIndexChanged.emit(self.currentIndex())

    def _pick(self, _place: int) -> None:
        self._picked = True
